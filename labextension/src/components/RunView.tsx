import React from 'react';

import type { IActions } from '../actions';
import type { ILoggedModel, IRun, IRunSummary } from '../records';
import type { RunsModel } from '../runs';
import type { Traces } from '../traces';
import { duration } from '../time';
import { ArtifactFolder } from './Artifacts';
import { useLocale } from './locale';
import { shortNumber, wholeNumber } from './numbers';
import { DetailHeader, Facts, Fetched, Fold, OutLink, TextButton } from './parts';
import { RunState } from './State';
import { TraceView } from './TraceView';
import { When } from './When';

const OWN_TAGS = /^mlflow\.(?!note)/;
/** Told by where the run comes from. */
const TRACED = 'baton.';

/** Its own facts stand above. */
const HIDDEN = ['run'] as const;

/** One run, whole. */
export function RunView(props: {
  runs: RunsModel;
  traces: Traces;
  user: string | null;
  isDown: boolean;
  actions: IActions;
}): React.JSX.Element | null {
  const { runs, isDown, actions } = props;
  const { trans } = useLocale();
  const { detail, selected } = runs;
  if (!detail) {
    return null;
  }
  const summary = detail.value ?? runs.list.value?.find(run => run.run_id === selected) ?? null;
  return (
    <div className="jp-Baton-detail">
      <DetailHeader
        back={trans.__('Back to the runs')}
        title={summary?.name ?? ''}
        onBack={() => {
          runs.select(null);
        }}
      />
      {summary ? <RunFacts run={summary} /> : null}
      <Fetched resource={detail} isExplained={isDown}>
        {run => (
          <>
            <RunActions run={run} actions={actions} />
            <RunBody {...props} run={run} />
          </>
        )}
      </Fetched>
    </div>
  );
}

function RunFacts(props: { run: IRunSummary }): React.JSX.Element {
  const { run } = props;
  const { trans } = useLocale();
  const took =
    run.start_time !== null && run.end_time !== null
      ? trans.__('took %1', duration(run.start_time, run.end_time))
      : null;
  return (
    <div className="jp-Baton-summary">
      <p className="jp-Baton-itemMeta">
        <RunState status={run.status} />
        {run.user ? <span title={run.user}>{run.user}</span> : null}
        <When moment={run.start_time} />
        {took ? <span>{took}</span> : null}
      </p>
      {run.notebook ? (
        <p className="jp-Baton-quiet jp-Baton-clip" title={run.notebook}>
          {run.notebook}
        </p>
      ) : null}
    </div>
  );
}

function RunActions(props: { run: IRun; actions: IActions }): React.JSX.Element {
  const { run, actions } = props;
  const { trans } = useLocale();
  return (
    <div className="jp-Baton-actions">
      {run.models.some(model => model.is_ready) ? (
        <TextButton
          primary
          onClick={() => {
            actions.register(run.run_id, null);
          }}
        >
          {trans.__('Register model')}
        </TextButton>
      ) : null}
      <TextButton
        disabled={actions.notebook === null}
        title={
          actions.notebook === null
            ? trans.__('Open a notebook first; it is then logged to this run.')
            : trans.__('Save %1 and log it to this run', actions.notebook)
        }
        onClick={() => {
          actions.logNotebook(run.run_id);
        }}
      >
        {trans.__('Log this notebook')}
      </TextButton>
      {run.ui ? <OutLink href={run.ui}>{trans.__('Open in MLflow')}</OutLink> : null}
    </div>
  );
}

function RunBody(props: {
  run: IRun;
  runs: RunsModel;
  traces: Traces;
  user: string | null;
  isDown: boolean;
  actions: IActions;
}): React.JSX.Element {
  const { run, runs, traces, user, isDown, actions } = props;
  const { trans } = useLocale();
  const metrics = Object.entries(run.metrics).map(([name, value]): [string, string, string] => [
    name,
    shortNumber(value),
    wholeNumber(value, trans)
  ]);
  const params = Object.entries(run.params);
  const tags = Object.entries(run.tags)
    .filter(([name]) => !name.startsWith(TRACED))
    .sort(([a], [b]) => Number(OWN_TAGS.test(a)) - Number(OWN_TAGS.test(b)) || a.localeCompare(b));
  return (
    <>
      <Fold open title={trans.__('Models')} count={run.models.length}>
        <Models run={run} actions={actions} />
      </Fold>
      <Fold open title={trans.__('Metrics')} count={metrics.length}>
        <Facts numeric entries={metrics} />
      </Fold>
      <Fold open title={trans.__('Parameters')} count={params.length}>
        <Facts entries={params} />
      </Fold>
      <Fold open title={trans.__('Where it comes from')}>
        <TraceView
          trace={traces.of({ run: run.run_id })}
          user={user}
          hidden={HIDDEN}
          isDown={isDown}
          actions={actions}
        />
      </Fold>
      <Fold open title={trans.__('Artifacts')}>
        <ArtifactFolder path="" runs={runs} />
      </Fold>
      <Fold title={trans.__('Tags')} count={tags.length}>
        <Facts entries={tags} />
      </Fold>
    </>
  );
}

function Models(props: { run: IRun; actions: IActions }): React.JSX.Element {
  const { run, actions } = props;
  const { trans } = useLocale();
  if (!run.models.length) {
    return (
      <p className="jp-Baton-quiet">
        {trans.__(
          'This run logged no model. Log one with mlflow.sklearn.log_model or its like, and it can be registered here.'
        )}
      </p>
    );
  }
  return (
    <ul className="jp-Baton-rows" aria-label={trans.__('Models of this run')}>
      {run.models.map(model => (
        <li key={model.model_id} className="jp-Baton-row">
          <ModelFacts model={model} actions={actions} />
          {run.models.length > 1 && model.is_ready ? (
            <TextButton
              label={trans.__('Register the model %1', model.name)}
              onClick={() => {
                actions.register(run.run_id, model.model_id);
              }}
            >
              {trans.__('Register')}
            </TextButton>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

function ModelFacts(props: { model: ILoggedModel; actions: IActions }): React.JSX.Element {
  const { model, actions } = props;
  const { trans } = useLocale();
  const flavors = model.flavors.join(', ');
  return (
    <div className="jp-Baton-rowText">
      <span className="jp-Baton-name" title={model.name}>
        {model.name}
      </span>
      <span className="jp-Baton-quiet jp-Baton-clip" title={flavors}>
        {model.is_ready ? flavors : trans.__('Still being logged.')}
      </span>
      {model.registered.map(({ name, version }) => (
        <button
          key={`${name}/${version}`}
          type="button"
          className="jp-Baton-link"
          onClick={() => {
            actions.show('models');
          }}
        >
          {trans.__('%1, version %2', name, version)}
        </button>
      ))}
    </div>
  );
}
