import { infoIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IActions } from '../actions';
import type { ILeft, IRunningServer, IServer, Moment } from '../records';
import type { Resource } from '../resource';
import { clock, exact, span } from '../time';
import { useLocale } from './locale';
import { Facts, Failure, Fold, TextButton } from './parts';

/** This server at a glance, and what is left. Nothing at all where no Hub tells. */
export function ServerView(props: {
  server: Resource<IServer | null>;
  actions: IActions;
}): React.JSX.Element | null {
  const { value, error } = props.server;
  const { trans } = useLocale();
  if (value === null && error === null) {
    return null;
  }
  return (
    <div className="jp-Baton-server">
      {value?.stops_at ? <Stopping at={value.stops_at} onKeep={props.actions.keep} /> : null}
      {value?.notices.map(notice => (
        <div key={notice.kind} role="status" className="jp-Baton-banner">
          <infoIcon.react tag="span" className="jp-Baton-icon" aria-hidden="true" />
          <p>{notice.text}</p>
        </div>
      ))}
      <Fold title={trans.__('Server')} summary={value ? headline(value) : undefined}>
        {error ? <Failure error={error} onRetry={() => void props.server.load()} /> : null}
        {value ? <Standing standing={value} /> : null}
      </Fold>
    </div>
  );
}

/** That the server is about to be stopped, with the one thing to do about it. */
function Stopping(props: { at: Moment; onKeep: () => void }): React.JSX.Element {
  const { trans, language, now } = useLocale();
  return (
    <div role="status" className="jp-Baton-banner jp-mod-stopping">
      <p title={exact(props.at, language)}>
        <strong>
          {trans.__('This server stops at %1 unless you use it.', clock(props.at, now, language))}
        </strong>{' '}
        {trans.__('Files are safe; what is in memory would be lost.')}
      </p>
      <TextButton primary onClick={props.onKeep}>
        {trans.__('Keep it running')}
      </TextButton>
    </div>
  );
}

function Standing(props: { standing: IServer }): React.JSX.Element {
  const { server, left } = props.standing;
  const { trans } = useLocale();
  const [own, shared] = [left.filter(isOwn), left.filter(item => !isOwn(item))];
  return (
    <>
      {server ? <Running server={server} idle={props.standing.idle} /> : null}
      {left.length ? (
        <>
          <h4 className="jp-Baton-subhead">{trans.__('Left for you')}</h4>
          <ul className="jp-Baton-left">
            {[...own, ...shared].map(item => (
              <Left key={item.resource} left={item} />
            ))}
          </ul>
        </>
      ) : null}
    </>
  );
}

function Running(props: { server: IRunningServer; idle: IServer['idle'] }): React.JSX.Element {
  const { server, idle } = props;
  const { trans, language, now } = useLocale();
  const entries: [string, string][] = [
    [trans.__('Profile'), server.title],
    [trans.__('Size'), [server.size_title, ...server.resources.map(unbroken)].join(' · ')]
  ];
  if (server.name) {
    entries.unshift([trans.__('Name'), server.name]);
  }
  if (server.started) {
    entries.push([trans.__('Running since'), clock(server.started, now, language)]);
  }
  if (server.connections.length) {
    entries.push([trans.__('Data'), server.connections.join(', ')]);
  }
  entries.push([
    trans.__('When idle'),
    idle
      ? trans.__('Stops after %1 without use', span(idle.limit, language))
      : trans.__('Keeps running')
  ]);
  return <Facts entries={entries} />;
}

/** One resource: how much is left, as a bar too, and whose limit it is. */
function Left(props: { left: ILeft }): React.JSX.Element {
  const { left } = props;
  const { trans } = useLocale();
  return (
    <li className={`jp-Baton-leftItem${left.left ? '' : ' jp-mod-none'}`} title={left.detail}>
      <span className="jp-Baton-leftText">{left.text}</span>
      {isOwn(left) ? null : <span className="jp-Baton-quiet">{whose(left, trans)}</span>}
      <meter
        className="jp-Baton-meter"
        min={0}
        max={left.limit || 1}
        value={left.left}
        aria-label={left.detail}
      />
    </li>
  );
}

function whose(left: ILeft, trans: TranslationBundle): string {
  return left.scope === 'group'
    ? trans.__('shared in %1', left.name)
    : trans.__('shared by everybody');
}

function isOwn(left: ILeft): boolean {
  return left.scope === 'user';
}

function headline(standing: IServer): string {
  const { server } = standing;
  return server ? [server.title, ...server.resources].join(' · ') : '';
}

/** A number keeps its unit on its line. */
function unbroken(text: string): string {
  return text.replace(/ /g, '\u00a0');
}
