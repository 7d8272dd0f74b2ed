import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect, useId, useState } from 'react';

import { useLocale } from '../components/locale';
import type { IAccess, IAccessChange, IExperiment, ITeam } from '../records';
import type { IFormProps } from './FormDialog';
import { FormDialog } from './FormDialog';

type Audience = 'everybody' | 'groups' | 'me';

interface ISharing {
  audience: Audience;
  /** Groups that see it, where only some do. */
  read: string[];
  write: string[];
}

/** Ask who may see and change an experiment. */
export function accessDialog(options: {
  experiment: IExperiment;
  trans: TranslationBundle;
  /** The Hub's groups that can be chosen. */
  loadTeams: () => Promise<ITeam[]>;
  submit: (access: IAccessChange) => Promise<void>;
}): FormDialog<ISharing> {
  const { experiment, trans, loadTeams } = options;
  return new FormDialog<ISharing>({
    title: trans.__('Who may see and change “%1”', experiment.name),
    accept: trans.__('Save'),
    value: sharingOf(experiment.access),
    form: props => <AccessForm {...props} loadTeams={loadTeams} />,
    isValid: value => value.audience !== 'groups' || value.read.length > 0,
    submit: value => options.submit(changeOf(value)),
    trans
  });
}

/** What the form starts from. */
export function sharingOf(access: IAccess): ISharing {
  const { read, write } = access;
  // Who may change it sees it too.
  const named = Array.isArray(read) ? [...new Set([...read, ...(write ?? [])])].sort() : [];
  const audience = Array.isArray(read) ? (named.length ? 'groups' : 'me') : 'everybody';
  return { audience, read: named, write: write ?? [] };
}

/** What is asked of the server. */
export function changeOf(value: ISharing): IAccessChange {
  switch (value.audience) {
    case 'everybody':
      return { read: 'everybody', write: value.write };
    case 'groups':
      return { read: value.read, write: value.write };
    case 'me':
      return { read: [], write: [] };
  }
}

function AccessForm(
  props: IFormProps<ISharing> & { loadTeams: () => Promise<ITeam[]> }
): React.JSX.Element {
  const { value, onChange, showFaults, loadTeams } = props;
  const { trans } = useLocale();
  const groups = useGroups(loadTeams, [...value.read, ...value.write]);
  const lacksGroup = showFaults && value.audience === 'groups' && !value.read.length;
  return (
    <>
      <Audiences
        value={value.audience}
        onChange={audience => {
          onChange({ ...value, audience });
        }}
      />
      {value.audience === 'groups' ? (
        <Groups
          legend={trans.__('Groups that see it')}
          groups={groups}
          chosen={value.read}
          fault={lacksGroup ? trans.__('Choose at least one group.') : null}
          onChange={read => {
            onChange({ ...value, read });
          }}
        />
      ) : null}
      {value.audience === 'me' ? null : (
        <Groups
          legend={trans.__('Groups that may also add to it and change it')}
          groups={groups}
          chosen={value.write}
          fault={null}
          onChange={write => {
            onChange({ ...value, write });
          }}
        />
      )}
      <p className="jp-Baton-hint">
        {trans.__(
          'You always may. It holds for runs, their files and their notebooks, in this panel and in MLflow.'
        )}
      </p>
    </>
  );
}

function Audiences(props: {
  value: Audience;
  onChange: (value: Audience) => void;
}): React.JSX.Element {
  const { trans } = useLocale();
  const name = useId();
  const choices: [Audience, string][] = [
    ['everybody', trans.__('Everybody who is signed in')],
    ['groups', trans.__('Only some groups')],
    ['me', trans.__('Only me')]
  ];
  return (
    <fieldset className="jp-Baton-choices">
      <legend>{trans.__('Who may see it')}</legend>
      {choices.map(([audience, label]) => (
        <label key={audience} className="jp-Baton-choice">
          <input
            type="radio"
            name={name}
            checked={props.value === audience}
            onChange={() => {
              props.onChange(audience);
            }}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

function Groups(props: {
  legend: string;
  groups: string[] | null;
  chosen: string[];
  fault: string | null;
  onChange: (chosen: string[]) => void;
}): React.JSX.Element {
  const { groups, chosen, fault, legend, onChange } = props;
  const { trans } = useLocale();
  return (
    <fieldset className="jp-Baton-choices">
      <legend>{legend}</legend>
      {groups === null ? <p className="jp-Baton-hint">{trans.__('Loading…')}</p> : null}
      {groups?.length === 0 ? <p className="jp-Baton-hint">{trans.__('There are none.')}</p> : null}
      {groups?.map(group => (
        <label key={group} className="jp-Baton-choice">
          <input
            type="checkbox"
            checked={chosen.includes(group)}
            onChange={event => {
              const others = chosen.filter(name => name !== group);
              onChange(event.target.checked ? [...others, group].sort() : others);
            }}
          />
          {group}
        </label>
      ))}
      {fault === null ? null : (
        <p className="jp-Baton-error" role="alert">
          {fault}
        </p>
      )}
    </fieldset>
  );
}

/** The Hub's groups, and those that are named already; only these where the rest is unknown. */
function useGroups(loadTeams: () => Promise<ITeam[]>, named: string[]): string[] | null {
  const [teams, setTeams] = useState<string[] | null>(null);
  useEffect(() => {
    loadTeams()
      .then(found => {
        setTeams(found.map(team => team.name));
      })
      .catch(() => {
        setTeams([]);
      });
  }, [loadTeams]);
  return teams && [...new Set([...teams, ...named])].sort();
}
