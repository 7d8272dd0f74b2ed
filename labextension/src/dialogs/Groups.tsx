import React, { useEffect, useState } from 'react';

import { useLocale } from '../components/locale';
import type { Audience, ITeam } from '../records';

/** The Hub's groups as far as they are known. */
export interface IGroups {
  names: string[];
  /** Whether there may be others. */
  isPartial: boolean;
}

/** Groups to choose from, or everybody where that is offered. */
export function Groups(props: {
  legend: string;
  /** Null while they are being fetched. */
  groups: IGroups | null;
  chosen: Audience;
  offersEverybody?: boolean;
  fault?: string | null;
  onChange: (chosen: Audience) => void;
}): React.JSX.Element {
  const { groups, chosen, offersEverybody, fault, legend, onChange } = props;
  const { trans } = useLocale();
  return (
    <fieldset className="jp-Baton-choices">
      <legend>{legend}</legend>
      {offersEverybody ? (
        <Choice
          label={trans.__('Everybody who is signed in')}
          checked={chosen === 'everybody'}
          onChange={isChosen => {
            onChange(isChosen ? 'everybody' : []);
          }}
        />
      ) : null}
      {chosen === 'everybody' ? null : (
        <GroupList groups={groups} chosen={chosen} onChange={onChange} />
      )}
      {fault ? (
        <p className="jp-Baton-error" role="alert">
          {fault}
        </p>
      ) : null}
    </fieldset>
  );
}

function GroupList(props: {
  groups: IGroups | null;
  chosen: string[];
  onChange: (chosen: string[]) => void;
}): React.JSX.Element {
  const { groups, chosen, onChange } = props;
  const { trans } = useLocale();
  if (groups === null) {
    return <p className="jp-Baton-hint">{trans.__('Loading…')}</p>;
  }
  return (
    <>
      <div className="jp-Baton-groups">
        {groups.names.map(group => (
          <Choice
            key={group}
            label={group}
            checked={chosen.includes(group)}
            onChange={isChosen => {
              const others = chosen.filter(name => name !== group);
              onChange(isChosen ? [...others, group].sort() : others);
            }}
          />
        ))}
      </div>
      {groups.isPartial ? (
        <p className="jp-Baton-hint">
          {trans.__('The Hub’s other groups can’t be listed now; try again in a minute.')}
        </p>
      ) : groups.names.length ? null : (
        <p className="jp-Baton-hint">{trans.__('The Hub has no groups.')}</p>
      )}
    </>
  );
}

function Choice(props: {
  label: string;
  checked: boolean;
  onChange: (isChosen: boolean) => void;
}): React.JSX.Element {
  return (
    <label className="jp-Baton-choice">
      <input
        type="checkbox"
        checked={props.checked}
        onChange={event => {
          props.onChange(event.target.checked);
        }}
      />
      <span>{props.label}</span>
    </label>
  );
}

/** The Hub's groups, and those that were named when the form opened. */
export function useGroups(loadTeams: () => Promise<ITeam[]>, named: string[]): IGroups | null {
  const [first] = useState(named);
  const [groups, setGroups] = useState<IGroups | null>(null);
  useEffect(() => {
    const take = (found: string[], isPartial: boolean): void => {
      setGroups({ names: [...new Set([...found, ...first])].sort(), isPartial });
    };
    loadTeams()
      .then(teams => {
        take(
          teams.map(team => team.name),
          false
        );
      })
      .catch(() => {
        take([], true);
      });
  }, [loadTeams, first]);
  return groups;
}
