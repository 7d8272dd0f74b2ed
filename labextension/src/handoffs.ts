import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IBatonClient } from './api';
import type { Event, Handoff } from './contract';
import type { IHandoverDraft, IJob } from './records';
import type { Gate } from './resource';
import { Resource } from './resource';

/** What this person handed over, what is on its way, and the handoff that is open. */
export class HandoffsModel {
  constructor(
    private readonly _client: IBatonClient,
    private readonly _gate: Gate
  ) {
    this.list = new Resource(() => _client.handoffs(), _gate);
    this.jobs = new Resource(() => _client.jobs(), _gate);
    this.list.changed.connect(this._emit, this);
    this.jobs.changed.connect(this._emit, this);
  }

  /** Newest first, without checks, thread and deployments. */
  readonly list: Resource<Handoff[]>;
  readonly jobs: Resource<IJob[]>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The open handoff's id; null when the list is shown. */
  get selected(): string | null {
    return this._selected;
  }

  get detail(): Resource<Handoff> | null {
    return this._detail;
  }

  /** Handoffs on which others did something that was not looked at yet. */
  get unread(): ReadonlySet<string> {
    return this._unread;
  }

  /** Jobs that still have something to say. */
  get openJobs(): IJob[] {
    return (this.jobs.value ?? []).filter(job => job.state !== 'done');
  }

  load(): void {
    void this.list.load();
    void this.jobs.load();
    void this._detail?.load();
  }

  select(id: string | null): void {
    if (id !== null) {
      this._unread.delete(id);
    }
    if (id !== this._selected) {
      this._selected = id;
      this._detail?.dispose();
      this._detail = id === null ? null : new Resource(() => this._client.handoff(id), this._gate);
      this._detail?.changed.connect(this._emit, this);
      void this._detail?.load();
    }
    this._emit();
  }

  markUnread(id: string): void {
    this._unread.add(id);
    this._emit();
  }

  /** Take an event of the desk's; null means that any handoff may have changed. */
  receive(event: Event | null): void {
    this.list.invalidate();
    if (event === null || event.subject === this._selected) {
      this._detail?.invalidate();
    }
  }

  /** Take a job as it is now; null means that any may have changed. */
  receiveJob(job: IJob | null): void {
    if (job === null) {
      this.jobs.invalidate();
      return;
    }
    const others = (this.jobs.value ?? []).filter(other => other.id !== job.id);
    this.jobs.set([job, ...others]);
    if (job.state === 'done') {
      this.list.invalidate();
    }
  }

  /** What was last typed for this model version, so that nothing is typed twice. */
  draft(model: string, version: string): IHandoverDraft | null {
    return this._drafts.get(`${model}/${version}`) ?? null;
  }

  keepDraft(draft: IHandoverDraft): void {
    this._drafts.set(`${draft.model}/${draft.version}`, draft);
  }

  async handOver(draft: IHandoverDraft): Promise<void> {
    this.receiveJob(await this._client.handOver(draft));
  }

  async dismissJob(id: string): Promise<void> {
    await this._client.dismissJob(id);
    this.jobs.set((this.jobs.value ?? []).filter(job => job.id !== id));
  }

  async comment(id: string, body: string): Promise<void> {
    await this._client.comment(id, body);
    this._touched(id);
  }

  async withdraw(id: string): Promise<void> {
    await this._client.withdraw(id);
    this._touched(id);
  }

  async reoffer(id: string): Promise<void> {
    await this._client.reoffer(id);
    this._touched(id);
  }

  private _touched(id: string): void {
    this.list.invalidate();
    if (id === this._selected) {
      this._detail?.invalidate();
    }
  }

  private readonly _emit = (): void => {
    this._changed.emit();
  };

  private _selected: string | null = null;
  private _detail: Resource<Handoff> | null = null;
  private readonly _unread = new Set<string>();
  private readonly _drafts = new Map<string, IHandoverDraft>();
  private readonly _changed = new Signal<this, void>(this);
}
