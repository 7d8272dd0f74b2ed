import type { TranslationBundle } from '@jupyterlab/translation';
import React, { useEffect } from 'react';

import type { IActions } from '../actions';
import type { Trace, TraceStep } from '../contract';
import type { Resource } from '../resource';
import { useLocale } from './locale';
import { shortSize } from './numbers';
import { Fetched, Sha } from './parts';
import { StepState, VerdictState } from './State';

type Kind = TraceStep['kind'];

/** Where a run or a model version comes from, each step checked. Fetched when it is shown. */
export function TraceView(props: {
  trace: Resource<Trace>;
  /** The Hub user; only their own notebooks are among their files. */
  user: string | null;
  /** Steps that the view around it shows already. */
  hidden: readonly Kind[];
  isDown: boolean;
  actions: IActions;
}): React.JSX.Element {
  const { trace, user, hidden, isDown, actions } = props;
  const { trans } = useLocale();
  useEffect(() => {
    void trace.load();
  }, [trace]);
  return (
    <Fetched resource={trace} isExplained={isDown}>
      {found => (
        <>
          <p className="jp-Baton-verdict">
            <VerdictState verdict={found.verdict} />
          </p>
          <ol className="jp-Baton-steps" aria-label={trans.__('Where it comes from')}>
            {found.steps
              .filter(step => step.state === 'differs' || !hidden.includes(step.kind))
              .map((step, index) => (
                <Step key={index} step={step} trace={found} user={user} actions={actions} />
              ))}
          </ol>
        </>
      )}
    </Fetched>
  );
}

function Step(props: {
  step: TraceStep;
  trace: Trace;
  user: string | null;
  actions: IActions;
}): React.JSX.Element {
  const { step, actions } = props;
  const { trans } = useLocale();
  const short = shortDigest(step);
  return (
    <li className={`jp-Baton-step jp-mod-${step.state}`}>
      <p className="jp-Baton-stepTop">
        <span className="jp-Baton-stepKind">{kindWord(step.kind, trans)}</span>
        <StepState state={step.state} />
      </p>
      <StepValue {...props} />
      {short === null && step.size === null ? null : (
        <p className="jp-Baton-stepFacts">
          {short === null ? null : (
            <Sha digest={step.digest ?? ''} shown={short} onCopy={actions.copy} />
          )}
          {step.size === null ? null : <span>{shortSize(step.size)}</span>}
        </p>
      )}
      {step.uri !== null && PLACED.includes(step.kind) ? (
        <p className="jp-Baton-quiet jp-Baton-clip" title={step.uri}>
          {step.uri}
        </p>
      ) : null}
      {step.note ? <p className="jp-Baton-quiet">{step.note}</p> : null}
    </li>
  );
}

/** What the step is, and the ways to it. */
function StepValue(props: {
  step: TraceStep;
  trace: Trace;
  user: string | null;
  actions: IActions;
}): React.JSX.Element | null {
  const { step, trace, actions } = props;
  const { trans } = useLocale();
  const { run } = trace;
  const open = opening(props);
  return (
    <>
      {step.value === null ? null : open ? (
        <Link title={step.value} onClick={open}>
          {step.value}
        </Link>
      ) : (
        <p className="jp-Baton-clip" title={step.value}>
          {step.value}
        </p>
      )}
      {step.kind === 'notebook' && step.state === 'verified' && run ? (
        <Link
          title={trans.__('Put a copy of the notebook, as it was, among your files')}
          onClick={() => {
            actions.openSnapshot(run.id);
          }}
        >
          {trans.__('Open it as it was')}
        </Link>
      ) : null}
    </>
  );
}

function Link(props: {
  title: string;
  onClick: () => void;
  children: React.ReactNode;
}): React.JSX.Element {
  return (
    <button
      type="button"
      className="jp-Baton-link jp-Baton-clip"
      title={props.title}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}

/** What a click on a step's value does; null where it leads nowhere. */
function opening(props: {
  step: TraceStep;
  trace: Trace;
  user: string | null;
  actions: IActions;
}): (() => void) | null {
  const { step, trace, user, actions } = props;
  const { run, steps } = trace;
  const { kind, value } = step;
  if (kind === 'run' && run) {
    return () => {
      actions.showRun(run.id);
    };
  }
  if (kind === 'notebook' && value !== null && run?.author === user) {
    const cell = steps.find(other => other.kind === 'cell')?.value ?? null;
    return () => {
      actions.openNotebook(value, cell);
    };
  }
  return null;
}

const PLACED: readonly Kind[] = ['commit', 'dataset'];
const SHOWN = 12;

/** A digest's beginning, with the algorithm where it is said. */
function shortDigest(step: TraceStep): string | null {
  if (step.digest === null) {
    return null;
  }
  const at = step.digest.indexOf(':') + 1;
  const rest = step.digest.slice(at);
  return step.digest.slice(0, at) + rest.slice(0, SHOWN) + (rest.length > SHOWN ? '…' : '');
}

function kindWord(kind: Kind, trans: TranslationBundle): string {
  switch (kind) {
    case 'version':
      return trans.__('Version');
    case 'model':
      return trans.__('Model files');
    case 'run':
      return trans.__('Run');
    case 'cell':
      return trans.__('Cell');
    case 'notebook':
      return trans.__('Notebook');
    case 'script':
      return trans.__('Script');
    case 'commit':
      return trans.__('Git commit');
    case 'diff':
      return trans.__('Local changes');
    case 'image':
      return trans.__('Image');
    case 'packages':
      return trans.__('Packages');
    case 'dataset':
      return trans.__('Dataset');
  }
}
