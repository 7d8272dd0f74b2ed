"""A handed-over packet on disk: fetched whole and verified, or not at all."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from baton_client.desk import DeskClient
from baton_contract.digest import packet_digest, sha256_file
from baton_contract.errors import BadRequestError, ConflictError
from baton_contract.schema import validate
from baton_contract.types import Handoff, Packet, PacketFile

PACKET = "packet.json"
RECORD = "handoff.json"
STAGE = ".arriving"
PARALLEL = 4


@dataclass(frozen=True, kw_only=True)
class Pulled:
    """What stands in the folder now: the packet, its digest, and how many files were fetched."""

    packet: Packet
    digest: str
    fetched: int


def pull(desk: DeskClient, handoff_id: str, to: Path) -> Pulled:
    """Fetch a handoff's packet and files into the folder ``to``.

    ``to`` must not exist, be empty, or hold the same packet; then only what is
    missing or damaged is fetched. Every digest is verified, and the folder appears
    in one step when all is there: an interrupted pull leaves a hidden folder beside
    it, from which the next one continues. Raises a `PublicError` otherwise.
    """
    record = desk.handoff(handoff_id)
    text = desk.packet(handoff_id)
    packet = parse_packet(text, digest=record["packet_digest"])
    digest = record["packet_digest"]
    place = _place(to, digest)
    if place != to:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
    fetched = _fetch(desk, handoff_id, packet, place)
    _write(place / PACKET, text)
    _write(place / RECORD, _render_record(record))
    if place != to:
        _reveal(place, to)
    return Pulled(packet=packet, digest=digest, fetched=fetched)


def load_packet(folder: Path) -> Packet:
    """Return the packet in a folder that `pull` made, after verifying every digest again.

    Raises `BadRequestError` with code ``not_a_packet``, ``packet_digest_mismatch`` or
    ``file_digest_mismatch``, naming the file.
    """
    try:
        text = (folder / PACKET).read_bytes()
        record: Any = json.loads((folder / RECORD).read_bytes())
        digest = str(record["packet_digest"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadRequestError(
            "not_a_packet", f"{folder} holds no packet. Fetch one with `baton pull`."
        ) from error
    packet = parse_packet(text, digest=digest)
    for entry in packet["files"]:
        if not verifies(folder / entry["path"], entry):
            raise BadRequestError(
                "file_digest_mismatch",
                f"{entry['path']} is missing or was changed after it was pulled. "
                "Run the same `baton pull` again to restore it.",
                path=entry["path"],
            )
    return packet


def parse_packet(text: bytes, *, digest: str) -> Packet:
    """Return the packet that ``text`` holds, known to be the one called ``digest``.

    Raises `BadRequestError` for another digest, a form that is not the contract's,
    and paths that could leave the folder or stand for two files at once.
    """
    try:
        packet: Packet = json.loads(text)
    except ValueError as error:
        raise BadRequestError("not_a_packet", "The packet is not JSON.") from error
    if packet_digest(packet) != digest:
        raise BadRequestError(
            "packet_digest_mismatch",
            f"The packet is not the one that the handoff names ({digest[:12]}…). "
            "Do not use it; pull it again, and tell whoever runs the desk if that does not help.",
        )
    validate("packet.v1", packet)
    _check_paths([entry["path"] for entry in packet["files"]])
    return packet


def verifies(path: Path, entry: PacketFile) -> bool:
    """Return whether the file is there with the size and SHA-256 that its entry names."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size != entry["size"]:
        return False
    return sha256_file(path) == entry["sha256"]


def _check_paths(paths: list[str]) -> None:
    # Folded, because some file systems hold "Model" and "model" to be one.
    files = {path.casefold() for path in paths}
    folders = {str(parent) for path in files for parent in PurePosixPath(path).parents}
    own = {PACKET, RECORD, STAGE}
    for path in paths:
        odd = ":" in path or any(ord(c) < 32 for c in path) or path.endswith((" ", "."))
        if odd or ".." in PurePosixPath(path).parts or path.startswith("/"):
            raise _unsafe(path)
        if path.casefold() in folders or path.casefold().partition("/")[0] in own:
            raise _unsafe(path)
    if len(files) != len(paths):
        raise BadRequestError("unsafe_path", "Two files of the packet have the same path.")


def _unsafe(path: str) -> BadRequestError:
    return BadRequestError(
        "unsafe_path",
        f"The packet has a file called {path!r}, which could overwrite something else. "
        "Nothing was written.",
        path=path,
    )


def _place(to: Path, digest: str) -> Path:
    """Return where to write: ``to`` itself when it holds this packet, else a hidden neighbour."""
    if to.is_dir() and any(to.iterdir()):
        if _held(to) != digest:
            raise ConflictError(
                "folder_not_empty",
                f"{to} already holds something else. Choose an empty or a new folder.",
            )
        return to
    if to.exists() and not to.is_dir():
        raise ConflictError("folder_not_empty", f"{to} is a file. Choose a new folder.")
    hidden = to.absolute().parent / f".{to.absolute().name}.{digest[:16]}.partial"
    if hidden.is_symlink():
        raise ConflictError("folder_not_empty", f"Remove {hidden}; it is not a folder of ours.")
    return hidden


def _held(folder: Path) -> str | None:
    try:
        return packet_digest(json.loads((folder / PACKET).read_bytes()))
    except (OSError, ValueError, BadRequestError):
        return None


def _fetch(desk: DeskClient, handoff_id: str, packet: Packet, place: Path) -> int:
    wanted = [entry for entry in packet["files"] if not verifies(place / entry["path"], entry)]
    stage = place / STAGE
    shutil.rmtree(stage, ignore_errors=True)
    stage.mkdir()

    def fetch(number: int, entry: PacketFile) -> None:
        arriving = stage / str(number)
        desk.download(handoff_id, arriving, sha256=entry["sha256"], size=entry["size"])
        _settle(arriving, place, entry["path"])

    with ThreadPoolExecutor(PARALLEL) as pool:
        # Listing the results raises the first failure.
        list(pool.map(fetch, range(len(wanted)), wanted))
    shutil.rmtree(stage)
    return len(wanted)


def _settle(arriving: Path, place: Path, name: str) -> None:
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    # The folder may have been there before us and hold a link that leads out of it.
    if not path.parent.resolve().is_relative_to(place.resolve()):
        raise _unsafe(name)
    arriving.replace(path)


def _render_record(record: Handoff) -> bytes:
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()


def _write(path: Path, text: bytes) -> None:
    arriving = path.with_name(f".{path.name}.arriving")
    arriving.write_bytes(text)
    arriving.replace(path)


def _reveal(place: Path, to: Path) -> None:
    if to.is_dir():
        to.rmdir()
    place.rename(to)
