import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import React from 'react';

import type { IActions } from './actions';
import { BatonView } from './components/BatonView';
import { batonIcon, batonUnreadIcon } from './icons';
import type { IBatonModel, IBatonPanel } from './tokens';

/** The panel's life in the sidebar: it looks while it is visible, and marks what is unread. */
export class BatonPanel extends ReactWidget implements IBatonPanel {
  constructor(
    private readonly _options: {
      model: IBatonModel;
      actions: IActions;
      trans: TranslationBundle;
      language: string;
    }
  ) {
    super();
    const { model, trans } = _options;
    this.id = 'jupyter-baton-panel';
    this.addClass('jp-Baton');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Baton'));
    this.title.icon = batonIcon;
    model.changed.connect(this._onChanged, this);
    this._onChanged();
  }

  protected render(): React.JSX.Element {
    return <BatonView {...this._options} />;
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._look();
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this._options.model.gate.close();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (this.isVisible) {
      this._look();
    }
  }

  /** Whoever opens it by a command goes on in it. */
  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    // Which tab is selected may not be drawn yet.
    this.node.querySelector<HTMLElement>(`#jp-Baton-tab-${this._options.model.tab}`)?.focus();
  }

  private _look(): void {
    const { model } = this._options;
    model.gate.open();
    model.load();
    // What was open all along is now being looked at.
    if (model.tab === 'handoffs') {
      model.handoffs.select(model.handoffs.selected);
    }
    this.update();
  }

  private readonly _onChanged = (): void => {
    const { model, trans } = this._options;
    const unread = model.handoffs.unread.size;
    this.title.icon = unread ? batonUnreadIcon : batonIcon;
    this.title.caption = unread ? trans.__('Baton, %1 with news', unread) : trans.__('Baton');
    this.update();
  };
}
