import { infoIcon, offlineBoltIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IActions } from '../actions';
import type { IUnsent } from '../records';
import { useLocale } from './locale';
import { TextButton } from './parts';
import { When } from './When';

/** What waits on this machine for MLflow, that it is safe, and why it waits. Quiet when nothing does. */
export function Unsent(props: {
  unsent: IUnsent | null;
  isDown: boolean;
  actions: IActions;
}): React.JSX.Element | null {
  const { unsent, isDown, actions } = props;
  const { trans } = useLocale();
  if (!unsent?.entries && !unsent?.runs) {
    return null;
  }
  const { runs, problem, oldest, sending } = unsent;
  const Icon = problem === null ? infoIcon : offlineBoltIcon;
  const count = Math.max(runs, 1);
  return (
    <div role="status" className="jp-Baton-banner jp-mod-unsent">
      <Icon.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
      <div className="jp-Baton-bannerText">
        <p>
          <strong>
            {sending && !isDown
              ? trans._n(
                  '%1 run is being sent to MLflow.',
                  '%1 runs are being sent to MLflow.',
                  count
                )
              : trans._n(
                  '%1 run is kept on this machine and is sent when MLflow answers.',
                  '%1 runs are kept on this machine and are sent when MLflow answers.',
                  count
                )}
          </strong>{' '}
          {isDown ? null : trans.__('Nothing is lost, also when the kernel or this server stops.')}
        </p>
        {problem === null || isDown ? null : <p>{problem}</p>}
        <p className="jp-Baton-wrap">
          <TextButton
            disabled={sending && !isDown}
            title={isDown ? trans.__('MLflow does not answer yet') : undefined}
            onClick={actions.sendUnsent}
          >
            {sending && !isDown ? trans.__('Sending…') : trans.__('Send now')}
          </TextButton>
          {oldest === null ? null : (
            <span className="jp-Baton-quiet">
              {trans.__('Oldest:')} <When moment={oldest} />
            </span>
          )}
        </p>
      </div>
    </div>
  );
}
