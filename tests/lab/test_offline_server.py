"""The Jupyter server sends what kernels kept, and the panel sees it: a real server and kernel."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from tests.lab.conftest import Lab, start_lab
from tests.lab.outage import Gate, Person, Service
from tornado.websocket import websocket_connect

pytest_plugins = ("tests.lab.outage",)


@pytest.fixture
def person(gate: Gate, tmp_path: Path) -> Person:
    return Person(tmp_path / "scientist", gate.url)


@pytest.fixture
def lab(person: Person) -> Iterator[Lab]:
    names = ("BATON_TRACKING_URI", "MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_USERNAME")
    names += ("MLFLOW_TRACKING_PASSWORD", "JUPYTERHUB_API_TOKEN", "JUPYTER_RUNTIME_DIR")
    with start_lab(person.home, {name: person.env[name] for name in names}) as lab:
        lab.process.await_answer("/login")
        yield lab


RUN = """
import mlflow

mlflow.set_experiment({experiment!r})
with mlflow.start_run():
    for step in range(100):
        mlflow.log_metric("m", step, step=step)
    mlflow.log_text("x", "x.txt")
"""


def test_what_waits_is_shown_with_what_is_in_the_way_and_sent_when_mlflow_is_back(
    service: Service, gate: Gate, person: Person, lab: Lab, until: Callable[..., Any]
) -> None:
    calm = {"runs": 0, "entries": 0, "bytes": 0, "oldest": None, "problem": None, "sending": False}
    assert lab.get("unsent") == calm
    gate.close()
    person.run(RUN.format(experiment="shown"))
    until(lambda: lab.get("unsent")["problem"])
    found = lab.get("unsent")
    assert found["runs"] == 1
    assert found["entries"] > 100
    assert found["bytes"] > 1000
    assert found["oldest"].endswith("Z")
    assert found["problem"] == "MLflow does not answer."
    gate.open()
    assert lab.post("unsent/send").status_code == 202
    until(lambda: lab.get("unsent") == calm)
    (run,) = service.runs("shown")
    assert service.steps(run["info"]["run_id"], "m") == list(range(100))


def test_it_is_sent_without_anybody_asking_and_the_notebook_and_the_panel_are_told(
    service: Service, gate: Gate, person: Person, lab: Lab, until: Callable[..., Any]
) -> None:
    gate.close()
    pushed: list[Any] = []
    listening = threading.Thread(target=_listen, args=(lab, pushed), daemon=True)
    listening.start()
    with _kernel(person) as kernel:
        said = _execute(kernel, RUN.format(experiment="told"), 60)
        assert said.count("Baton: MLflow does not answer. What you log is kept") == 1
        until(lambda: any(event["kind"] == "unsent" for event in pushed))
        gate.open()
        # The server notices by the stream that it holds open, within its longest pause.
        until(lambda: len(service.runs("told")) == 1 and lab.get("unsent")["runs"] == 0)
        said = _rest(kernel, "has been sent to MLflow", 30)
    assert said.count("Baton: All that was kept on this machine has been sent to MLflow.") == 1
    (run,) = service.runs("told")
    assert service.steps(run["info"]["run_id"], "m") == list(range(100))


def test_a_kernel_that_is_killed_leaves_its_run_to_the_server(
    service: Service, gate: Gate, person: Person, lab: Lab, until: Callable[..., Any]
) -> None:
    gate.close()
    code = RUN.format(experiment="left") + "import os; os.kill(os.getpid(), 9)"
    with person.running(code) as process:
        process.wait(60)
    gate.open()
    lab.post("unsent/send")
    until(lambda: lab.get("unsent")["entries"] == 0)
    (run,) = service.runs("left")
    assert service.steps(run["info"]["run_id"], "m") == list(range(100))


@pytest.mark.parametrize("path", ["unsent", "unsent/send"])
def test_nobody_without_the_servers_token_is_answered(lab: Lab, path: str) -> None:
    with httpx.Client(base_url=lab.url + "/baton/", trust_env=False) as http:
        answer = http.get(path) if path == "unsent" else http.post(path, json={})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "not_signed_in"


def test_a_server_without_mlflow_says_so(plain_lab: Lab) -> None:
    answer = plain_lab.http.get("unsent")
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "not_configured"


class _kernel:  # noqa: N801 - used as a context
    """A real kernel in the person's environment."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def __enter__(self) -> BlockingKernelClient:
        before = dict(os.environ)
        os.environ["JUPYTER_RUNTIME_DIR"] = self._person.env["JUPYTER_RUNTIME_DIR"]
        Path(os.environ["JUPYTER_RUNTIME_DIR"]).mkdir(parents=True, exist_ok=True)
        try:
            self._manager, self._client = start_new_kernel(
                env=self._person.env, cwd=str(self._person.home)
            )
        finally:
            os.environ.clear()
            os.environ.update(before)
        return self._client

    def __exit__(self, *_: object) -> None:
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)


def _execute(kernel: BlockingKernelClient, code: str, timeout: float) -> str:
    """Run code in the kernel; return what it showed."""
    said: list[str] = []

    def hear(message: Any) -> None:
        content = message["content"]
        assert message["msg_type"] != "error", content
        said.append(content.get("text", "") if message["msg_type"] == "stream" else "")

    kernel.execute_interactive(code, timeout=timeout, output_hook=hear)
    return "".join(said)


def _rest(kernel: BlockingKernelClient, text: str, seconds: float) -> str:
    """Return what the kernel shows after its cell ended, until ``text`` comes."""
    said = ""
    while text not in said:
        message = kernel.get_iopub_msg(timeout=seconds)
        if message["msg_type"] == "stream":
            said += message["content"]["text"]
    return said


def _listen(lab: Lab, pushed: list[Any]) -> None:
    import asyncio

    async def listen() -> None:
        url = lab.url.replace("http", "ws", 1) + "/api/events/subscribe?token=secret"
        connection = await websocket_connect(url)
        while (message := await connection.read_message()) is not None:
            event = json.loads(message)
            if event.get("schema_id") == "urn:baton:lab:push:1":
                pushed.append(event)

    asyncio.run(listen())
