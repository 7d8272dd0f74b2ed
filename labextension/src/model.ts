import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { IBatonClient } from './api';
import { HandoffsModel } from './handoffs';
import type {
  Autolog,
  IPush,
  IRegisteredModel,
  IServer,
  ISettings,
  IStatus,
  IUnsent,
  ServiceState
} from './records';
import { Gate, Resource } from './resource';
import { RunsModel } from './runs';
import type { IBatonModel, Tab } from './tokens';
import { Traces } from './traces';

/** All that the panel knows. It refetches what a push names and never asks by itself. */
export class BatonModel implements IBatonModel {
  constructor(readonly client: IBatonClient) {
    this.status = new Resource(() => client.status(), this.gate);
    this.server = new Resource(() => client.server(), this.gate);
    this.models = new Resource(() => client.models(), this.gate);
    this.runs = new RunsModel(client, this.gate);
    this.handoffs = new HandoffsModel(client, this.gate);
    this.traces = new Traces(client, this.gate);
    this.unsent = new Resource(() => client.unsent(), this.gate);
    this.settings = new Resource(() => client.settings(this._notebook), this.gate);
    this.status.changed.connect(this._onStatus, this);
    this.server.changed.connect(this._emit, this);
    this.models.changed.connect(this._emit, this);
    this.runs.changed.connect(this._emit, this);
    this.handoffs.changed.connect(this._emit, this);
    this.traces.changed.connect(this._emit, this);
    this.unsent.changed.connect(this._emit, this);
    this.settings.changed.connect(this._emit, this);
  }

  readonly gate = new Gate();
  readonly status: Resource<IStatus>;
  readonly server: Resource<IServer | null>;
  readonly models: Resource<IRegisteredModel[]>;
  readonly runs: RunsModel;
  readonly handoffs: HandoffsModel;
  readonly traces: Traces;
  readonly unsent: Resource<IUnsent | null>;
  readonly settings: Resource<ISettings | null>;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get pushed(): ISignal<this, IPush> {
    return this._pushed;
  }

  get tab(): Tab {
    return this._tab;
  }

  get notebook(): string | null {
    return this._notebook;
  }

  /** Another notebook came to the front, or none: what it logs by itself may be another thing. */
  lookAt(notebook: string | null): void {
    if (notebook !== this._notebook) {
      this._notebook = notebook;
      this.settings.invalidate();
      this._emit();
    }
  }

  /** Set what notebooks log by themselves. Throws BatonError. */
  async changeAutolog(notebook: string | null, autolog: Autolog | null): Promise<void> {
    await this.client.changeAutolog(notebook, autolog);
    this.settings.invalidate();
  }

  /** Try to send what is kept on this machine. Throws BatonError. */
  async sendUnsent(): Promise<void> {
    await this.client.sendUnsent();
    this.unsent.invalidate();
  }

  /** Show a section, and load what it shows. */
  show(tab: Tab): void {
    this._tab = tab;
    this.load();
    this._emit();
  }

  /** Show one handoff's details. */
  showHandoff(id: string): void {
    this.handoffs.select(id);
    this.show('handoffs');
  }

  /** Show one run's details. */
  showRun(id: string): void {
    this.runs.select(id);
    this.show('runs');
  }

  load(): void {
    void this.status.load();
    // What others start and stop changes what is left, and nothing tells: ask at each look.
    this.server.invalidate();
    void this.server.load();
    if (this._tab === 'runs') {
      this.runs.load();
      void this.unsent.load();
      void this.settings.load();
    } else {
      this.handoffs.load();
    }
    if (this._tab === 'models') {
      void this.models.load();
    }
  }

  /** Fetch everything shown anew: after a button, or when pushes may have been missed. */
  refresh(): void {
    this.status.invalidate();
    this.server.invalidate();
    this.models.invalidate();
    this.runs.invalidate(null, null);
    this.handoffs.receive(null);
    this.handoffs.receiveJob(null);
    this.traces.refresh();
    this.unsent.invalidate();
    this.settings.invalidate();
  }

  /** Keep the server from being stopped for being idle. Throws BatonError. */
  async keep(): Promise<void> {
    await this.client.keep();
    this.server.invalidate();
  }

  receive(push: IPush): void {
    switch (push.kind) {
      case 'runs':
        this.runs.invalidate(push.experiment_id, push.run_id);
        this.models.invalidate();
        this.traces.invalidate(push.run_id);
        break;
      case 'unsent':
        this.unsent.invalidate();
        break;
      case 'handoff':
        this.handoffs.receive(push.event);
        break;
      case 'job':
        this.handoffs.receiveJob(push.job);
        break;
      case 'services':
        this.status.invalidate();
        break;
      case 'server':
        this.server.invalidate();
        break;
    }
    this._pushed.emit(push);
  }

  /** Whether this handoff is in front of the person now. */
  isLookingAt(handoff: string): boolean {
    return this.gate.isOpen && this._tab === 'handoffs' && this.handoffs.selected === handoff;
  }

  dispose(): void {
    this.gate.close();
    Signal.clearData(this);
  }

  /** A service that came back may have what could not be fetched before. */
  private readonly _onStatus = (): void => {
    const services = this.status.value?.services;
    if (services) {
      if (this._mlflow !== 'up' && services.mlflow.state === 'up') {
        this.runs.invalidate(null, null);
        this.models.invalidate();
        this.traces.refresh();
      }
      if (this._desk !== 'up' && services.desk.state === 'up') {
        this.handoffs.receive(null);
      }
      this._mlflow = services.mlflow.state;
      this._desk = services.desk.state;
    }
    this._emit();
  };

  private readonly _emit = (): void => {
    this._changed.emit();
  };

  private _tab: Tab = 'runs';
  private _notebook: string | null = null;
  // Taken for up until said otherwise, so that the first answer refetches nothing.
  private _mlflow: ServiceState = 'up';
  private _desk: ServiceState = 'up';
  private readonly _changed = new Signal<this, void>(this);
  private readonly _pushed = new Signal<this, IPush>(this);
}
