"""What a journal holds: one entry a call, in a line that shows whether it was written whole."""

from __future__ import annotations

import json
import zlib
from typing import Any, Literal, TypedDict


class Run(TypedDict):
    """A run to be made, if none has its key."""

    kind: Literal["run"]
    experiment: str
    name: str
    user: str
    start_time: int
    tags: dict[str, str]


class Experiment(TypedDict):
    """An experiment that was named while MLflow was away; made if MLflow has none of the name."""

    kind: Literal["experiment"]
    name: str
    body: dict[str, Any]


class Model(TypedDict):
    """A logged model to be made: the body of MLflow's call, and when (``created``)."""

    kind: Literal["model"]
    body: dict[str, Any]


class Metrics(TypedDict):
    """Values of metrics as MLflow's REST API takes them, numbers that JSON lacks as text."""

    kind: Literal["metrics"]
    metrics: list[dict[str, Any]]


class Params(TypedDict):
    """Parameters of a run."""

    kind: Literal["params"]
    params: dict[str, str]


class Tags(TypedDict):
    """Tags of a run."""

    kind: Literal["tags"]
    tags: dict[str, str]


class Call(TypedDict):
    """A call of MLflow's REST API as it stands, such as PATCH /api/2.0/mlflow/…

    Local ids in it become MLflow's own when it is sent.
    """

    kind: Literal["call"]
    path: str
    method: str
    body: dict[str, Any]


class Artifact(TypedDict):
    """A file of the artifacts of the run, or logged model, whose journal this is.

    Its content is kept by its SHA-256. One that is there is replaced.
    """

    kind: Literal["artifact"]
    path: str
    sha256: str


class File(TypedDict):
    """A file at an address of its own (mlflow-artifacts:/…); one that is there stays as it is."""

    kind: Literal["file"]
    uri: str
    sha256: str


class Since(TypedDict):
    """When a journal was begun: its first line. ISO 8601, UTC."""

    kind: Literal["since"]
    at: str


Entry = Experiment | Run | Model | Metrics | Params | Tags | Call | Artifact | File | Since


def render_line(entry: Entry) -> bytes:
    """Return the line of a journal that holds the entry: a checksum, a space, JSON."""
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    # What UTF-8 can't say (a lone surrogate) must not keep a run from being kept.
    body = text.encode("utf-8", "backslashreplace")
    return b"%08x %s\n" % (zlib.crc32(body), body)


def parse_line(line: bytes) -> Entry | None:
    """Return the entry of a whole line; None where the line was torn by a crash."""
    checksum, _, body = line.rstrip(b"\n").partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(body):
            return None
        entry: Entry = json.loads(body)
    except ValueError:
        return None
    return entry
