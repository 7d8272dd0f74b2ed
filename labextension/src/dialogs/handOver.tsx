import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import { useLocale } from '../components/locale';
import { Fold, TextButton } from '../components/parts';
import type { PacketCard } from '../contract';
import type { IHandoverDraft, ITeam } from '../records';
import { asBatonError } from '../resource';
import { Field } from './Field';
import type { IFormProps } from './FormDialog';
import { FormDialog } from './FormDialog';

const EMPTY_CARD: PacketCard = {
  summary: '',
  intended_use: '',
  limitations: '',
  license: '',
  contact: ''
};

/** Ask which team gets a model version, and what to tell them. */
export function handOverDialog(options: {
  model: string;
  version: string;
  /** What was typed before for this version; null when nothing was. */
  draft: IHandoverDraft | null;
  trans: TranslationBundle;
  loadTeams: () => Promise<ITeam[]>;
  onChange: (draft: IHandoverDraft) => void;
  submit: (draft: IHandoverDraft) => Promise<void>;
}): FormDialog<IHandoverDraft> {
  const { model, version, trans, loadTeams } = options;
  return new FormDialog<IHandoverDraft>({
    title: trans.__('Hand over %1 version %2', model, version),
    accept: trans.__('Hand over'),
    value: options.draft ?? { model, version, team: '', note: '', card: EMPTY_CARD },
    form: props => <HandOverForm {...props} loadTeams={loadTeams} />,
    isValid: draft => draft.team !== '',
    onChange: options.onChange,
    submit: options.submit,
    trans
  });
}

/** The card's fields as the form shows them; the lengths are the contract's. */
function cardFields(
  trans: TranslationBundle
): { name: keyof PacketCard; label: string; longest: number; rows?: number }[] {
  return [
    { name: 'summary', label: trans.__('Summary'), longest: 2000 },
    { name: 'intended_use', label: trans.__('Intended use'), longest: 4000 },
    { name: 'limitations', label: trans.__('Limitations'), longest: 4000 },
    { name: 'license', label: trans.__('Licence'), longest: 200, rows: 1 },
    { name: 'contact', label: trans.__('Contact'), longest: 200, rows: 1 }
  ];
}

function HandOverForm(
  props: IFormProps<IHandoverDraft> & { loadTeams: () => Promise<ITeam[]> }
): React.JSX.Element {
  const { value, onChange } = props;
  const { trans } = useLocale();
  const isFilled = Object.values(value.card).some(text => text !== '');
  return (
    <>
      <TeamField {...props} />
      <Text
        label={trans.__('Note')}
        hint={trans.__('What the team should know first: what it is for, what changed.')}
        rows={3}
        longest={4000}
        value={value.note}
        onChange={note => {
          onChange({ ...value, note });
        }}
      />
      <Fold title={trans.__('Say more')} open={isFilled}>
        {cardFields(trans).map(({ name, ...field }) => (
          <Text
            key={name}
            {...field}
            value={value.card[name]}
            onChange={text => {
              onChange({ ...value, card: { ...value.card, [name]: text } });
            }}
          />
        ))}
      </Fold>
      <p className="jp-Baton-hint">
        {trans.__(
          'Model, signature, example, notebook and environment go along. The desk checks all of it before the team sees it; you can leave meanwhile.'
        )}
      </p>
    </>
  );
}

function TeamField(
  props: IFormProps<IHandoverDraft> & { loadTeams: () => Promise<ITeam[]> }
): React.JSX.Element {
  const { value, onChange, showFaults, loadTeams } = props;
  const { trans } = useLocale();
  const [teams, setTeams] = useState<ITeam[] | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [tries, setTries] = useState(0);
  useEffect(() => {
    loadTeams()
      .then(setTeams)
      .catch((reason: unknown) => {
        setError(asBatonError(reason).message);
      });
  }, [loadTeams, tries]);
  return (
    <Field
      label={trans.__('Team')}
      hint={
        teams?.find(team => team.name === value.team)?.member
          ? trans.__('You are in this team; somebody else of it decides.')
          : undefined
      }
      fault={error ?? (showFaults && !value.team ? trans.__('Choose who gets it.') : null)}
    >
      {ids => (
        <>
          <HTMLSelect
            {...ids}
            className="jp-Baton-select"
            required
            value={value.team}
            onChange={event => {
              onChange({ ...value, team: event.target.value });
            }}
          >
            <option value="">{teams ? trans.__('Choose a team…') : trans.__('Loading…')}</option>
            {othersFirst(teams ?? []).map(team => (
              <option key={team.name} value={team.name}>
                {team.name}
              </option>
            ))}
          </HTMLSelect>
          {error === null ? null : (
            <TextButton
              onClick={() => {
                setError(null);
                setTries(tries + 1);
              }}
            >
              {trans.__('Try again')}
            </TextButton>
          )}
        </>
      )}
    </Field>
  );
}

function Text(props: {
  label: string;
  hint?: string;
  rows?: number;
  longest: number;
  value: string;
  onChange: (value: string) => void;
}): React.JSX.Element {
  const { label, hint, rows = 2, longest, value, onChange } = props;
  return (
    <Field label={label} hint={hint}>
      {ids =>
        rows === 1 ? (
          <input
            {...ids}
            className="jp-mod-styled"
            type="text"
            maxLength={longest}
            value={value}
            onChange={event => {
              onChange(event.target.value);
            }}
          />
        ) : (
          <textarea
            {...ids}
            className="jp-mod-styled jp-Baton-text"
            rows={rows}
            maxLength={longest}
            value={value}
            onChange={event => {
              onChange(event.target.value);
            }}
          />
        )
      }
    </Field>
  );
}

/** Teams one is not in come first: a handoff is for others. */
function othersFirst(teams: ITeam[]): ITeam[] {
  return [...teams].sort(
    (a, b) => Number(a.member) - Number(b.member) || a.name.localeCompare(b.name)
  );
}
