# Generated from baton_contract/schemas by `make contract`; do not edit.

from __future__ import annotations

from typing import Any, Literal, TypeAlias, TypedDict


class Contract(TypedDict):
    pass


DeploymentStatus: TypeAlias = Literal[
    "queued", "in_progress", "success", "failure", "error", "inactive"
]
"""
GitHub's words.
"""


Digest: TypeAlias = str
"""
A SHA-256 in lower-case hexadecimal.
"""


class ErrorBody(TypedDict):
    code: str
    """
    Stable, lower case with underscores; programs decide by it.
    """
    message: str
    """
    One sentence or two for a person: what happened and what to do.
    """
    details: dict[str, Any]
    """
    Facts that go with the code.
    """
    request_id: str
    """
    What to look for in the logs.
    """


class ErrorEnvelope(TypedDict):
    """
    The one shape of every error that a Baton API answers with.
    """

    error: ErrorBody


class EventData(TypedDict):
    handoff: str | None
    """
    The handoff's id; null in a channel's test.
    """
    state: str | None
    """
    The state after the event.
    """
    team: str
    sender: str | None
    model: str | None
    version: str | None
    packet_digest: str | None
    actor: str
    """
    Who did it: a Hub user, pipeline:NAME, or desk.
    """
    text: str | None
    """
    The comment, the note, the reason or the failed check's sentence.
    """
    environment: str | None
    """
    The deployment's environment.
    """
    status: str | None
    """
    The deployment's status.
    """


EventType: TypeAlias = Literal[
    "baton.handoff.checking",
    "baton.handoff.check_failed",
    "baton.handoff.offered",
    "baton.handoff.changes_requested",
    "baton.handoff.accepted",
    "baton.handoff.declined",
    "baton.handoff.withdrawn",
    "baton.handoff.expired",
    "baton.handoff.superseded",
    "baton.handoff.revoked",
    "baton.handoff.commented",
    "baton.handoff.deployment_reported",
    "baton.channel.test",
]


HandoffAction: TypeAlias = Literal[
    "submit",
    "withdraw",
    "reoffer",
    "accept",
    "request_changes",
    "decline",
    "revoke",
    "comment",
    "report",
]


HandoffId: TypeAlias = str
"""
A UUIDv7 as 32 hexadecimal digits.
"""


class HandoffModel(TypedDict):
    name: str
    version: str


HandoffState: TypeAlias = Literal[
    "draft",
    "checking",
    "offered",
    "changes_requested",
    "accepted",
    "declined",
    "withdrawn",
    "expired",
    "superseded",
    "revoked",
]


class PacketCard(TypedDict):
    """
    What the sender says of the model, in their words. Empty text means they said nothing.
    """

    summary: str
    intended_use: str
    limitations: str
    license: str
    contact: str


class PacketDataset(TypedDict):
    name: str
    digest: str
    """
    MLflow's dataset digest, not a SHA-256.
    """
    source: str


class PacketEnvironment(TypedDict):
    image: str | None
    """
    The image that the sender's server was spawned from; null outside containers.
    """
    digest: str | None
    """
    The image's digest, sha256:…; null outside containers.
    """
    profile: str | None
    """
    The curated profile's name.
    """
    python: str | None
    """
    The Python version the model was logged with.
    """
    requirements: list[str]
    """
    Pip requirements, a line each, as MLflow stored them with the model.
    """


class PacketExample(TypedDict):
    request: dict[str, Any]
    """
    The body that MLflow's scoring protocol takes: dataframe_split, dataframe_records, instances or inputs.
    """
    expected: Any
    """
    What the model answered to the request in the sender's environment: JSON numbers, strings, lists and objects.
    """
    tolerance: float
    """
    Numbers agree when they differ by at most this, relatively or absolutely.
    """


class PacketField(TypedDict):
    name: str | None
    """
    The column's name; null for an unnamed tensor or column.
    """
    type: str
    """
    MLflow's data type, such as double, long, string, or a numpy dtype for a tensor.
    """
    required: bool
    shape: list[int] | None
    """
    A tensor's shape, -1 where it may vary; null for a column.
    """


class PacketFile(TypedDict):
    path: str
    """
    Relative, forward slashes, no empty, dot or dot-dot segment.
    """
    sha256: Digest
    size: int
    """
    Bytes.
    """
    format: Literal[
        "pickle",
        "skops",
        "onnx",
        "safetensors",
        "yaml",
        "json",
        "notebook",
        "text",
        "other",
    ]
    """
    What the file is, by its name: pickle, skops, onnx, safetensors, yaml, json, notebook, text, other.
    """


class PacketGit(TypedDict):
    remote: str | None
    """
    The remote's address without credentials.
    """
    commit: str
    dirty: bool | None
    """
    Whether tracked files differed from the commit; null when not known.
    """


class PacketLineage(TypedDict):
    datasets: list[PacketDataset]


Flavor: TypeAlias = str


class PacketModel(TypedDict):
    name: str
    """
    The registered model's name.
    """
    version: str
    """
    The model version, a decimal number in MLflow.
    """
    run_id: str | None
    """
    The run that logged the model; null when none is known.
    """
    uri: str
    """
    Where MLflow says the version's files are (models:/m-…, runs:/…, mlflow-artifacts:/…).
    """
    flavors: list[Flavor]
    """
    MLflow's flavors of the model, such as sklearn, python_function.
    """


class PacketNotebook(TypedDict):
    path: str
    """
    Where the notebook was, relative to the sender's home.
    """
    sha256: Digest
    snapshot: str | None
    """
    The path in files of the notebook as it was; null when only its digest is known.
    """
    executed_in_order: bool | None
    """
    Whether the code cells' execution counts only rise; null when they were not all run.
    """


class PacketRouting(TypedDict):
    team: str
    """
    The Hub group that receives.
    """
    note: str
    """
    What the sender tells the team.
    """


class PacketSignature(TypedDict):
    """
    What the model takes and returns, read from MLflow's model signature.
    """

    inputs: list[PacketField]
    outputs: list[PacketField]
    params: list[PacketField]


class PacketSource(TypedDict):
    notebook: PacketNotebook | None
    git: PacketGit | None
    cell: str | None
    """
    The id of the cell that started the run.
    """


Timestamp: TypeAlias = str
"""
RFC 3339, UTC, milliseconds, ending in Z.
"""


TraceMoment: TypeAlias = str
"""
RFC 3339, UTC, milliseconds, ending in Z.
"""


class TraceRun(TypedDict):
    id: str
    name: str
    experiment_id: str
    author: str | None
    """
    Who made it, as the Hub said.
    """
    status: str
    """
    MLflow's word: RUNNING, SCHEDULED, FINISHED, FAILED or KILLED.
    """
    deleted: bool
    """
    Whether somebody deleted it; MLflow keeps it until it is collected.
    """
    started_at: TraceMoment | None
    ended_at: TraceMoment | None
    ui: str
    """
    Its page in MLflow.
    """


class TraceStep(TypedDict):
    kind: Literal[
        "version",
        "model",
        "run",
        "cell",
        "notebook",
        "script",
        "commit",
        "diff",
        "image",
        "packages",
        "dataset",
    ]
    """
    version: the registered model's. model: its files. notebook, script: as it was when the run began. diff: what differed from the commit. packages: what was installed.
    """
    state: Literal["verified", "recorded", "missing", "differs"]
    """
    verified: fetched or looked up now, and it is what its digest says. recorded: known, with nothing to check it against. missing: not recorded, or not there any more. differs: not what its digest or its own words say.
    """
    value: str | None
    """
    What it is, in a few words: a path, a commit, a name; null when nothing is known.
    """
    digest: str | None
    """
    The SHA-256 of a file in hexadecimal, a git commit's id, an image's digest (sha256:…), or MLflow's digest of a dataset.
    """
    uri: str | None
    """
    Where it is: an artifact's address in MLflow, a git remote, a dataset's source; without credentials.
    """
    size: int | None
    """
    Bytes.
    """
    note: str
    """
    A sentence or two for a person: what else is known, or why it is missing or differs. Empty when there is nothing to add.
    """


class TraceVersion(TypedDict):
    name: str
    """
    The registered model's name.
    """
    version: str
    """
    A decimal number in MLflow.
    """
    aliases: list[str]
    author: str | None
    """
    Who registered it, as the Hub said.
    """
    created_at: TraceMoment | None
    uri: str
    """
    Where the version was registered from, such as models:/m-….
    """
    ui: str
    """
    Its page in MLflow.
    """


class Check(TypedDict):
    tool: str
    """
    What looked, such as digests, format, predict.
    """
    version: str
    verdict: Literal["passed", "failed", "error"]
    """
    failed: the packet is at fault. error: the check could not be made; try again.
    """
    details: str
    """
    One or a few sentences for a person: what was found and what to do.
    """
    finished_at: Timestamp


class Comment(TypedDict):
    id: str
    author: str
    body: str
    created_at: Timestamp


class Deployment(TypedDict):
    id: str
    environment: str
    status: DeploymentStatus
    description: str
    url: str | None
    """
    Where the deployment is, http or https.
    """
    reported_by: str
    """
    A person's name, or pipeline:NAME for a team's token.
    """
    created_at: Timestamp


class Event(TypedDict):
    """
    Something that happened to a handoff: a CloudEvent 1.0 in structured JSON. The same body goes into the desk's event stream and to webhooks. What is NOT recorded: the packet's content, files, addresses and credentials; fetch the handoff by its id.
    """

    specversion: Literal["1.0"]
    id: str
    """
    Unique per source; in a webhook, the delivery's id, constant over retries and replays.
    """
    source: str
    """
    The desk's path, such as /services/desk.
    """
    type: EventType
    subject: str
    """
    The handoff's id.
    """
    time: str
    datacontenttype: Literal["application/json"]
    dataschema: Literal["urn:baton:event:1"]
    data: EventData


class Handoff(TypedDict):
    """
    The record that carries a packet through its states, as the desk's API shows it to one caller.
    """

    id: HandoffId
    state: HandoffState
    team: str
    sender: str
    note: str
    packet_digest: str
    model: HandoffModel
    created_at: Timestamp
    updated_at: Timestamp
    offered_at: Timestamp | None
    expires_at: Timestamp | None
    """
    When an offer that nobody decides ends.
    """
    decided_at: Timestamp | None
    decided_by: str | None
    reason: str | None
    """
    What was said with the last transition.
    """
    supersedes: HandoffId | None
    """
    The handoff that this one replaced.
    """
    comment_count: int
    latest_deployment: Deployment | None
    checks: list[Check]
    """
    Oldest first. Empty in lists.
    """
    thread: list[Comment]
    """
    Oldest first. Empty in lists.
    """
    deployments: list[Deployment]
    """
    Newest first. Empty in lists.
    """
    missing_files: list[str]
    """
    Digests that the sender still has to upload; only in a draft.
    """
    actions: list[HandoffAction]
    """
    What this caller may do now, each a path segment of the API.
    """


class Packet(TypedDict):
    """
    The immutable content of a handoff. Its canonical form is RFC 8785; the SHA-256 of that form is its name. What is NOT recorded here: checks, decisions, threads and deployments, which the desk keeps beside the packet, and any credential.
    """

    schema: Literal["urn:baton:packet:1"]
    """
    The version of this schema.
    """
    model: PacketModel
    files: list[PacketFile]
    """
    Every file that is handed over. Paths are unique, relative, with forward slashes; the model's own files stand under model/.
    """
    signature: PacketSignature
    examples: list[PacketExample]
    """
    What the model answered in the sender's environment; replayed by the desk and by the receiver.
    """
    environment: PacketEnvironment
    source: PacketSource
    lineage: PacketLineage
    metrics: dict[str, float]
    """
    The run's last value of each metric. A value that is not finite is left out, because canonical JSON has none.
    """
    params: dict[str, str]
    """
    The run's parameters, as MLflow keeps them.
    """
    card: PacketCard
    supersedes: Digest | None
    """
    The digest of the packet that this one replaces, or null.
    """
    routing: PacketRouting


class Trace(TypedDict):
    """
    The way back from a model version or a run to the cell, the files and the data that made it, as far as it was recorded, and whether what was recorded is still what MLflow holds. What is NOT recorded here: the content of files, metrics, parameters, and any credential.
    """

    schema: Literal["urn:baton:trace:1"]
    """
    The version of this schema.
    """
    version: TraceVersion | None
    """
    The model version that was asked about; null when a run was.
    """
    run: TraceRun | None
    """
    The run that made it; null when none is recorded, or it is not there any more.
    """
    steps: list[TraceStep]
    """
    The way back, from the model to the data. Every kind but dataset, diff and script stands here at most once, also when it is missing.
    """
    verdict: Literal["whole", "incomplete", "differs"]
    """
    differs: a digest or a claim does not match. incomplete: nothing differs, and a step is missing. whole: every step is there.
    """
