"""Whether the files are what the packet says: their digests, and their formats."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from baton_contract import sha256_file
from baton_desk.checks.version import baton_version
from baton_desk.records import Finding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from baton_contract.types import Packet, PacketFile
    from baton_desk.records import Verdict

_NO_CODE = {"skops", "onnx", "safetensors", "json", "yaml", "notebook", "text"}


def check_digests(packet: Packet, path: Callable[[str], Path]) -> Finding:
    """Hash every file again, as it lies on the desk's disk."""
    for file in packet["files"]:
        if is_spoilt(file["sha256"], path):
            return _finding(
                "digests",
                "failed",
                f"{file['path']} is not on the desk's disk as it was uploaded. Nothing was sent. "
                "Upload it again and submit; tell operations if it happens again.",
            )
    count = len(packet["files"])
    return _finding("digests", "passed", f"All {count} files have the SHA-256 in the packet.")


def is_spoilt(sha256: str, path: Callable[[str], Path]) -> bool:
    """Return whether a stored file is gone or no longer what its name says."""
    stored = path(sha256)
    return not stored.is_file() or sha256_file(stored) != sha256


def check_formats(packet: Packet, path: Callable[[str], Path]) -> Finding:
    """Say what kinds of file there are; refuse a pickle that calls itself something harmless."""
    pickles = []
    for file in packet["files"]:
        pickled = file["format"] == "pickle" or _is_pickle(path(file["sha256"]))
        if pickled and file["format"] in _NO_CODE:
            return _finding(
                "format",
                "failed",
                f"{file['path']} says that it is {file['format']}, and is a pickle. Nothing was "
                "sent. Save the model again in the format that its name says.",
            )
        if pickled:
            pickles.append(file["path"])
    return _finding("format", "passed", _summary(packet["files"], pickles))


def _summary(files: list[PacketFile], pickles: list[str]) -> str:
    counts = Counter(file["format"] for file in files)
    kinds = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    if not pickles:
        return f"Files by format: {kinds}. No pickle was seen."
    names = ", ".join(pickles[:3]) + (" and more" if len(pickles) > 3 else "")
    return (
        f"Files by format: {kinds}. {names}: a pickle, which runs its sender's code when it is "
        "loaded. Load it only where that may happen, or ask for skops, ONNX or safetensors."
    )


def _is_pickle(path: Path) -> bool:
    # Protocols 2 and later begin with PROTO and their number; older ones have no mark.
    with path.open("rb") as stream:
        start = stream.read(2)
    return len(start) == 2 and start[0] == 0x80 and 2 <= start[1] <= 5


def _finding(tool: str, verdict: Verdict, details: str) -> Finding:
    return Finding(tool, baton_version(), verdict, details)
