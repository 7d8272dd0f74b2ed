import { HTMLSelect, launchIcon, refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { isPrivate } from '../access';
import type { IActions } from '../actions';
import type { IRunSummary, IStatus } from '../records';
import type { RunsModel } from '../runs';
import type { IBatonModel } from '../tokens';
import { Audience, ShareButton } from './Audience';
import { Autologging } from './Autologging';
import { useLocale } from './locale';
import { shortNumber, wholeNumber } from './numbers';
import { EmptyState, Fetched, IconButton, TextButton } from './parts';
import { RunView } from './RunView';
import { RunState } from './State';
import { Unsent } from './Unsent';
import { When } from './When';

/** Experiments and their runs, or one run. */
export function RunsView(props: {
  model: IBatonModel;
  status: IStatus | null;
  actions: IActions;
}): React.JSX.Element {
  const { model, actions, status } = props;
  const { runs, traces } = model;
  const isDown = status !== null && status.services.mlflow.state !== 'up';
  const user = status?.user ?? null;
  if (runs.selected !== null) {
    return <RunView runs={runs} traces={traces} user={user} isDown={isDown} actions={actions} />;
  }
  return (
    <>
      <Unsent unsent={model.unsent.value} isDown={isDown} actions={actions} />
      <RunsToolbar
        runs={runs}
        user={user}
        actions={actions}
        ui={status?.services.mlflow.ui ?? null}
      />
      <Autologging settings={model.settings.value} notebook={model.notebook} actions={actions} />
      <Fetched resource={runs.list} isExplained={isDown}>
        {list =>
          list.length ? (
            <RunList runs={runs} list={list} actions={actions} />
          ) : (
            <NoRuns runs={runs} actions={actions} />
          )
        }
      </Fetched>
    </>
  );
}

function RunsToolbar(props: {
  runs: RunsModel;
  user: string | null;
  actions: IActions;
  ui: string | null;
}): React.JSX.Element {
  const { runs, user, actions, ui } = props;
  const { trans } = useLocale();
  const experiments = runs.experiments.value ?? [];
  const shown = experiments.find(item => item.id === runs.experiment);
  return (
    <>
      <div className="jp-Baton-toolbar">
        <HTMLSelect
          className="jp-Baton-select"
          aria-label={trans.__('Experiment')}
          title={shown?.name}
          value={runs.experiment ?? ''}
          disabled={!experiments.length}
          options={experiments.map(item => ({
            value: item.id,
            label: isPrivate(item.access) ? trans.__('%1 (private)', item.name) : item.name
          }))}
          onChange={event => {
            runs.pick(event.currentTarget.value);
          }}
        />
        {shown ? (
          <ShareButton
            access={shown.access}
            user={user}
            what={trans.__('this experiment')}
            onClick={() => {
              actions.shareExperiment(shown.id);
            }}
          />
        ) : null}
        <IconButton icon={refreshIcon} label={trans.__('Refresh')} onClick={actions.refresh} />
        {ui ? (
          <IconButton
            icon={launchIcon}
            label={trans.__('Open MLflow in its own tab')}
            onClick={() => {
              actions.visit(ui);
            }}
          />
        ) : null}
      </div>
      {shown ? <Audience access={shown.access} user={user} /> : null}
    </>
  );
}

function NoRuns(props: { runs: RunsModel; actions: IActions }): React.JSX.Element {
  const { trans } = useLocale();
  const { runs, actions } = props;
  const others = (runs.experiments.value ?? []).length > 1;
  return (
    <EmptyState
      text={
        others
          ? trans.__(
              'This experiment has no runs yet. A run shows here as soon as a notebook logs one.'
            )
          : trans.__(
              'Runs show here as soon as a notebook logs one with MLflow; there is nothing to set up. The example shows how.'
            )
      }
      action={trans.__('Open the example notebook')}
      onAction={actions.openExample}
    />
  );
}

function RunList(props: {
  runs: RunsModel;
  list: IRunSummary[];
  actions: IActions;
}): React.JSX.Element {
  const { trans } = useLocale();
  const { runs, list, actions } = props;
  return (
    <>
      <ul className="jp-Baton-list" aria-label={trans.__('Runs')}>
        {list.map(run => (
          <li key={run.run_id}>
            <RunItem
              run={run}
              onSelect={() => {
                runs.select(run.run_id);
              }}
            />
          </li>
        ))}
      </ul>
      {runs.hasMore ? (
        <div className="jp-Baton-more">
          <TextButton onClick={actions.moreRuns}>{trans.__('Show older runs')}</TextButton>
        </div>
      ) : null}
    </>
  );
}

function RunItem(props: { run: IRunSummary; onSelect: () => void }): React.JSX.Element {
  const { run } = props;
  const { trans } = useLocale();
  const metrics = Object.entries(run.metrics);
  return (
    <button type="button" className="jp-Baton-item" data-item={run.run_id} onClick={props.onSelect}>
      <span className="jp-Baton-itemTop">
        <span className="jp-Baton-name" title={run.name}>
          {run.name}
        </span>
        <When moment={run.start_time} />
      </span>
      <span className="jp-Baton-itemMeta">
        <RunState status={run.status} />
        {run.user ? (
          <span className="jp-Baton-user" title={run.user}>
            {run.user}
          </span>
        ) : null}
        {run.model_count ? <span>{trans._n('%1 model', '%1 models', run.model_count)}</span> : null}
      </span>
      {metrics.length ? (
        <span className="jp-Baton-metrics">
          {metrics.map(([name, value]) => (
            <span key={name} className="jp-Baton-metric">
              <span className="jp-Baton-metricName" title={name}>
                {name}
              </span>
              <span className="jp-Baton-metricValue" title={wholeNumber(value, trans)}>
                {shortNumber(value)}
              </span>
            </span>
          ))}
        </span>
      ) : null}
    </button>
  );
}
