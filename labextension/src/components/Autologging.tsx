import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import React, { useId } from 'react';

import type { IActions } from '../actions';
import type { Autolog, ISettings } from '../records';
import { useLocale } from './locale';
import { Fold } from './parts';

const CHOICES: readonly Autolog[] = ['off', 'metrics', 'models'];
const AS_ALL = '';

/** What notebooks log by themselves: for all of them, and for the one in front. */
export function Autologging(props: {
  settings: ISettings | null;
  notebook: string | null;
  actions: IActions;
}): React.JSX.Element | null {
  const { settings, notebook, actions } = props;
  const { trans } = useLocale();
  if (!settings) {
    return null;
  }
  return (
    <div className="jp-Baton-settings">
      <Fold title={trans.__('Autologging')} summary={autologWord(settings.effective, trans)}>
        <Choice
          label={trans.__('All my notebooks')}
          value={settings.autolog}
          options={options(trans)}
          onChange={autolog => {
            actions.changeAutolog(null, autolog || 'off');
          }}
        />
        {notebook === null ? null : (
          <Choice
            label={PathExt.basename(notebook)}
            title={notebook}
            value={settings.notebook ?? AS_ALL}
            options={[
              {
                value: AS_ALL,
                label: trans.__('as all: %1', autologWord(settings.autolog, trans))
              },
              ...options(trans)
            ]}
            onChange={autolog => {
              actions.changeAutolog(notebook, autolog || null);
            }}
          />
        )}
        <p className="jp-Baton-quiet">
          {trans.__(
            'What a library fits is then logged without a line of code. It holds from the next cell that runs. With models, fitting takes several times longer.'
          )}
        </p>
      </Fold>
    </div>
  );
}

function Choice(props: {
  label: string;
  title?: string;
  value: Autolog | '';
  options: { value: string; label: string }[];
  onChange: (value: Autolog | '') => void;
}): React.JSX.Element {
  const id = useId();
  return (
    <div className="jp-Baton-setting">
      <label htmlFor={id} className="jp-Baton-clip" title={props.title}>
        {props.label}
      </label>
      <HTMLSelect
        id={id}
        className="jp-Baton-select"
        value={props.value}
        options={props.options}
        onChange={event => {
          props.onChange(event.currentTarget.value as Autolog | '');
        }}
      />
    </div>
  );
}

function options(trans: TranslationBundle): { value: string; label: string }[] {
  return CHOICES.map(value => ({ value, label: autologWord(value, trans) }));
}

function autologWord(autolog: Autolog, trans: TranslationBundle): string {
  switch (autolog) {
    case 'off':
      return trans.__('off');
    case 'metrics':
      return trans.__('metrics and parameters');
    case 'models':
      return trans.__('models too');
  }
}
