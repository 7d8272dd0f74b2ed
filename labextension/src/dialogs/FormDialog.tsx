import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { Locale } from '../components/locale';
import { asBatonError } from '../resource';

/** What a form shows and tells: its values, what is wrong with them, and every change. */
export interface IFormProps<V> {
  value: V;
  onChange: (value: V) => void;
  /** Whether faults are shown: not before the person tried to go on. */
  showFaults: boolean;
}

export interface IFormOptions<V> {
  title: string;
  /** The one primary button. */
  accept: string;
  value: V;
  form: React.ComponentType<IFormProps<V>>;
  /** What has the focus at first, as a selector; without it, the first field. */
  focus?: string;
  /** Whether the values can be sent. */
  isValid: (value: V) => boolean;
  onChange?: (value: V) => void;
  /** Throws BatonError; the dialog then stays as it is and says why. */
  submit: (value: V) => Promise<void>;
  trans: TranslationBundle;
}

/** A dialog that closes only once what it asks for was done; nothing typed is lost before. */
export class FormDialog<V> extends Dialog<V> {
  constructor(options: IFormOptions<V>) {
    const body = new FormBody(options);
    super({
      title: options.title,
      body,
      buttons: [
        Dialog.cancelButton({ label: options.trans.__('Cancel') }),
        Dialog.okButton({ label: options.accept })
      ],
      focusNodeSelector: options.focus ?? 'select, input, textarea'
    });
    this.addClass('jp-Baton-dialog');
    this._form = body;
  }

  override resolve(index: number = ACCEPT): void {
    if (index === ACCEPT) {
      void this._submit();
    } else {
      super.resolve(index);
    }
  }

  private async _submit(): Promise<void> {
    const accept = this.node.querySelector<HTMLButtonElement>('.jp-Dialog-button.jp-mod-accept');
    if (!accept || accept.disabled) {
      return;
    }
    accept.disabled = true;
    accept.setAttribute('aria-busy', 'true');
    const isDone = await this._form.submit();
    if (this.isDisposed) {
      return;
    }
    accept.disabled = false;
    accept.removeAttribute('aria-busy');
    if (isDone) {
      super.resolve(ACCEPT);
    }
  }

  private readonly _form: FormBody<V>;
}

const ACCEPT = 1;

/** The form in a dialog, with the error of the last try below it. */
class FormBody<V> extends ReactWidget implements Dialog.IBodyWidget<V> {
  constructor(private readonly _options: IFormOptions<V>) {
    super();
    this.addClass('jp-Baton-form');
    this._value = _options.value;
  }

  getValue(): V {
    return this._value;
  }

  /** Whether it was done; if not, the form says why. */
  async submit(): Promise<boolean> {
    this._showFaults = true;
    this._error = null;
    this.update();
    if (!this._options.isValid(this._value)) {
      return false;
    }
    try {
      await this._options.submit(this._value);
      return true;
    } catch (reason) {
      this._error = asBatonError(reason).message;
      this.update();
      return false;
    }
  }

  protected render(): React.JSX.Element {
    const { form: Form, trans } = this._options;
    return (
      <Locale.Provider value={{ trans, language: 'en', now: 0 }}>
        <Form
          value={this._value}
          showFaults={this._showFaults}
          onChange={value => {
            this._value = value;
            this._options.onChange?.(value);
            this.update();
          }}
        />
        {this._error === null ? null : (
          <p className="jp-Baton-error" role="alert" ref={bringIntoView}>
            {this._error}
          </p>
        )}
      </Locale.Provider>
    );
  }

  private _value: V;
  private _error: string | null = null;
  private _showFaults = false;
}

/** A form may be longer than the dialog; what went wrong has to be seen. */
function bringIntoView(node: HTMLElement | null): void {
  node?.scrollIntoView({ block: 'nearest' });
}
