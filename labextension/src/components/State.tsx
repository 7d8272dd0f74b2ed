import type { TranslationBundle } from '@jupyterlab/translation';
import type { LabIcon } from '@jupyterlab/ui-components';
import {
  checkIcon,
  circleEmptyIcon,
  circleIcon,
  editIcon,
  errorIcon,
  historyIcon,
  pauseIcon,
  refreshIcon,
  runningIcon,
  undoIcon
} from '@jupyterlab/ui-components';
import React from 'react';

import type { Check, DeploymentStatus, HandoffState, Trace, TraceStep } from '../contract';
import { crossIcon } from '../icons';
import { deploymentWord } from '../notices';
import { useLocale } from './locale';

type Tone = 'plain' | 'good' | 'bad' | 'busy' | 'asks';

interface IState {
  word: string;
  icon: LabIcon;
  tone: Tone;
}

/** A state as an icon and a word; its colour only repeats what they say. */
function State(props: IState): React.JSX.Element {
  const { icon: Icon, tone, word } = props;
  return (
    <span className={`jp-Baton-state jp-mod-${tone}`}>
      <Icon.react tag="span" className="jp-Baton-stateIcon" aria-hidden="true" />
      <span className="jp-Baton-stateWord">{word}</span>
    </span>
  );
}

export function RunState(props: { status: string }): React.JSX.Element {
  return <State {...runState(props.status, useLocale().trans)} />;
}

export function HandoffStateWord(props: { state: HandoffState }): React.JSX.Element {
  return <State {...handoffState(props.state, useLocale().trans)} />;
}

export function DeploymentState(props: { status: DeploymentStatus }): React.JSX.Element {
  const { trans } = useLocale();
  const [icon, tone] = DEPLOYMENTS[props.status];
  return <State word={deploymentWord(props.status, trans)} icon={icon} tone={tone} />;
}

export function CheckState(props: { verdict: Check['verdict'] }): React.JSX.Element {
  const { trans } = useLocale();
  switch (props.verdict) {
    case 'passed':
      return <State word={trans.__('passed')} icon={checkIcon} tone="good" />;
    case 'failed':
      return <State word={trans.__('failed')} icon={crossIcon} tone="bad" />;
    case 'error':
      return <State word={trans.__('not made')} icon={errorIcon} tone="asks" />;
  }
}

export function StepState(props: { state: TraceStep['state'] }): React.JSX.Element {
  const { trans } = useLocale();
  switch (props.state) {
    case 'verified':
      return <State word={trans.__('verified')} icon={checkIcon} tone="good" />;
    case 'recorded':
      return <State word={trans.__('recorded')} icon={editIcon} tone="plain" />;
    case 'missing':
      return <State word={trans.__('missing')} icon={circleEmptyIcon} tone="plain" />;
    case 'differs':
      return <State word={trans.__('differs')} icon={crossIcon} tone="bad" />;
  }
}

export function VerdictState(props: { verdict: Trace['verdict'] }): React.JSX.Element {
  const { trans } = useLocale();
  switch (props.verdict) {
    case 'whole':
      return <State word={trans.__('The way back is whole')} icon={checkIcon} tone="good" />;
    case 'incomplete':
      return (
        <State
          word={trans.__('Nothing differs; some steps are missing')}
          icon={circleEmptyIcon}
          tone="plain"
        />
      );
    case 'differs':
      return (
        <State word={trans.__('Something is not what was recorded')} icon={crossIcon} tone="bad" />
      );
  }
}

export function JobState(props: { failed: boolean }): React.JSX.Element {
  const { trans } = useLocale();
  return props.failed ? (
    <State word={trans.__('Not handed over')} icon={crossIcon} tone="bad" />
  ) : (
    <State word={trans.__('Handing over')} icon={refreshIcon} tone="busy" />
  );
}

const DEPLOYMENTS: Record<DeploymentStatus, [LabIcon, Tone]> = {
  queued: [circleEmptyIcon, 'busy'],
  in_progress: [refreshIcon, 'busy'],
  success: [checkIcon, 'good'],
  failure: [crossIcon, 'bad'],
  error: [errorIcon, 'bad'],
  inactive: [pauseIcon, 'plain']
};

function runState(status: string, trans: TranslationBundle): IState {
  switch (status) {
    case 'RUNNING':
      return { word: trans.__('Running'), icon: runningIcon, tone: 'busy' };
    case 'SCHEDULED':
      return { word: trans.__('Scheduled'), icon: circleEmptyIcon, tone: 'busy' };
    case 'FINISHED':
      return { word: trans.__('Finished'), icon: checkIcon, tone: 'good' };
    case 'FAILED':
      return { word: trans.__('Failed'), icon: crossIcon, tone: 'bad' };
    case 'KILLED':
      return { word: trans.__('Stopped'), icon: pauseIcon, tone: 'plain' };
    default:
      return { word: status, icon: circleEmptyIcon, tone: 'plain' };
  }
}

function handoffState(state: HandoffState, trans: TranslationBundle): IState {
  switch (state) {
    case 'draft':
      return { word: trans.__('Draft'), icon: editIcon, tone: 'plain' };
    case 'checking':
      return { word: trans.__('Checking'), icon: refreshIcon, tone: 'busy' };
    case 'offered':
      return { word: trans.__('Offered'), icon: circleIcon, tone: 'busy' };
    case 'changes_requested':
      return { word: trans.__('Changes requested'), icon: undoIcon, tone: 'asks' };
    case 'accepted':
      return { word: trans.__('Accepted'), icon: checkIcon, tone: 'good' };
    case 'declined':
      return { word: trans.__('Declined'), icon: crossIcon, tone: 'bad' };
    case 'withdrawn':
      return { word: trans.__('Withdrawn'), icon: undoIcon, tone: 'plain' };
    case 'expired':
      return { word: trans.__('Expired'), icon: historyIcon, tone: 'plain' };
    case 'superseded':
      return { word: trans.__('Replaced by a newer one'), icon: historyIcon, tone: 'plain' };
    case 'revoked':
      return { word: trans.__('Revoked'), icon: crossIcon, tone: 'bad' };
  }
}
