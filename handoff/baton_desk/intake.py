"""Whether a packet can be taken in, before anything of it is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from baton_contract import BadRequestError, TooLargeError, canonical_json, validate
from baton_contract.digest import PACKET_BYTES
from baton_contract.size import render_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baton_contract.types import Packet


def parse_packet(value: Any, *, teams: Sequence[str], max_bytes: int) -> Packet:
    """Return ``value`` as a packet.

    Raises `BadRequestError` (``schema``, ``duplicate_path``, ``file_size_conflict``,
    ``no_model``, ``unknown_snapshot``, ``unknown_team``) or `TooLargeError`
    (``packet_too_large``).
    """
    validate("packet.v1", value)
    packet = cast("Packet", value)
    _check_texts(packet)
    _check_files(packet)
    _check_size(packet, max_bytes)
    team = packet["routing"]["team"]
    if team not in teams:
        known = ", ".join(teams) or "none yet"
        raise BadRequestError(
            "unknown_team",
            f"There is no team {team!r}. Teams are: {known}. Choose one, or ask operations to add "
            "it.",
            team=team,
            teams=list(teams),
        )
    return packet


def render_packet(packet: Packet) -> bytes:
    """Return the packet's canonical form; takes seconds where its examples are large.

    Raises `BadRequestError` ``not_canonical`` or `TooLargeError` ``packet_too_large``.
    """
    body = canonical_json(packet)
    if len(body) > PACKET_BYTES:
        raise TooLargeError(
            "packet_too_large",
            f"The packet without its files has {len(body):,} bytes, and the desk takes up to "
            f"{PACKET_BYTES:,}. Nothing was sent. Hand over a smaller example.",
            size=len(body),
            limit=PACKET_BYTES,
        )
    return body


def _check_texts(packet: Packet) -> None:
    # What the desk keeps in columns; PostgreSQL has no NUL in texts.
    for path, text in (
        ("model.name", packet["model"]["name"]),
        ("model.version", packet["model"]["version"]),
        ("routing.note", packet["routing"]["note"]),
    ):
        if "\x00" in text:
            raise BadRequestError(
                "schema", f"{path} holds a character that can't be kept.", path=path
            )


def _check_files(packet: Packet) -> None:
    sizes: dict[str, int] = {}
    paths: set[str] = set()
    for file in packet["files"]:
        # Case and folders count too: what is pulled has to fit on any file system.
        folded = file["path"].casefold()
        if folded in paths:
            raise BadRequestError(
                "duplicate_path",
                f"Two files of the packet are called {file['path']!r}.",
                path=file["path"],
            )
        paths.add(folded)
        if sizes.setdefault(file["sha256"], file["size"]) != file["size"]:
            raise BadRequestError(
                "file_size_conflict",
                f"The size of {file['path']!r} differs from its twin's.",
                path=file["path"],
            )
    if not any(file["path"].startswith("model/") for file in packet["files"]):
        raise BadRequestError("no_model", "The packet has no file under model/; hand over a model.")
    inside = next((p for p in sorted(paths) for q in _parents(p) if q in paths), None)
    if inside:
        raise BadRequestError(
            "duplicate_path", f"{inside!r} lies inside another file.", path=inside
        )
    notebook = packet["source"]["notebook"]
    snapshot = notebook["snapshot"] if notebook else None
    if (
        notebook
        and snapshot is not None
        and (snapshot, notebook["sha256"])
        not in {(file["path"], file["sha256"]) for file in packet["files"]}
    ):
        raise BadRequestError(
            "unknown_snapshot",
            f"The notebook's snapshot {snapshot!r} is not among the packet's files.",
        )


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _check_size(packet: Packet, limit: int) -> None:
    # The same content at two paths is stored once, and handed over twice.
    size = sum(file["size"] for file in packet["files"])
    if size > limit:
        raise TooLargeError(
            "packet_too_large",
            f"The packet's files are {render_size(size)}, and the desk takes up to "
            f"{render_size(limit)}. Nothing was sent. Leave out files that the model does not "
            "need, or ask operations to raise the limit.",
            size=size,
            limit=limit,
        )
