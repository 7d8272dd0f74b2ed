"""The packet: everything that a team needs of a model version, gathered into one folder."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from baton_client.prediction import await_answers
from baton_contract.digest import PACKET_BYTES, canonical_json, sha256_file
from baton_contract.errors import BadRequestError, TooLargeError
from baton_contract.schema import validate
from baton_contract.size import render_size
from baton_contract.types import (
    Packet,
    PacketCard,
    PacketEnvironment,
    PacketExample,
    PacketFile,
)
from baton_lab.artifacts import parse_path
from baton_lab.mlmodel import MLmodel, parse_mlmodel
from baton_lab.origin import ReadFile, datasets_of, trace
from baton_lab.runs import metrics_of, params_of
from baton_lab.tracking import Tracking

TOLERANCE = 1e-6
MOST_FILES = 999
Format = Literal[
    "pickle", "skops", "onnx", "safetensors", "yaml", "json", "notebook", "text", "other"
]
FORMATS: dict[str, Format] = {
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".cloudpickle", ".pt", ".pth"), "pickle"),
    ".skops": "skops",
    ".onnx": "onnx",
    ".safetensors": "safetensors",
    **dict.fromkeys((".yaml", ".yml"), "yaml"),
    ".json": "json",
    ".ipynb": "notebook",
    **dict.fromkeys((".txt", ".md", ".py", ".toml", ".cfg", ".csv"), "text"),
}
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
Told = Callable[[str, float | None], None]
"""Takes a sentence on what is being done and how far it is, 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the sender asked for: which version goes to which team, with which words."""

    model: str
    version: str
    team: str
    note: str = ""
    card: dict[str, str] = field(default_factory=dict)
    supersedes: str | None = None


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes that a packet may have, and seconds that its example may take."""

    max_bytes: int
    replay_timeout: float


async def gather(
    tracking: Tracking,
    request: Request,
    folder: Path,
    *,
    read_file: ReadFile,
    limits: Limits,
    told: Told,
) -> Packet:
    """Return the packet of a model version; its files stand below ``folder``.

    Gathering the same version twice gives the same packet, byte by byte, as long as
    nothing it describes has changed. Raises a `PublicError` that says what is missing:
    ``not_found``, ``not_a_model``, ``no_example``, ``packet_too_large`` and what the
    model itself raises.
    """
    told("Looking the model version up.", None)
    version = await tracking.model_version(request.model, request.version)
    run_id = version.get("run_id") or None
    run = await tracking.run(run_id) if run_id else None
    await _download(tracking, request, folder / "model", limits, told)
    mlmodel = _load_mlmodel(folder / "model")
    origin = await trace(tracking, run, read_file)
    if origin.notebook:
        path, text = origin.notebook
        _write(folder / path, text)
    told("Letting the model answer its own example.", 0.55)
    examples = await _examples(folder / "model", mlmodel, limits)
    files = await asyncio.to_thread(_files, folder)
    packet: Packet = {
        "schema": "urn:baton:packet:1",
        "model": {
            "name": request.model,
            "version": request.version,
            "run_id": run_id,
            "uri": str(version.get("source") or f"models:/{request.model}/{request.version}"),
            "flavors": mlmodel.flavors,
        },
        "files": files,
        "signature": mlmodel.signature,
        "examples": examples,
        "environment": _environment(folder / "model", mlmodel),
        "source": origin.source,
        "lineage": {"datasets": datasets_of(run)},
        "metrics": {key: n for key, n in metrics_of(run or {}).items() if n is not None},
        "params": params_of(run or {}),
        "card": _card(request.card),
        "supersedes": request.supersedes,
        "routing": {"team": request.team, "note": request.note},
    }
    validate("packet.v1", packet)
    await asyncio.to_thread(_check_length, packet)
    return packet


async def _download(
    tracking: Tracking, request: Request, folder: Path, limits: Limits, told: Told
) -> None:
    uri = await tracking.version_files(request.model, request.version)
    files = await tracking.files(uri)
    sizes = [int(entry.get("file_size", 0)) for entry in files]
    _check_size(len(files), sum(sizes), limits.max_bytes)
    done = 0
    for entry, size in zip(files, sizes, strict=True):
        share = done / max(sum(sizes), 1)
        told(f"Fetching {entry['path']} from MLflow.", 0.05 + 0.45 * share)
        await tracking.download(uri, entry["path"], folder / entry["path"])
        done += size


def _check_size(count: int, size: int, limit: int) -> None:
    if count == 0:
        raise BadRequestError(
            "not_a_model", "This version has no files any more. Register the model again."
        )
    if size > limit or count > MOST_FILES:
        raise TooLargeError(
            "packet_too_large",
            f"The model has {count} files and {render_size(size)}; a packet may have "
            f"{MOST_FILES} and {render_size(limit)}. Log a smaller model, or ask "
            "operations for a higher limit.",
            size=size,
            limit=limit,
        )


def _check_length(packet: Packet) -> None:
    size = len(canonical_json(packet))
    if size > PACKET_BYTES:
        raise TooLargeError(
            "packet_too_large",
            f"The model's example and what it answers make a packet of {size:,} bytes beside the "
            f"files; it may have {PACKET_BYTES:,}. Nothing was sent. Log the model again with "
            "fewer rows, such as log_model(…, input_example=X.head(3)), register that version and "
            "hand it over.",
            size=size,
            limit=PACKET_BYTES,
        )


def _load_mlmodel(folder: Path) -> MLmodel:
    try:
        text = (folder / "MLmodel").read_bytes()
    except OSError as error:
        raise BadRequestError(
            "not_a_model", "This version's files hold no MLmodel file, so it is not a model."
        ) from error
    return parse_mlmodel(text)


async def _examples(folder: Path, mlmodel: MLmodel, limits: Limits) -> list[PacketExample]:
    request = load_request(folder, mlmodel.example)
    [expected] = await await_answers(folder, [request], timeout=limits.replay_timeout)
    example: PacketExample = {"request": request, "expected": expected, "tolerance": TOLERANCE}
    try:
        canonical_json(example)
    except BadRequestError as error:
        raise BadRequestError(
            "bad_example",
            "The model's example or its answer holds NaN, infinity or an integer beyond 2^53, "
            "which can't be handed over exactly. Log the model with another input_example.",
        ) from error
    return [example]


def load_request(folder: Path, info: dict[str, Any]) -> dict[str, Any]:
    """Return the model's saved example as a request of MLflow's scoring protocol.

    ``info`` is the MLmodel file's own description of it. Raises `BadRequestError` with
    code ``no_example``, saying how to log one, and ``unsafe_path``.
    """
    serving = _load_json(folder / "serving_input_example.json")
    if isinstance(serving, dict) and serving:
        return serving
    # MLflow before 2.16 saved the example in its own form only.
    # Whoever logged the model wrote where: it must not be another file of this machine.
    saved = _load_json(folder / parse_path(str(info.get("artifact_path", "input_example.json"))))
    if isinstance(saved, dict) and info.get("type") == "dataframe":
        return {"dataframe_split": saved}
    if isinstance(saved, dict) and saved.keys() & {"inputs", "instances"}:
        return saved
    raise BadRequestError(
        "no_example",
        "The model was logged without an example, so nobody could check what it answers. "
        "Log it again with one, such as log_model(…, input_example=X.head(3)), register that "
        "version and hand it over.",
    )


def _load_json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def _files(folder: Path) -> list[PacketFile]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        {
            "path": path.relative_to(folder).as_posix(),
            "sha256": sha256_file(path),
            "size": path.stat().st_size,
            "format": format_of(path.name),
        }
        for path in paths
    ]


def format_of(name: str) -> Format:
    """Return what a file is, by its name."""
    return "yaml" if name == "MLmodel" else FORMATS.get(Path(name).suffix.lower(), "other")


def _environment(folder: Path, mlmodel: MLmodel) -> PacketEnvironment:
    digest = os.environ.get("BATON_IMAGE_DIGEST", "")
    return {
        "image": os.environ.get("BATON_IMAGE") or None,
        "digest": digest if DIGEST.fullmatch(digest) else None,
        "profile": os.environ.get("BATON_PROFILE") or None,
        "python": _load_python(folder) or mlmodel.python,
        "requirements": _load_requirements(folder),
    }


def _load_python(folder: Path) -> str | None:
    try:
        value = yaml.safe_load((folder / "python_env.yaml").read_bytes())
    except (OSError, yaml.YAMLError):
        return None
    python = value.get("python") if isinstance(value, dict) else None
    return str(python) if python else None


def _load_requirements(folder: Path) -> list[str]:
    try:
        lines = (folder / "requirements.txt").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return []
    stripped = (line.strip() for line in lines)
    return [line for line in stripped if line and not line.startswith("#")]


def _card(said: dict[str, str]) -> PacketCard:
    return {
        "summary": said.get("summary", ""),
        "intended_use": said.get("intended_use", ""),
        "limitations": said.get("limitations", ""),
        "license": said.get("license", ""),
        "contact": said.get("contact", ""),
    }


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def uploads(packet: Packet, folder: Path) -> dict[str, tuple[Path, int]]:
    """Return where each of the packet's files stands, and its size, by digest."""
    return {entry["sha256"]: (folder / entry["path"], entry["size"]) for entry in packet["files"]}
