import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IBatonClient } from './api';
import type { Trace } from './contract';
import type { TraceTarget } from './records';
import type { Gate } from './resource';
import { Resource } from './resource';
import { milliseconds } from './time';

/** The ways back that were looked at, each fetched when it is first shown. */
export class Traces {
  constructor(
    private readonly _client: IBatonClient,
    private readonly _gate: Gate
  ) {}

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The way back from a run or a model version. Nothing is fetched before its first `load`. */
  of(target: TraceTarget): Resource<Trace> {
    const key = JSON.stringify(target);
    let trace = this._known.get(key);
    if (!trace) {
      this._forgetOldest();
      trace = new Resource(() => this._client.trace(target), this._gate);
      trace.changed.connect(this._emit, this);
      this._known.set(key, trace);
    }
    return trace;
  }

  /** A run changed; null means any. A way back that is complete is not checked again for it. */
  invalidate(run: string | null): void {
    this._known.forEach((trace, key) => {
      const isConcerned =
        run === null || key === JSON.stringify({ run }) || trace.value?.run?.id === run;
      if (isConcerned && (!trace.value || mayGrow(trace.value))) {
        trace.invalidate();
      }
    });
  }

  /** Digests are to be checked again. */
  refresh(): void {
    this._known.forEach(trace => {
      trace.invalidate();
    });
  }

  private _forgetOldest(): void {
    const [oldest] = this._known.keys();
    if (oldest !== undefined && this._known.size >= KEPT) {
      this._known.get(oldest)?.dispose();
      this._known.delete(oldest);
    }
  }

  private readonly _emit = (): void => {
    this._changed.emit();
  };

  private readonly _known = new Map<string, Resource<Trace>>();
  private readonly _changed = new Signal<this, void>(this);
}

/**
 * Whether more of it is to come: a file that has not arrived, or steps of a run that goes on or
 * ended just now, since some are gathered beside it.
 */
function mayGrow(trace: Trace): boolean {
  const missing = trace.steps.filter(step => step.state === 'missing');
  const bytes = trace.steps.reduce((sum, step) => sum + (step.size ?? 0), 0);
  const isGathered = missing.some(step => GATHERED.includes(step.kind));
  // Large files are not fetched again and again while a run logs.
  const isWorthIt = missing.length > 0 && (isGathered || bytes < CHEAP);
  return missing.some(step => step.digest !== null) || (isFresh(trace) && isWorthIt);
}

function isFresh(trace: Trace): boolean {
  const ended = trace.run?.ended_at ?? null;
  return ended === null || Date.now() - milliseconds(ended) < FRESH_MS;
}

const KEPT = 20;
const CHEAP = 2_000_000;
const FRESH_MS = 600_000;
/** What is gathered after the run began. */
const GATHERED: readonly string[] = ['notebook', 'packages', 'diff', 'script'];
