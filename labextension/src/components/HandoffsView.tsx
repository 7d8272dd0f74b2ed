import { launchIcon, refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IActions } from '../actions';
import type { Handoff } from '../contract';
import type { HandoffsModel } from '../handoffs';
import type { IJob, IStatus } from '../records';
import { HandoffView } from './HandoffView';
import { useLocale } from './locale';
import { EmptyState, Fetched, IconButton, TextButton } from './parts';
import { DeploymentState, HandoffStateWord, JobState } from './State';
import { When } from './When';

/** What was handed over and what is on its way, or one handoff. */
export function HandoffsView(props: {
  handoffs: HandoffsModel;
  status: IStatus | null;
  actions: IActions;
}): React.JSX.Element {
  const { actions, handoffs, status } = props;
  const { trans } = useLocale();
  const ui = status?.services.desk.ui ?? null;
  const isDown = status !== null && status.services.desk.state !== 'up';
  if (handoffs.selected !== null) {
    return (
      <HandoffView
        key={handoffs.selected}
        handoffs={handoffs}
        ui={ui}
        isDown={isDown}
        actions={actions}
      />
    );
  }
  return (
    <>
      <div className="jp-Baton-toolbar">
        <h2>{trans.__('Handed over by me')}</h2>
        <IconButton icon={refreshIcon} label={trans.__('Refresh')} onClick={actions.refresh} />
        {ui ? (
          <IconButton
            icon={launchIcon}
            label={trans.__('Open the desk in its own tab')}
            onClick={() => {
              actions.visit(ui);
            }}
          />
        ) : null}
      </div>
      <Jobs jobs={handoffs.openJobs} actions={actions} />
      <Fetched resource={handoffs.list} isExplained={isDown}>
        {list => <HandoffList list={list} handoffs={handoffs} actions={actions} />}
      </Fetched>
    </>
  );
}

function Jobs(props: { jobs: IJob[]; actions: IActions }): React.JSX.Element | null {
  const { trans } = useLocale();
  return props.jobs.length ? (
    <ul className="jp-Baton-jobs" aria-label={trans.__('Being handed over')}>
      {props.jobs.map(job => (
        <li key={job.id} className="jp-Baton-job">
          <JobCard job={job} actions={props.actions} />
        </li>
      ))}
    </ul>
  ) : null;
}

function JobCard(props: { job: IJob; actions: IActions }): React.JSX.Element {
  const { job, actions } = props;
  const { trans } = useLocale();
  const failed = job.state === 'failed';
  return (
    <>
      <p className="jp-Baton-itemTop">
        <ModelAndTeam model={job.model} version={job.version} team={job.team} />
      </p>
      <p className="jp-Baton-itemMeta">
        <JobState failed={failed} />
      </p>
      {failed ? (
        <>
          <p role="alert">{job.error?.message ?? job.step}</p>
          <div className="jp-Baton-actions">
            <TextButton
              primary
              onClick={() => {
                actions.handOver(job.model, job.version);
              }}
            >
              {trans.__('Hand over again')}
            </TextButton>
            <TextButton
              onClick={() => {
                actions.dismissJob(job.id);
              }}
            >
              {trans.__('Dismiss')}
            </TextButton>
          </div>
        </>
      ) : (
        <>
          <p className="jp-Baton-quiet">{job.step}</p>
          <progress
            className="jp-Baton-progress"
            aria-label={trans.__('Handing over %1 %2', job.model, job.version)}
            max={1}
            value={job.progress ?? undefined}
          />
        </>
      )}
    </>
  );
}

function HandoffList(props: {
  list: Handoff[];
  handoffs: HandoffsModel;
  actions: IActions;
}): React.JSX.Element | null {
  const { list, handoffs, actions } = props;
  const { trans } = useLocale();
  if (!list.length) {
    return handoffs.openJobs.length ? null : (
      <EmptyState
        text={trans.__(
          'Hand a registered model to the team that ships it, and follow here what they say to it.'
        )}
        action={trans.__('Go to the models')}
        onAction={() => {
          actions.show('models');
        }}
      />
    );
  }
  return (
    <ul className="jp-Baton-list" aria-label={trans.__('Handoffs')}>
      {list.map(handoff => (
        <li key={handoff.id}>
          <HandoffItem
            handoff={handoff}
            unread={handoffs.unread.has(handoff.id)}
            onSelect={() => {
              handoffs.select(handoff.id);
            }}
          />
        </li>
      ))}
    </ul>
  );
}

function HandoffItem(props: {
  handoff: Handoff;
  unread: boolean;
  onSelect: () => void;
}): React.JSX.Element {
  const { handoff, unread } = props;
  const { trans } = useLocale();
  const { latest_deployment: deployment, comment_count: comments } = handoff;
  return (
    <button type="button" className="jp-Baton-item" data-item={handoff.id} onClick={props.onSelect}>
      <span className="jp-Baton-itemTop">
        <ModelAndTeam
          model={handoff.model.name}
          version={handoff.model.version}
          team={handoff.team}
        />
        {unread ? <span className="jp-Baton-new">{trans.__('New')}</span> : null}
        <When moment={handoff.updated_at} />
      </span>
      <span className="jp-Baton-itemMeta">
        <HandoffStateWord state={handoff.state} />
        {comments ? <span>{trans._n('%1 comment', '%1 comments', comments)}</span> : null}
        {deployment ? (
          <span className="jp-Baton-deploymentShort">
            {deployment.environment} <DeploymentState status={deployment.status} />
          </span>
        ) : null}
      </span>
    </button>
  );
}

function ModelAndTeam(props: { model: string; version: string; team: string }): React.JSX.Element {
  const what = `${props.model} ${props.version}`;
  return (
    <span className="jp-Baton-name" title={`${what} → ${props.team}`}>
      {what} <span className="jp-Baton-quiet">→ {props.team}</span>
    </span>
  );
}
