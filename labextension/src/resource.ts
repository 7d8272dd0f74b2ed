import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import { BatonError } from './api';

/** Whether anybody is looking. While it is closed nothing is fetched; what changed is remembered. */
export class Gate {
  get isOpen(): boolean {
    return this._isOpen;
  }

  get opened(): ISignal<this, void> {
    return this._opened;
  }

  open(): void {
    if (!this._isOpen) {
      this._isOpen = true;
      this._opened.emit();
    }
  }

  close(): void {
    this._isOpen = false;
  }

  private _isOpen = false;
  private readonly _opened = new Signal<this, void>(this);
}

/**
 * A value of the server's, with the last good one kept while a newer is under way or has failed.
 *
 * At most one request is under way and at most one waits, however often the value is invalidated.
 * Nothing is fetched before the first `load`, nor while the gate is closed.
 */
export class Resource<T> {
  constructor(
    private readonly _fetch: () => Promise<T>,
    private readonly _gate: Gate
  ) {
    _gate.opened.connect(this._onOpened, this);
  }

  get value(): T | null {
    return this._value;
  }

  /** Why the last fetch failed; null once one succeeds. */
  get error(): BatonError | null {
    return this._error;
  }

  get isLoading(): boolean {
    return this._pending !== null;
  }

  /** Emits when value, error or loading changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Fetch unless a current value is there or under way. Never throws: see `error`. */
  load(): Promise<void> {
    this._isWanted = true;
    this._isStale ||= this._error !== null;
    return this._refresh();
  }

  /** The server has something newer: fetch it now if somebody looks, else when they do. */
  invalidate(): void {
    this._isStale = true;
    void this._refresh();
  }

  /** Forget the value, because the question itself changed; an answer under way is dropped. */
  reset(): void {
    this._generation += 1;
    this._pending = null;
    this._value = null;
    this._error = null;
    this.invalidate();
    this._changed.emit();
  }

  /** Take a value that arrived by another way. */
  set(value: T): void {
    this._value = value;
    this._changed.emit();
  }

  dispose(): void {
    this._generation += 1;
    Signal.clearData(this);
  }

  private readonly _onOpened = (): void => {
    void this._refresh();
  };

  private _refresh(): Promise<void> {
    if (this._pending) {
      return this._pending;
    }
    if (!this._canFetch()) {
      return Promise.resolve();
    }
    this._pending = this._run(this._generation);
    this._changed.emit();
    return this._pending;
  }

  private async _run(generation: number): Promise<void> {
    let isGoingOn = true;
    while (isGoingOn) {
      this._isStale = false;
      const outcome = await this._attempt();
      if (generation !== this._generation) {
        return;
      }
      this._value = outcome.error ? this._value : outcome.value;
      this._error = outcome.error;
      isGoingOn = outcome.error === null && this._canFetch();
      if (!isGoingOn) {
        this._pending = null;
      }
      // Also while a newer value is under way: this one is better than the last.
      this._changed.emit();
    }
  }

  private async _attempt(): Promise<
    { value: T; error: null } | { value: null; error: BatonError }
  > {
    try {
      return { value: await this._fetch(), error: null };
    } catch (reason) {
      return { value: null, error: asBatonError(reason) };
    }
  }

  private _canFetch(): boolean {
    return this._isWanted && this._isStale && this._gate.isOpen;
  }

  private _value: T | null = null;
  private _error: BatonError | null = null;
  private _pending: Promise<void> | null = null;
  private _isStale = true;
  private _isWanted = false;
  private _generation = 0;
  private readonly _changed = new Signal<this, void>(this);
}

/** The error as one meant for a person; anything but ours is a fault in this program. */
export function asBatonError(reason: unknown): BatonError {
  return reason instanceof BatonError ? reason : new BatonError('internal', String(reason));
}
