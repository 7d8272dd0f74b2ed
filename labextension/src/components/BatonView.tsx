import React, { useEffect, useRef, useState } from 'react';

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IActions } from '../actions';
import type { IBatonModel, Tab } from '../tokens';
import { Banner } from './Banner';
import { useKeptFocus } from './focus';
import { HandoffsView } from './HandoffsView';
import { Locale } from './locale';
import { ModelsView } from './ModelsView';
import { Failure } from './parts';
import { RunsView } from './RunsView';
import { ServerView } from './ServerView';
import type { ITab } from './Tabs';
import { Tabs } from './Tabs';

const TICK_MS = 15_000;

/** The panel's content. */
export function BatonView(props: {
  model: IBatonModel;
  actions: IActions;
  trans: TranslationBundle;
  language: string;
}): React.JSX.Element {
  const { model, actions, trans, language } = props;
  const now = useNow();
  const status = model.status.value;
  const tabs: ITab<Tab>[] = [
    { id: 'runs', label: trans.__('Runs'), unread: 0 },
    { id: 'models', label: trans.__('Models'), unread: 0 },
    { id: 'handoffs', label: trans.__('Handoffs'), unread: model.handoffs.unread.size }
  ];
  // Nothing else can be fetched where there is no platform or no server extension.
  const isAlone =
    model.status.error !== null ||
    (status?.services.mlflow.state === 'absent' && status.services.desk.state === 'absent');
  return (
    <Locale.Provider value={{ trans, language, now }}>
      {model.status.error ? <Failure error={model.status.error} onRetry={actions.refresh} /> : null}
      {status ? <Banner status={status} /> : null}
      <ServerView server={model.server} actions={actions} />
      {isAlone ? null : (
        <>
          <Tabs
            prefix="jp-Baton"
            label={trans.__('Baton')}
            unreadLabel={count => trans._n('%1 with news', '%1 with news', count)}
            tabs={tabs}
            selected={model.tab}
            onSelect={actions.show}
          />
          <Body model={model} actions={actions} />
        </>
      )}
    </Locale.Provider>
  );
}

function Body(props: { model: IBatonModel; actions: IActions }): React.JSX.Element {
  const { tab, runs, handoffs } = props.model;
  const node = useRef<HTMLDivElement>(null);
  useKeptFocus(node, `${tab}/${(tab === 'handoffs' ? handoffs : runs).selected ?? ''}`);
  return (
    <div
      ref={node}
      className="jp-Baton-body"
      role="tabpanel"
      id="jp-Baton-body"
      aria-labelledby={`jp-Baton-tab-${tab}`}
    >
      <Section {...props} />
    </div>
  );
}

function Section(props: { model: IBatonModel; actions: IActions }): React.JSX.Element {
  const { model, actions } = props;
  const status = model.status.value;
  switch (model.tab) {
    case 'runs':
      return <RunsView model={model} status={status} actions={actions} />;
    case 'models':
      return (
        <ModelsView
          models={model.models}
          traces={model.traces}
          user={status?.user ?? null}
          handoffs={model.handoffs.list.value ?? []}
          isDown={status !== null && status.services.mlflow.state !== 'up'}
          actions={actions}
        />
      );
    case 'handoffs':
      return <HandoffsView handoffs={model.handoffs} status={status} actions={actions} />;
  }
}

/** The time, often enough for what the panel says of it to stay true. */
function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => {
      setNow(Date.now());
    }, TICK_MS);
    return () => {
      window.clearInterval(timer);
    };
  }, []);
  return now;
}
