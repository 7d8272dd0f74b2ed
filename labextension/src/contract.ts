// Generated from baton_contract/schemas by `make contract`; do not edit.

/**
 * RFC 3339, UTC, milliseconds, ending in Z.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "Timestamp".
 */
export type Timestamp = string;
/**
 * GitHub's words.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "DeploymentStatus".
 */
export type DeploymentStatus = 'queued' | 'in_progress' | 'success' | 'failure' | 'error' | 'inactive';
/**
 * A SHA-256 in lower-case hexadecimal.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "Digest".
 */
export type Digest = string;
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "EventType".
 */
export type EventType =
  | 'baton.handoff.checking'
  | 'baton.handoff.check_failed'
  | 'baton.handoff.offered'
  | 'baton.handoff.changes_requested'
  | 'baton.handoff.accepted'
  | 'baton.handoff.declined'
  | 'baton.handoff.withdrawn'
  | 'baton.handoff.expired'
  | 'baton.handoff.superseded'
  | 'baton.handoff.revoked'
  | 'baton.handoff.commented'
  | 'baton.handoff.deployment_reported'
  | 'baton.channel.test';
/**
 * A UUIDv7 as 32 hexadecimal digits.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "HandoffId".
 */
export type HandoffId = string;
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "HandoffState".
 */
export type HandoffState =
  | 'draft'
  | 'checking'
  | 'offered'
  | 'changes_requested'
  | 'accepted'
  | 'declined'
  | 'withdrawn'
  | 'expired'
  | 'superseded'
  | 'revoked';
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "HandoffAction".
 */
export type HandoffAction =
  'submit' | 'withdraw' | 'reoffer' | 'accept' | 'request_changes' | 'decline' | 'revoke' | 'comment' | 'report';
/**
 * RFC 3339, UTC, milliseconds, ending in Z.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "TraceMoment".
 */
export type TraceMoment = string;

export interface Contract {}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "Check".
 */
export interface Check {
  /**
   * What looked, such as digests, format, predict.
   */
  tool: string;
  version: string;
  /**
   * failed: the packet is at fault. error: the check could not be made; try again.
   */
  verdict: 'passed' | 'failed' | 'error';
  /**
   * One or a few sentences for a person: what was found and what to do.
   */
  details: string;
  finished_at: Timestamp;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "Comment".
 */
export interface Comment {
  id: string;
  author: string;
  body: string;
  created_at: Timestamp;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "Deployment".
 */
export interface Deployment {
  id: string;
  environment: string;
  status: DeploymentStatus;
  description: string;
  /**
   * Where the deployment is, http or https.
   */
  url: string | null;
  /**
   * A person's name, or pipeline:NAME for a team's token.
   */
  reported_by: string;
  created_at: Timestamp;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "ErrorBody".
 */
export interface ErrorBody {
  /**
   * Stable, lower case with underscores; programs decide by it.
   */
  code: string;
  /**
   * One sentence or two for a person: what happened and what to do.
   */
  message: string;
  /**
   * Facts that go with the code.
   */
  details: {};
  /**
   * What to look for in the logs.
   */
  request_id: string;
}
/**
 * The one shape of every error that a Baton API answers with.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "ErrorEnvelope".
 */
export interface ErrorEnvelope {
  error: ErrorBody;
}
/**
 * Something that happened to a handoff: a CloudEvent 1.0 in structured JSON. The same body goes into the desk's event stream and to webhooks. What is NOT recorded: the packet's content, files, addresses and credentials; fetch the handoff by its id.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "Event".
 */
export interface Event {
  specversion: '1.0';
  /**
   * Unique per source; in a webhook, the delivery's id, constant over retries and replays.
   */
  id: string;
  /**
   * The desk's path, such as /services/desk.
   */
  source: string;
  type: EventType;
  /**
   * The handoff's id.
   */
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  dataschema: 'urn:baton:event:1';
  data: EventData;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "EventData".
 */
export interface EventData {
  /**
   * The handoff's id; null in a channel's test.
   */
  handoff: string | null;
  /**
   * The state after the event.
   */
  state: string | null;
  team: string;
  sender: string | null;
  model: string | null;
  version: string | null;
  packet_digest: string | null;
  /**
   * Who did it: a Hub user, pipeline:NAME, or desk.
   */
  actor: string;
  /**
   * The comment, the note, the reason or the failed check's sentence.
   */
  text: string | null;
  /**
   * The deployment's environment.
   */
  environment: string | null;
  /**
   * The deployment's status.
   */
  status: string | null;
}
/**
 * The record that carries a packet through its states, as the desk's API shows it to one caller.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "Handoff".
 */
export interface Handoff {
  id: HandoffId;
  state: HandoffState;
  team: string;
  sender: string;
  note: string;
  packet_digest: string;
  model: HandoffModel;
  created_at: Timestamp;
  updated_at: Timestamp;
  offered_at: Timestamp | null;
  /**
   * When an offer that nobody decides ends.
   */
  expires_at: Timestamp | null;
  decided_at: Timestamp | null;
  decided_by: string | null;
  /**
   * What was said with the last transition.
   */
  reason: string | null;
  /**
   * The handoff that this one replaced.
   */
  supersedes: HandoffId | null;
  comment_count: number;
  latest_deployment: Deployment | null;
  /**
   * Oldest first. Empty in lists.
   */
  checks: Check[];
  /**
   * Oldest first. Empty in lists.
   */
  thread: Comment[];
  /**
   * Newest first. Empty in lists.
   */
  deployments: Deployment[];
  /**
   * Digests that the sender still has to upload; only in a draft.
   */
  missing_files: string[];
  /**
   * What this caller may do now, each a path segment of the API.
   */
  actions: HandoffAction[];
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "HandoffModel".
 */
export interface HandoffModel {
  name: string;
  version: string;
}
/**
 * The immutable content of a handoff. Its canonical form is RFC 8785; the SHA-256 of that form is its name. What is NOT recorded here: checks, decisions, threads and deployments, which the desk keeps beside the packet, and any credential.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "Packet".
 */
export interface Packet {
  /**
   * The version of this schema.
   */
  schema: 'urn:baton:packet:1';
  model: PacketModel;
  /**
   * Every file that is handed over. Paths are unique, relative, with forward slashes; the model's own files stand under model/.
   *
   * @minItems 1
   * @maxItems 1000
   */
  files: [PacketFile, ...PacketFile[]];
  signature: PacketSignature;
  /**
   * What the model answered in the sender's environment; replayed by the desk and by the receiver.
   *
   * @minItems 1
   * @maxItems 10
   */
  examples:
    | [PacketExample]
    | [PacketExample, PacketExample]
    | [PacketExample, PacketExample, PacketExample]
    | [PacketExample, PacketExample, PacketExample, PacketExample]
    | [PacketExample, PacketExample, PacketExample, PacketExample, PacketExample]
    | [PacketExample, PacketExample, PacketExample, PacketExample, PacketExample, PacketExample]
    | [PacketExample, PacketExample, PacketExample, PacketExample, PacketExample, PacketExample, PacketExample]
    | [
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample
      ]
    | [
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample
      ]
    | [
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample,
        PacketExample
      ];
  environment: PacketEnvironment;
  source: PacketSource;
  lineage: PacketLineage;
  /**
   * The run's last value of each metric. A value that is not finite is left out, because canonical JSON has none.
   */
  metrics: {
    [k: string]: number;
  };
  /**
   * The run's parameters, as MLflow keeps them.
   */
  params: {
    [k: string]: string;
  };
  card: PacketCard;
  /**
   * The digest of the packet that this one replaces, or null.
   */
  supersedes: Digest | null;
  routing: PacketRouting;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketModel".
 */
export interface PacketModel {
  /**
   * The registered model's name.
   */
  name: string;
  /**
   * The model version, a decimal number in MLflow.
   */
  version: string;
  /**
   * The run that logged the model; null when none is known.
   */
  run_id: string | null;
  /**
   * Where MLflow says the version's files are (models:/m-…, runs:/…, mlflow-artifacts:/…).
   */
  uri: string;
  /**
   * MLflow's flavors of the model, such as sklearn, python_function.
   *
   * @minItems 1
   */
  flavors: [string, ...string[]];
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketFile".
 */
export interface PacketFile {
  /**
   * Relative, forward slashes, no empty, dot or dot-dot segment.
   */
  path: string;
  sha256: Digest;
  /**
   * Bytes.
   */
  size: number;
  /**
   * What the file is, by its name: pickle, skops, onnx, safetensors, yaml, json, notebook, text, other.
   */
  format: 'pickle' | 'skops' | 'onnx' | 'safetensors' | 'yaml' | 'json' | 'notebook' | 'text' | 'other';
}
/**
 * What the model takes and returns, read from MLflow's model signature.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketSignature".
 */
export interface PacketSignature {
  inputs: PacketField[];
  outputs: PacketField[];
  params: PacketField[];
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketField".
 */
export interface PacketField {
  /**
   * The column's name; null for an unnamed tensor or column.
   */
  name: string | null;
  /**
   * MLflow's data type, such as double, long, string, or a numpy dtype for a tensor.
   */
  type: string;
  required: boolean;
  /**
   * A tensor's shape, -1 where it may vary; null for a column.
   */
  shape: number[] | null;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketExample".
 */
export interface PacketExample {
  /**
   * The body that MLflow's scoring protocol takes: dataframe_split, dataframe_records, instances or inputs.
   */
  request: {};
  /**
   * What the model answered to the request in the sender's environment: JSON numbers, strings, lists and objects.
   */
  expected: {
    [k: string]: unknown;
  };
  /**
   * Numbers agree when they differ by at most this, relatively or absolutely.
   */
  tolerance: number;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketEnvironment".
 */
export interface PacketEnvironment {
  /**
   * The image that the sender's server was spawned from; null outside containers.
   */
  image: string | null;
  /**
   * The image's digest, sha256:…; null outside containers.
   */
  digest: string | null;
  /**
   * The curated profile's name.
   */
  profile: string | null;
  /**
   * The Python version the model was logged with.
   */
  python: string | null;
  /**
   * Pip requirements, a line each, as MLflow stored them with the model.
   */
  requirements: string[];
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketSource".
 */
export interface PacketSource {
  notebook: PacketNotebook | null;
  git: PacketGit | null;
  /**
   * The id of the cell that started the run.
   */
  cell: string | null;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketNotebook".
 */
export interface PacketNotebook {
  /**
   * Where the notebook was, relative to the sender's home.
   */
  path: string;
  sha256: Digest;
  /**
   * The path in files of the notebook as it was; null when only its digest is known.
   */
  snapshot: string | null;
  /**
   * Whether the code cells' execution counts only rise; null when they were not all run.
   */
  executed_in_order: boolean | null;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketGit".
 */
export interface PacketGit {
  /**
   * The remote's address without credentials.
   */
  remote: string | null;
  commit: string;
  /**
   * Whether tracked files differed from the commit; null when not known.
   */
  dirty: boolean | null;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketLineage".
 */
export interface PacketLineage {
  datasets: PacketDataset[];
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketDataset".
 */
export interface PacketDataset {
  name: string;
  /**
   * MLflow's dataset digest, not a SHA-256.
   */
  digest: string;
  source: string;
}
/**
 * What the sender says of the model, in their words. Empty text means they said nothing.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketCard".
 */
export interface PacketCard {
  summary: string;
  intended_use: string;
  limitations: string;
  license: string;
  contact: string;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "PacketRouting".
 */
export interface PacketRouting {
  /**
   * The Hub group that receives.
   */
  team: string;
  /**
   * What the sender tells the team.
   */
  note: string;
}
/**
 * The way back from a model version or a run to the cell, the files and the data that made it, as far as it was recorded, and whether what was recorded is still what MLflow holds. What is NOT recorded here: the content of files, metrics, parameters, and any credential.
 *
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "Trace".
 */
export interface Trace {
  /**
   * The version of this schema.
   */
  schema: 'urn:baton:trace:1';
  /**
   * The model version that was asked about; null when a run was.
   */
  version: TraceVersion | null;
  /**
   * The run that made it; null when none is recorded, or it is not there any more.
   */
  run: TraceRun | null;
  /**
   * The way back, from the model to the data. Every kind but dataset, diff and script stands here at most once, also when it is missing.
   *
   * @minItems 1
   */
  steps: [TraceStep, ...TraceStep[]];
  /**
   * differs: a digest or a claim does not match. incomplete: nothing differs, and a step is missing. whole: every step is there.
   */
  verdict: 'whole' | 'incomplete' | 'differs';
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "TraceVersion".
 */
export interface TraceVersion {
  /**
   * The registered model's name.
   */
  name: string;
  /**
   * A decimal number in MLflow.
   */
  version: string;
  aliases: string[];
  /**
   * Who registered it, as the Hub said.
   */
  author: string | null;
  created_at: TraceMoment | null;
  /**
   * Where the version was registered from, such as models:/m-….
   */
  uri: string;
  /**
   * Its page in MLflow.
   */
  ui: string;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "TraceRun".
 */
export interface TraceRun {
  id: string;
  name: string;
  experiment_id: string;
  /**
   * Who made it, as the Hub said.
   */
  author: string | null;
  /**
   * MLflow's word: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.
   */
  status: string;
  /**
   * Whether somebody deleted it; MLflow keeps it until it is collected.
   */
  deleted: boolean;
  started_at: TraceMoment | null;
  ended_at: TraceMoment | null;
  /**
   * Its page in MLflow.
   */
  ui: string;
}
/**
 * This interface was referenced by `Contract`'s JSON-Schema
 * via the `definition` "TraceStep".
 */
export interface TraceStep {
  /**
   * version: the registered model's. model: its files. notebook, script: as it was when the run began. diff: what differed from the commit. packages: what was installed.
   */
  kind:
    'version' | 'model' | 'run' | 'cell' | 'notebook' | 'script' | 'commit' | 'diff' | 'image' | 'packages' | 'dataset';
  /**
   * verified: fetched or looked up now, and it is what its digest says. recorded: known, with nothing to check it against. missing: not recorded, or not there any more. differs: not what its digest or its own words say.
   */
  state: 'verified' | 'recorded' | 'missing' | 'differs';
  /**
   * What it is, in a few words: a path, a commit, a name; null when nothing is known.
   */
  value: string | null;
  /**
   * The SHA-256 of a file in hexadecimal, a git commit's id, an image's digest (sha256:…), or MLflow's digest of a dataset.
   */
  digest: string | null;
  /**
   * Where it is: an artifact's address in MLflow, a git remote, a dataset's source; without credentials.
   */
  uri: string | null;
  /**
   * Bytes.
   */
  size: number | null;
  /**
   * A sentence or two for a person: what else is known, or why it is missing or differs. Empty when there is nothing to add.
   */
  note: string;
}
