import { lockIcon, usersIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IActions } from '../actions';
import type { IAccess, IExperiment } from '../records';
import { useLocale } from './locale';
import { IconButton } from './parts';

/** Who sees an experiment, when not everybody does. */
export function Audience(props: {
  experiment: IExperiment;
  user: string | null;
}): React.JSX.Element | null {
  const { trans } = useLocale();
  const { access } = props.experiment;
  if (!isPrivate(access)) {
    return null;
  }
  return (
    <p className="jp-Baton-audience">
      <lockIcon.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
      <span>{audienceWords(access, props.user, trans)}</span>
    </p>
  );
}

/** For the owner: the way to say who sees it. */
export function ShareButton(props: {
  experiment: IExperiment;
  user: string | null;
  actions: IActions;
}): React.JSX.Element | null {
  const { experiment, user, actions } = props;
  const { trans } = useLocale();
  if (user === null || experiment.access.owner !== user) {
    return null;
  }
  return (
    <IconButton
      icon={isPrivate(experiment.access) ? lockIcon : usersIcon}
      label={trans.__('Choose who may see and change this experiment')}
      onClick={() => {
        actions.shareExperiment(experiment.id);
      }}
    />
  );
}

export function isPrivate(access: IAccess): boolean {
  return Array.isArray(access.read);
}

function audienceWords(access: IAccess, user: string | null, trans: TranslationBundle): string {
  const groups = [
    ...new Set([...(Array.isArray(access.read) ? access.read : []), ...(access.write ?? [])])
  ].join(', ');
  if (access.owner !== null && access.owner === user) {
    return groups
      ? trans.__('Private: only you and %1 see it.', groups)
      : trans.__('Private: only you see it.');
  }
  const owner = access.owner ?? trans.__('its owner');
  return groups
    ? trans.__('Private: only %1 and %2 see it.', owner, groups)
    : trans.__('Private: only %1 sees it.', owner);
}
