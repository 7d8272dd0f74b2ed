import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IBatonClient } from './api';
import type { IArtifact, IExperiment, IRun, IRunSummary, Moment } from './records';
import type { Gate } from './resource';
import { Resource } from './resource';
import { milliseconds } from './time';

/** Experiments, the runs of the one that is looked at, and the run that is open. */
export class RunsModel {
  constructor(
    private readonly _client: IBatonClient,
    private readonly _gate: Gate
  ) {
    this.experiments = new Resource(() => _client.experiments(), _gate);
    this.list = new Resource(() => this._fetchList(), _gate);
    this.experiments.changed.connect(this._onExperiments, this);
    this.list.changed.connect(this._emit, this);
  }

  readonly experiments: Resource<IExperiment[]>;
  /** The experiment's runs, newest first, no run twice. */
  readonly list: Resource<IRunSummary[]>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The experiment picked, or else the one that changed last; null while none is known. */
  get experiment(): string | null {
    return this._picked ?? newest(this.experiments.value ?? []);
  }

  /** The open run's id; null when the list is shown. */
  get selected(): string | null {
    return this._selected;
  }

  /** The open run, whole; its summary is in `list` meanwhile. */
  get detail(): Resource<IRun> | null {
    return this._detail;
  }

  get hasMore(): boolean {
    return this._cursor !== null;
  }

  load(): void {
    void this.experiments.load();
    void this.list.load();
    void this._detail?.load();
  }

  pick(experiment: string): void {
    this._picked = experiment;
    this._follow();
    this._emit();
  }

  select(run: string | null): void {
    if (run === this._selected) {
      return;
    }
    this._selected = run;
    this._detail?.dispose();
    this._detail = run === null ? null : new Resource(() => this._client.run(run), this._gate);
    this._artifacts.forEach(folder => {
      folder.dispose();
    });
    this._artifacts.clear();
    this._detail?.changed.connect(this._emit, this);
    void this._detail?.load();
    this._emit();
  }

  /** A folder of the open run's artifacts, fetched when first asked for. */
  artifacts(path: string): Resource<IArtifact[]> | null {
    const run = this._selected;
    if (run === null) {
      return null;
    }
    let folder = this._artifacts.get(path);
    if (!folder) {
      folder = new Resource(() => this._client.artifacts(run, path), this._gate);
      folder.changed.connect(this._emit, this);
      this._artifacts.set(path, folder);
    }
    return folder;
  }

  /** Append the next page. */
  async more(): Promise<void> {
    const experiment = this.experiment;
    if (experiment === null || this._cursor === null) {
      return;
    }
    const page = await this._client.runs(experiment, this._cursor);
    if (experiment === this._listed) {
      this._cursor = page.next_cursor;
      this.list.set(merge(this.list.value ?? [], page.items));
    }
  }

  /** Something of this run or experiment changed; null means any. */
  invalidate(experiment: string | null, run: string | null): void {
    const known = this.experiments.value?.some(item => item.id === experiment);
    if (experiment === null || !known || this._picked === null) {
      this.experiments.invalidate();
    }
    const listed = this.list.value?.some(item => item.run_id === run);
    if (experiment === this.experiment || experiment === null || listed) {
      this.list.invalidate();
    }
    if (run === null || run === this._selected) {
      this._detail?.invalidate();
      this._artifacts.forEach(folder => {
        folder.invalidate();
      });
    }
  }

  private async _fetchList(): Promise<IRunSummary[]> {
    await this.experiments.load();
    const experiment = this.experiment;
    this._listed = experiment;
    if (experiment === null) {
      if (this.experiments.error) {
        throw this.experiments.error;
      }
      return [];
    }
    const page = await this._client.runs(experiment);
    const older = this.list.value ?? [];
    // Later pages that were fetched stay, and so does the place to go on from.
    if (older.length <= page.items.length) {
      this._cursor = page.next_cursor;
    }
    return merge(page.items, older);
  }

  private readonly _onExperiments = (): void => {
    if (this.experiments.value) {
      this._follow();
    }
    this._emit();
  };

  /** Show the runs of another experiment when the one looked at changed. */
  private _follow(): void {
    if (this._listed !== undefined && this._listed !== this.experiment) {
      this._listed = this.experiment;
      this._cursor = null;
      this.list.reset();
    }
  }

  private readonly _emit = (): void => {
    this._changed.emit();
  };

  private _picked: string | null = null;
  private _listed: string | null | undefined = undefined;
  private _selected: string | null = null;
  private _detail: Resource<IRun> | null = null;
  private _cursor: string | null = null;
  private readonly _artifacts = new Map<string, Resource<IArtifact[]>>();
  private readonly _changed = new Signal<this, void>(this);
}

function newest(experiments: IExperiment[]): string | null {
  return (
    [...experiments].sort((a, b) => at(b.last_update_time) - at(a.last_update_time))[0]?.id ?? null
  );
}

/** Both lists as one, newest first; a run in both is as the first list says. */
function merge(fresh: IRunSummary[], older: IRunSummary[]): IRunSummary[] {
  const ids = new Set(fresh.map(run => run.run_id));
  return [...fresh, ...older.filter(run => !ids.has(run.run_id))].sort(
    (a, b) => at(b.start_time) - at(a.start_time)
  );
}

function at(moment: Moment | null): number {
  return moment === null ? 0 : milliseconds(moment);
}
