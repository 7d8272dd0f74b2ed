import { infoIcon, offlineBoltIcon, refreshIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IServiceStatus, IStatus } from '../records';
import { useLocale } from './locale';

type Service = 'mlflow' | 'desk';

/** Which of the platform's services are missing, what is safe and what to do. Quiet when all is well. */
export function Banner(props: { status: IStatus }): React.JSX.Element | null {
  const { services } = props.status;
  if (services.mlflow.state === 'absent' && services.desk.state === 'absent') {
    return <Alone />;
  }
  const missing = (['mlflow', 'desk'] as const).filter(name => services[name].state !== 'up');
  return missing.length ? (
    <div role="status" className="jp-Baton-banners">
      {missing.map(name => (
        <Missing key={name} service={name} status={services[name]} />
      ))}
    </div>
  ) : null;
}

/** A Jupyter server that has no platform around it. */
function Alone(): React.JSX.Element {
  const { trans } = useLocale();
  return (
    <div role="status" className="jp-Baton-banner">
      <infoIcon.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
      <p>
        <strong>{trans.__('This server is not part of a Baton platform.')}</strong>{' '}
        {trans.__(
          'Notebooks work as usual. To log runs and hand models over, start a server from your JupyterHub.'
        )}
      </p>
    </div>
  );
}

function Missing(props: { service: Service; status: IServiceStatus }): React.JSX.Element {
  const { trans } = useLocale();
  const { state, message } = props.status;
  const Icon = state === 'starting' ? refreshIcon : offlineBoltIcon;
  return (
    <div className={`jp-Baton-banner jp-mod-${state}`}>
      <Icon.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
      <p title={message ?? undefined}>
        <strong>{headline(props.service, state, trans)}</strong>{' '}
        {advice(props.service, state, trans)}
      </p>
    </div>
  );
}

function headline(
  service: Service,
  state: IServiceStatus['state'],
  trans: TranslationBundle
): string {
  const name = service === 'mlflow' ? trans.__('MLflow') : trans.__('The handoff desk');
  switch (state) {
    case 'starting':
      return trans.__('%1 is starting.', name);
    case 'absent':
      return trans.__('%1 is not set up on this server.', name);
    default:
      return trans.__('%1 does not answer.', name);
  }
}

function advice(
  service: Service,
  state: IServiceStatus['state'],
  trans: TranslationBundle
): string {
  if (state === 'starting') {
    return trans.__('This takes up to half a minute; the panel fills by itself.');
  }
  if (state === 'absent') {
    return trans.__('Notebooks work as usual; ask whoever runs your JupyterHub for it.');
  }
  return service === 'mlflow'
    ? trans.__(
        'Runs already recorded are safe, and what notebooks log now is kept on this machine and sent when it is back. The panel reconnects by itself.'
      )
    : trans.__(
        'What was handed over is safe, and nothing gets lost. You can go on logging and registering; hand over when the desk is back. The panel reconnects by itself.'
      );
}
