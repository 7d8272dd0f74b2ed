import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type { IBatonClient } from './api';
import type { HandoffsModel } from './handoffs';
import type {
  Autolog,
  IPush,
  IRegisteredModel,
  IServer,
  ISettings,
  IStatus,
  IUnsent
} from './records';
import type { Gate, Resource } from './resource';
import type { RunsModel } from './runs';
import type { Traces } from './traces';

/** A section of the panel. */
export type Tab = 'runs' | 'models' | 'handoffs';

/** What the panel shows, without a page around it. */
export interface IBatonModel {
  readonly client: IBatonClient;
  /** Open while somebody looks; nothing is fetched while it is closed. */
  readonly gate: Gate;
  readonly status: Resource<IStatus>;
  /** This server and what is left to its person; null where no Hub tells. */
  readonly server: Resource<IServer | null>;
  readonly models: Resource<IRegisteredModel[]>;
  readonly runs: RunsModel;
  readonly handoffs: HandoffsModel;
  /** The ways back from runs and model versions. */
  readonly traces: Traces;
  /** What waits on this machine for MLflow; null on a server that keeps nothing. */
  readonly unsent: Resource<IUnsent | null>;
  /** What notebooks log by themselves; null on a server that can't be set so. */
  readonly settings: Resource<ISettings | null>;
  /** The path of the notebook in front; null when there is none. */
  readonly notebook: string | null;
  readonly tab: Tab;
  /** Emits when anything above changed. */
  readonly changed: ISignal<IBatonModel, void>;
  /** Emits every push after the model took it in. */
  readonly pushed: ISignal<IBatonModel, IPush>;
  show(tab: Tab): void;
  showHandoff(id: string): void;
  showRun(id: string): void;
  load(): void;
  refresh(): void;
  keep(): Promise<void>;
  lookAt(notebook: string | null): void;
  changeAutolog(notebook: string | null, autolog: Autolog | null): Promise<void>;
  sendUnsent(): Promise<void>;
  receive(push: IPush): void;
  isLookingAt(handoff: string): boolean;
  dispose(): void;
}

export const IBatonModel = new Token<IBatonModel>(
  'jupyter-baton:IBatonModel',
  'What Baton knows of experiments, models and handoffs, kept up to date by pushes from the server.'
);

/** The panel in the sidebar. */
export interface IBatonPanel extends IDisposable {
  readonly id: string;
}

export const IBatonPanel = new Token<IBatonPanel>(
  'jupyter-baton:IBatonPanel',
  'The Baton panel in the sidebar; commands open it by its id.'
);

/** The ids of Baton's commands. */
export const CommandIDs = {
  open: 'jupyter-baton:open',
  openExample: 'jupyter-baton:open-example',
  logNotebook: 'jupyter-baton:log-notebook',
  register: 'jupyter-baton:register',
  handOver: 'jupyter-baton:hand-over',
  openNotebook: 'jupyter-baton:open-notebook',
  openSnapshot: 'jupyter-baton:open-snapshot',
  shareExperiment: 'jupyter-baton:share-experiment',
  shareModel: 'jupyter-baton:share-model'
} as const;
