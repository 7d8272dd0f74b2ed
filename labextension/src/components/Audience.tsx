import { lockIcon, usersIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { isPrivate, readersOf, writersOf } from '../access';
import type { Audience as Who, IAccess } from '../records';
import { useLocale } from './locale';
import { Facts, IconButton } from './parts';

/** Who sees an experiment or model, when not everybody does. */
export function Audience(props: {
  access: IAccess;
  user: string | null;
}): React.JSX.Element | null {
  const { access, user } = props;
  const { trans } = useLocale();
  const readers = readersOf(access);
  if (readers === 'everybody') {
    return null;
  }
  return (
    <p className="jp-Baton-audience">
      <lockIcon.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
      <span>{audienceWords(readers, access.owner, user, trans)}</span>
    </p>
  );
}

/** The way to who may see and change it: to say so for the owner, to look for everybody else. */
export function ShareButton(props: {
  access: IAccess;
  user: string | null;
  /** What it is, such as "this experiment". */
  what: string;
  onClick: () => void;
}): React.JSX.Element | null {
  const { access, user, what, onClick } = props;
  const { trans } = useLocale();
  if (user === null) {
    return null;
  }
  return (
    <IconButton
      icon={isPrivate(access) ? lockIcon : usersIcon}
      label={
        access.owner === user
          ? trans.__('Choose who may see and change %1', what)
          : trans.__('Show who may see and change %1', what)
      }
      onClick={onClick}
    />
  );
}

/** Who owns, sees and changes it, for somebody who may not choose, with whom to ask. */
export function AccessFacts(props: { access: IAccess }): React.JSX.Element {
  const { access } = props;
  const { owner } = access;
  const { trans } = useLocale();
  const words = (given: Who): string =>
    given === 'everybody'
      ? trans.__('Everybody who is signed in')
      : given.join(', ') || trans.__('Only the owner');
  return (
    <>
      <Facts
        entries={[
          [trans.__('Owner'), owner ?? trans.__('Nobody is known')],
          [trans.__('Seen by'), words(readersOf(access))],
          [trans.__('Changed by'), words(writersOf(access))]
        ]}
      />
      <p>
        {owner === null
          ? trans.__('Only operations can change this: ask them.')
          : trans.__('Only the owner and operations can change this: ask %1.', owner)}
      </p>
    </>
  );
}

function audienceWords(
  groups: string[],
  owner: string | null,
  user: string | null,
  trans: TranslationBundle
): string {
  const named = groups.join(', ');
  if (owner !== null && owner === user) {
    return named
      ? trans.__('Private: only you and %1 see it.', named)
      : trans.__('Private: only you see it.');
  }
  const who = owner ?? trans.__('its owner');
  return named
    ? trans.__('Private: only %1 and %2 see it.', who, named)
    : trans.__('Private: only %1 sees it.', who);
}
