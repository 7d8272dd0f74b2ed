import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IActions } from '../actions';
import type { Check, Deployment, Handoff } from '../contract';
import type { HandoffsModel } from '../handoffs';
import { useLocale } from './locale';
import { DetailHeader, Fetched, Fold, OutLink, Sha, TextButton } from './parts';
import { CheckState, DeploymentState, HandoffStateWord } from './State';
import { Thread } from './Thread';
import { When } from './When';

const DIGEST_SHOWN = 12;

/** One handoff, whole. */
export function HandoffView(props: {
  handoffs: HandoffsModel;
  ui: string | null;
  isDown: boolean;
  actions: IActions;
}): React.JSX.Element | null {
  const { handoffs, ui, isDown, actions } = props;
  const { trans } = useLocale();
  const { detail, selected } = handoffs;
  if (!detail) {
    return null;
  }
  const known = detail.value ?? handoffs.list.value?.find(handoff => handoff.id === selected);
  return (
    <div className="jp-Baton-detail">
      <DetailHeader
        back={trans.__('Back to the handoffs')}
        title={known ? `${known.model.name} ${known.model.version}` : ''}
        onBack={() => {
          handoffs.select(null);
        }}
      />
      {known ? <StateFacts handoff={known} /> : null}
      <Fetched resource={detail} isExplained={isDown}>
        {handoff => <HandoffBody handoff={handoff} ui={ui} actions={actions} />}
      </Fetched>
    </div>
  );
}

function StateFacts(props: { handoff: Handoff }): React.JSX.Element {
  const { handoff } = props;
  const { trans } = useLocale();
  return (
    <div className="jp-Baton-summary">
      <p className="jp-Baton-itemMeta">
        <HandoffStateWord state={handoff.state} />
        {handoff.decided_by ? <span>{trans.__('by %1', handoff.decided_by)}</span> : null}
        <When moment={handoff.decided_at ?? handoff.offered_at ?? handoff.created_at} />
        <span className="jp-Baton-clip" title={handoff.team}>
          → {handoff.team}
        </span>
      </p>
      {handoff.reason ? <blockquote>{handoff.reason}</blockquote> : null}
    </div>
  );
}

function HandoffBody(props: {
  handoff: Handoff;
  ui: string | null;
  actions: IActions;
}): React.JSX.Element {
  const { handoff, ui, actions } = props;
  const { trans } = useLocale();
  const failed = handoff.checks.some(check => check.verdict !== 'passed');
  const checks = (
    <Fold
      key={handoff.state}
      title={trans.__('Checks')}
      count={handoff.checks.length}
      open={failed || handoff.state === 'checking'}
    >
      <Checks checks={handoff.checks} />
    </Fold>
  );
  return (
    <>
      <p className="jp-Baton-next">{nextStep(handoff, failed, trans)}</p>
      <HandoffActions handoff={handoff} failed={failed} ui={ui} actions={actions} />
      {failed ? checks : null}
      {handoff.thread.length || handoff.actions.includes('comment') ? (
        <Fold title={trans.__('Thread')} count={handoff.thread.length} open>
          <Thread
            comments={handoff.thread}
            canReply={handoff.actions.includes('comment')}
            onSend={body => actions.comment(handoff.id, body)}
          />
        </Fold>
      ) : null}
      {handoff.deployments.length || handoff.state === 'accepted' ? (
        <Fold title={trans.__('Deployments')} count={handoff.deployments.length} open>
          <Deployments deployments={handoff.deployments} />
        </Fold>
      ) : null}
      {failed ? null : checks}
      {handoff.note ? (
        <Fold title={trans.__('Note')}>
          <p className="jp-Baton-prose">{handoff.note}</p>
        </Fold>
      ) : null}
      <Fold title={trans.__('Packet')}>
        <Sha
          digest={handoff.packet_digest}
          shown={handoff.packet_digest.slice(0, DIGEST_SHOWN)}
          onCopy={actions.copy}
        />
      </Fold>
    </>
  );
}

function HandoffActions(props: {
  handoff: Handoff;
  failed: boolean;
  ui: string | null;
  actions: IActions;
}): React.JSX.Element {
  const { handoff, failed, ui, actions } = props;
  const { trans } = useLocale();
  return (
    <div className="jp-Baton-actions">
      {handoff.state === 'draft' && failed ? (
        <TextButton
          primary
          onClick={() => {
            actions.handOver(handoff.model.name, handoff.model.version);
          }}
        >
          {trans.__('Hand over again')}
        </TextButton>
      ) : null}
      {handoff.actions.includes('reoffer') ? (
        <TextButton
          primary
          onClick={() => {
            actions.reoffer(handoff.id);
          }}
        >
          {trans.__('Offer again')}
        </TextButton>
      ) : null}
      {handoff.actions.includes('withdraw') ? (
        <TextButton
          onClick={() => {
            actions.withdraw(handoff.id);
          }}
        >
          {trans.__('Withdraw')}
        </TextButton>
      ) : null}
      {ui ? (
        <OutLink href={`${ui.replace(/\/$/, '')}/handoffs/${handoff.id}`}>
          {trans.__('Open on the desk')}
        </OutLink>
      ) : null}
    </div>
  );
}

function Checks(props: { checks: Check[] }): React.JSX.Element {
  const { trans } = useLocale();
  if (!props.checks.length) {
    return <p className="jp-Baton-quiet">{trans.__('None finished yet.')}</p>;
  }
  return (
    <ul className="jp-Baton-rows" aria-label={trans.__('Checks')}>
      {props.checks.map((check, index) => (
        <li key={index} className="jp-Baton-block">
          <p className="jp-Baton-itemTop">
            <span className="jp-Baton-name" title={`${check.tool} ${check.version}`}>
              {check.tool}
            </span>
            <CheckState verdict={check.verdict} />
          </p>
          {check.details ? (
            <p className={check.verdict === 'passed' ? 'jp-Baton-quiet' : 'jp-Baton-prose'}>
              {check.details}
            </p>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

function Deployments(props: { deployments: Deployment[] }): React.JSX.Element {
  const { trans } = useLocale();
  if (!props.deployments.length) {
    return <p className="jp-Baton-quiet">{trans.__('Where the team deploys it shows here.')}</p>;
  }
  return (
    <ul className="jp-Baton-rows" aria-label={trans.__('Deployments')}>
      {props.deployments.map(deployment => (
        <li key={deployment.id} className="jp-Baton-block">
          <p className="jp-Baton-itemTop">
            <span className="jp-Baton-name" title={deployment.environment}>
              {deployment.environment}
            </span>
            <When moment={deployment.created_at} />
          </p>
          <p className="jp-Baton-itemMeta">
            <DeploymentState status={deployment.status} />
            <span className="jp-Baton-clip" title={deployment.reported_by}>
              {deployment.reported_by}
            </span>
            {deployment.url ? <OutLink href={deployment.url}>{trans.__('Visit')}</OutLink> : null}
          </p>
          {deployment.description ? (
            <p className="jp-Baton-prose">{deployment.description}</p>
          ) : null}
        </li>
      ))}
    </ul>
  );
}

/** What happens next, or what to do. */
function nextStep(handoff: Handoff, failed: boolean, trans: TranslationBundle): string {
  switch (handoff.state) {
    case 'draft':
      return failed
        ? trans.__('A check did not pass, so nothing was sent. See below what to do.')
        : trans.__('Not sent yet.');
    case 'checking':
      return trans.__('The desk checks the packet before the team sees it. You can leave.');
    case 'offered':
      return trans.__('%1 has it in the inbox. You hear when they answer.', handoff.team);
    case 'changes_requested':
      return trans.__('Answer in the thread, then offer it again, or hand over a newer version.');
    case 'accepted':
      return trans.__('%1 took it over. Their deployments show below.', handoff.team);
    case 'declined':
      return trans.__('%1 does not take it. A newer version can be handed over.', handoff.team);
    case 'withdrawn':
      return trans.__('You took it back. It can be handed over again from Models.');
    case 'expired':
      return trans.__('Nobody decided in time. Hand it over again from Models.');
    case 'superseded':
      return trans.__('A newer version was handed over in its place.');
    case 'revoked':
      return trans.__('Operations took it out of use. Ask them before handing it over again.');
  }
}
