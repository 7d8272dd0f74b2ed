import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useId } from 'react';

import { AccessFacts } from '../components/Audience';
import { Locale, useLocale } from '../components/locale';
import type { AccessTarget, IAccess, IAccessChange, ITeam } from '../records';
import type { IFormProps } from './FormDialog';
import { FormDialog } from './FormDialog';
import { Groups, useGroups } from './Groups';
import type { ISharing, Readers } from './sharing';
import { changeOf, sharingOf, withRead, withReaders, withWrite } from './sharing';

interface IShared {
  target: AccessTarget;
  name: string;
  access: IAccess;
  trans: TranslationBundle;
}

/** Ask its owner who may see and change an experiment or registered model. */
export function accessDialog(
  options: IShared & {
    /** The Hub's groups that can be chosen. */
    loadTeams: () => Promise<ITeam[]>;
    submit: (access: IAccessChange) => Promise<void>;
  }
): FormDialog<ISharing> {
  const { access, target, trans, loadTeams } = options;
  return new FormDialog<ISharing>({
    title: title(options),
    accept: trans.__('Save'),
    value: sharingOf(access),
    form: props => <AccessForm {...props} target={target} loadTeams={loadTeams} />,
    focus: 'input:checked',
    isValid: value => value.readers !== 'groups' || value.read.length > 0,
    submit: value => options.submit(changeOf(value)),
    trans
  });
}

/** Tell anybody else who may, and whom to ask. */
export function accessView(options: IShared): Dialog<unknown> {
  const { access, trans } = options;
  const body = ReactWidget.create(
    <Locale.Provider value={{ trans, language: 'en', now: 0 }}>
      <AccessFacts access={access} />
    </Locale.Provider>
  );
  body.addClass('jp-Baton-form');
  const dialog = new Dialog({
    title: title(options),
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
  dialog.addClass('jp-Baton-dialog');
  return dialog;
}

function title({ name, trans }: IShared): string {
  return trans.__('Who may see and change “%1”', name);
}

function AccessForm(
  props: IFormProps<ISharing> & { target: AccessTarget; loadTeams: () => Promise<ITeam[]> }
): React.JSX.Element {
  const { value, onChange, showFaults, target, loadTeams } = props;
  const { readers, read, write } = value;
  const { trans } = useLocale();
  const groups = useGroups(loadTeams, [...read, ...(write === 'everybody' ? [] : write)]);
  const lacksGroup = showFaults && !read.length;
  return (
    <>
      <ReadersChoice
        value={readers}
        onChange={chosen => {
          onChange(withReaders(value, chosen));
        }}
      />
      {readers === 'groups' ? (
        <Groups
          legend={trans.__('Groups that see it')}
          groups={groups}
          chosen={read}
          fault={lacksGroup ? trans.__('Choose at least one group.') : null}
          onChange={chosen => {
            onChange(withRead(value, chosen));
          }}
        />
      ) : null}
      {readers === 'me' ? null : (
        <Groups
          legend={trans.__('Who may also add to it and change it')}
          groups={groups}
          chosen={write}
          offersEverybody={readers === 'everybody'}
          onChange={chosen => {
            onChange(withWrite(value, chosen));
          }}
        />
      )}
      <p className="jp-Baton-hint">
        {'model' in target
          ? trans.__(
              'You always may. It holds for the model’s versions and aliases, in this panel and in MLflow. To download a version’s files, one has to see the experiment that they come from, too.'
            )
          : trans.__(
              'You always may. It holds for runs, their files and their notebooks, in this panel and in MLflow.'
            )}
      </p>
    </>
  );
}

function ReadersChoice(props: {
  value: Readers;
  onChange: (value: Readers) => void;
}): React.JSX.Element {
  const { trans } = useLocale();
  const name = useId();
  const choices: [Readers, string][] = [
    ['everybody', trans.__('Everybody who is signed in')],
    ['groups', trans.__('Only some groups')],
    ['me', trans.__('Only me')]
  ];
  return (
    <fieldset className="jp-Baton-choices">
      <legend>{trans.__('Who may see it')}</legend>
      {choices.map(([readers, label]) => (
        <label key={readers} className="jp-Baton-choice">
          <input
            type="radio"
            name={name}
            checked={props.value === readers}
            onChange={() => {
              props.onChange(readers);
            }}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  );
}
