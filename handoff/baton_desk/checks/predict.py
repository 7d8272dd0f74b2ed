"""Whether the model loads and gives its own examples' answers, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baton_contract.example import difference
from baton_desk.checks.place import Ended, Isolation, run_apart
from baton_desk.checks.version import baton_version
from baton_desk.records import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    from baton_contract.types import Packet

_MODEL = "model/"


@dataclass(frozen=True)
class Predict:
    """The check; ``python`` has the models' libraries and `baton_contract`."""

    python: str
    isolation: Isolation
    timeout: float

    async def check(self, packet: Packet, path: Callable[[str], Path]) -> Finding:
        """Replay the packet's examples on a copy of its model."""
        with tempfile.TemporaryDirectory(prefix="baton-check-") as name:
            folder = Path(name)
            await asyncio.to_thread(_lay_out, packet, path, folder / "model")
            requests = [example["request"] for example in packet["examples"]]
            ended = await run_apart(
                [self.python, "-I", "-B", "-m", "baton_contract.replay", str(folder / "model")],
                isolation=self.isolation,
                folder=folder,
                given=json.dumps({"requests": requests}).encode(),
                timeout=self.timeout,
            )
        return self._judge(packet, ended)

    def _judge(self, packet: Packet, ended: Ended) -> Finding:
        if ended.code is None:
            return _failed(
                f"The model did not load and answer within {self.timeout:.0f} s. Hand over a "
                "smaller example, or a model that loads faster."
            )
        answer = _last_line(ended.output)
        if answer is None:
            return self._crash(ended)
        if "error" in answer:
            return _replay_error(answer["error"])
        version = f"{baton_version()}, mlflow {answer.get('mlflow', 'unknown')}"
        fault = _first_difference(packet, answer.get("answers"))
        if fault:
            return _failed(
                f"The model answers its own example differently here: {fault} Make its "
                "requirements exact, and its answer the same each time it is asked.",
                version,
            )
        return Finding("predict", version, "passed", self._passed(len(packet["examples"])))

    def _passed(self, count: int) -> str:
        examples = "its example" if count == 1 else f"its {count} examples"
        return (
            f"The model loaded and answered {examples} as it did for its sender: in a process of "
            f"its own, {self.isolation.words}, with limits on time, memory and file sizes and "
            "nothing of the desk's environment. It ran as the desk's own system user."
        )

    def _crash(self, ended: Ended) -> Finding:
        code = ended.code or 0
        if code == 127:
            return _error("The Python that the desk checks with can't be started. Tell operations.")
        if b"'baton_contract'" in ended.complaints:
            return _error("The Python that the desk checks with lacks Baton. Tell operations.")
        # A shell's way, and unshare's, of passing a signal on is 128 and its number.
        number = -code if code < 0 else code - 128
        if number == signal.SIGXCPU:
            return _failed("The model used up the processor time that a check has.")
        if number > 0:
            return _failed(
                f"The process died while the model loaded or answered (signal {number}); perhaps "
                "it needs more memory than a check has."
            )
        return _failed(
            "The process ended before the model gave an answer. Load the model in a fresh "
            "kernel to see why."
        )


def _lay_out(packet: Packet, path: Callable[[str], Path], model: Path) -> None:
    for file in packet["files"]:
        if file["path"].startswith(_MODEL):
            target = model / file["path"].removeprefix(_MODEL)
            target.parent.mkdir(parents=True, exist_ok=True)
            # A copy and no link: what runs here must not reach the stored file.
            shutil.copyfile(path(file["sha256"]), target)


def _last_line(output: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(output.strip().rpartition(b"\n")[2])
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _first_difference(packet: Packet, answers: Any) -> str | None:
    if not isinstance(answers, list) or len(answers) != len(packet["examples"]):
        return "it gave another number of answers than it was asked for."
    for number, (example, answer) in enumerate(zip(packet["examples"], answers, strict=True), 1):
        found = difference(example["expected"], answer, example["tolerance"], at=f"answer {number}")
        if found:
            return found
    return None


def _replay_error(error: Any) -> Finding:
    code, message = error.get("code"), error.get("message")
    if code == "no_mlflow":
        return _error("The Python that the desk checks with has no MLflow. Tell operations.")
    if code == "missing_package":
        return _failed(
            f"{message} Ask operations to add it to the desk's check environment, or hand over a "
            "model that does without it."
        )
    return _failed(
        f"The model does not load or answer in a clean place: {message} Load it in a fresh "
        "kernel, mend it and log it again."
    )


def _failed(details: str, version: str | None = None) -> Finding:
    return Finding("predict", version or baton_version(), "failed", details)


def _error(details: str) -> Finding:
    text = f"{details} The model itself was not judged; nothing was sent; try again afterwards."
    return Finding("predict", baton_version(), "error", text)
