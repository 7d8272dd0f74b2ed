import type { Event, PacketCard } from './contract';

/** Whether a service of the platform can be used now; `absent` is one that this server never had. */
export type ServiceState = 'up' | 'starting' | 'down' | 'absent';

export interface IServiceStatus {
  state: ServiceState;
  /** What the server says of it, for a person; null when it has nothing to add. */
  message: string | null;
  /** The address of its own pages; null when there are none. */
  ui: string | null;
}

export interface IStatus {
  /** The Hub user; null on a server that no Hub started. */
  user: string | null;
  profile: string | null;
  size: string | null;
  services: { mlflow: IServiceStatus; desk: IServiceStatus };
}

export interface IExperiment {
  id: string;
  name: string;
  /** Milliseconds since 1970, or RFC 3339; null when never updated. */
  last_update_time: Moment | null;
  access: IAccess;
}

/** Everybody who is signed in, or the Hub groups beside the owner. */
export type Audience = 'everybody' | string[];

/** What has an owner: an experiment by its id, or a registered model by its name. */
export type AccessTarget = { experiment: string } | { model: string };

/** Who may see and change an experiment or registered model, as its owner said. */
export interface IAccess {
  /** Who made it; null when nobody knows. */
  owner: string | null;
  /** Null where nothing is said, which is everybody. */
  read: Audience | null;
  /** The same, of those who may change it; they see it too. */
  write: Audience | null;
}

/** Who is to see and change it. */
export interface IAccessChange {
  read: Audience;
  write: Audience;
}

/** What a notebook logs by itself: nothing, metrics and parameters, or models too. */
export type Autolog = 'off' | 'metrics' | 'models';

export interface ISettings {
  /** For all of the person's notebooks. */
  autolog: Autolog;
  /** For the notebook that was asked about; null when it does as all do. */
  notebook: Autolog | null;
  effective: Autolog;
}

/** What is kept on this machine until MLflow takes it. */
export interface IUnsent {
  runs: number;
  entries: number;
  bytes: number;
  oldest: Moment | null;
  /** Why it can't be sent, for a person; null when there is no reason but MLflow's absence. */
  problem: string | null;
  sending: boolean;
}

/** What to trace: a run, or a model version. */
export type TraceTarget = { run: string } | { model: string; version: string };

/** A point in time as MLflow (milliseconds) or the contract (RFC 3339) writes it. */
export type Moment = number | string;

export interface IRunSummary {
  run_id: string;
  experiment_id: string;
  name: string;
  /** MLflow's word: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED. */
  status: string;
  user: string | null;
  start_time: Moment | null;
  end_time: Moment | null;
  metrics: Record<string, number | string | null>;
  /** The notebook's path in the person's home; null for a run from elsewhere. */
  notebook: string | null;
  model_count: number;
}

export interface ILoggedModel {
  model_id: string;
  name: string;
  artifact_path: string | null;
  flavors: string[];
  /** Whether all its files are there; not while the cell that logs it still runs. */
  is_ready: boolean;
  registered: { name: string; version: string }[];
}

export interface IRun extends IRunSummary {
  params: Record<string, string>;
  tags: Record<string, string>;
  models: ILoggedModel[];
  /** The run's page in MLflow. */
  ui: string | null;
}

export interface IArtifact {
  path: string;
  /** Bytes; null for a folder. */
  size: number | null;
  is_dir: boolean;
}

export interface IModelVersion {
  version: string;
  run_id: string | null;
  created_at: Moment | null;
  /** MLflow's word: READY, PENDING_REGISTRATION or FAILED_REGISTRATION. */
  status: string;
  aliases: string[];
  user: string | null;
}

export interface IRegisteredModel {
  name: string;
  description: string;
  access: IAccess;
  /** Newest first. */
  versions: IModelVersion[];
}

export interface ITeam {
  name: string;
  member: boolean;
}

/** A hand-over under way in the server: gathering files, uploading, submitting. */
export interface IJob {
  id: string;
  state: 'running' | 'done' | 'failed';
  /** What it is doing, one sentence. */
  step: string;
  /** From 0 to 1; null when it can't be told. */
  progress: number | null;
  model: string;
  version: string;
  team: string;
  handoff: string | null;
  error: { code: string; message: string } | null;
}

/** What a person fills in to hand a model version over. */
export interface IHandoverDraft {
  model: string;
  version: string;
  team: string;
  note: string;
  card: PacketCard;
}

/** Something changed on the server: what, never the whole of it, save for a job. */
/** What is left of one limit: the strictest for its resource. */
export interface ILeft {
  /** `servers`, `cpu`, `memory`, a kind of GPU, `cpu_hours` or `gpu_hours`. */
  resource: string;
  scope: 'user' | 'group' | 'total';
  /** The person's or the group's name; empty for the total. */
  name: string;
  period: string;
  limit: number;
  left: number;
  /** Such as "1 of 4 CPUs". */
  text: string;
  /** A sentence: what the limit is, how much of it is used, and by whom. */
  detail: string;
}

/** What the person should know of the profile that runs. */
export interface IServerNotice {
  kind: 'retiring' | 'blocked' | 'evidence' | 'gone';
  text: string;
}

export interface IRunningServer {
  /** One start of one server; the next start has another. */
  id: string;
  name: string;
  profile: string;
  title: string;
  size: string;
  size_title: string;
  /** Such as "2 CPUs" and "4 GB". */
  resources: string[];
  started: Moment | null;
  /** Titles of the data connections that are attached. */
  connections: string[];
}

/** This server and how its person stands, as the Hub sees it. */
export interface IServer {
  user: string;
  server: IRunningServer | null;
  notices: IServerNotice[];
  left: ILeft[];
  /** Null when the server is never stopped for being idle; else seconds. */
  idle: { limit: number } | null;
  /** When it is stopped unless it is used; null while that is not near. */
  stops_at: Moment | null;
}

export interface IPush {
  kind: 'runs' | 'handoff' | 'job' | 'services' | 'server' | 'unsent';
  occurred_at: string;
  experiment_id: string | null;
  run_id: string | null;
  event: Event | null;
  job: IJob | null;
  server: Pick<IServer, 'stops_at'> | null;
}
