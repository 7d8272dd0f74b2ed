"""%baton with the platform's MLflow: links that open, names that complete, and MLflow away."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from tests.lab.conftest import Lab, Process, scientist_env
from tests.lab.magic_kernel import Kernel, start_kernel
from tests.lab.notebooks import code_cell, open_notebook, render_notebook
from tests.processes import free_port

NAMES = ["magics/größe", "magics it's"]


@pytest.fixture(scope="module")
def kernel(mlflow: Process, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    env = scientist_env(mlflow.url, "") | {"BATON_TRACKING_URI": mlflow.url}
    with start_kernel(tmp_path_factory.mktemp("platform") / "home", **env) as kernel:
        for name in NAMES:
            made = kernel.run(f'%baton experiment "{name}"')
            assert made.status == "ok", made.printed
        yield kernel


def test_the_link_leads_to_the_run(kernel: Kernel, mlflow: Process) -> None:
    answer = kernel.run("%%baton run linked\n1")
    assert "View run" not in answer.printed  # It is said once.
    url = answer.cards[-1].rpartition(" · ")[2]
    assert url.startswith(mlflow.url + "/#/experiments/")
    assert f'href="{url}"' in answer.pages[-1]
    assert "scientist-token" not in "".join(answer.cards + answer.pages)
    run_id = urlsplit(url).fragment.rpartition("/")[2]
    found = httpx.get(
        mlflow.url + "/api/2.0/mlflow/runs/get",
        params={"run_id": run_id},
        headers={"Authorization": "Bearer scientist-token"},
    ).json()["run"]
    assert found["info"]["status"] == "FINISHED"
    tags = {tag["key"]: tag["value"] for tag in found["data"]["tags"]}
    assert tags["mlflow.user"] == "scientist"
    assert tags["baton.cell"] == f"c{kernel._count}"


def test_what_is_logged_arrives(kernel: Kernel) -> None:
    (kernel.home / "f.txt").write_text("f")
    code = "%%baton run arrives\nimport pandas as pd\ndf = pd.DataFrame({'a': [1]})\n"
    answer = kernel.run(code + "%baton log df f.txt")
    assert answer.status == "ok", answer.printed
    listed = "import mlflow; run = mlflow.last_active_run().info.run_id\n"
    listed += "print(*(f.path for f in mlflow.MlflowClient().list_artifacts(run)))"
    assert kernel.run(listed).lines[-1].split() == ["df.json", "f.txt"]


def test_where_one_is_with_the_platform(kernel: Kernel, mlflow: Process) -> None:
    lines = kernel.run("%baton").lines
    assert lines[0] == f"Experiment:  {NAMES[-1]}"
    assert lines[2] == f"MLflow:      answers, at {mlflow.url}"


def test_names_of_experiments_complete(kernel: Kernel, until: Callable[..., Any]) -> None:
    first = "%baton experiment magics/größe"
    assert until(lambda: first in kernel.complete("%baton experiment magics"))
    assert '%baton experiment "magics it\'s"' in kernel.complete('%baton experiment "magics i')
    assert kernel.complete("%baton experiment magics/gr") == ["%baton experiment magics/größe"]


def test_model_versions_complete(kernel: Kernel, until: Callable[..., Any]) -> None:
    code = (
        "%%baton run versioned\n"
        "client, run = mlflow.MlflowClient(), mlflow.active_run().info\n"
        "client.create_registered_model('magics-model')\n"
        "version = client.create_model_version('magics-model', run.artifact_uri, run.run_id)"
    )
    kernel.run("import mlflow")
    answer = kernel.run(code)
    assert answer.status == "ok", answer.printed
    assert until(lambda: "%baton trace magics-model/1" in kernel.complete("%baton trace "))
    assert kernel.complete("%baton trace magi") == ["%baton trace magics-model/1"]
    assert kernel.complete("%baton trace other") == ["%baton trace other"]


def test_the_way_back_is_checked(kernel: Kernel) -> None:
    kernel.run("%%baton run back\n1")
    answer = kernel.run("%baton trace")
    assert answer.status == "ok", answer.printed
    assert re.search(r"^run [0-9a-f]{32} by scientist", answer.printed, re.MULTILINE)
    assert re.search(r"^cell +recorded", answer.printed, re.MULTILINE)
    again = kernel.run("%baton trace " + "0" * 32)
    assert (again.status, len(again.lines)) == ("error", 1)
    assert kernel.run("%baton trace no-such-model/1").lines[-1].startswith("UsageError: ")


def test_what_mlflow_refuses_is_one_line(kernel: Kernel) -> None:
    kernel.run(
        "import mlflow; mlflow.delete_experiment(mlflow.set_experiment('gone').experiment_id)"
    )
    answer = kernel.run("%baton experiment gone")
    assert answer.status == "error"
    assert answer.lines[-1].startswith("UsageError: ")
    assert "deleted" in answer.lines[-1]
    assert kernel.run(f'%baton experiment "{NAMES[1]}"').status == "ok"


def test_while_mlflow_is_away_runs_are_kept_and_nobody_waits(tmp_path: Path) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/services/mlflow"
    env = scientist_env(nowhere, "") | {"BATON_TRACKING_URI": nowhere}
    with start_kernel(tmp_path / "home", **env) as kernel:
        lines = kernel.run("%baton").lines
        assert lines[2:4] == [f"MLflow:      does not answer, at {nowhere}", "Waiting:     nothing"]
        began = time.monotonic()
        assert kernel.complete("%baton experiment x") == ["%baton experiment x"]
        assert time.monotonic() - began < 5  # It waits 0.4 s; the rest is the machine.
        (kernel.home / "f.txt").write_text("f")
        answer = kernel.run("%baton experiment later")
        assert answer.status == "ok"
        assert "kept on this machine" in answer.printed  # Said once.
        code = "import pandas as pd\ndf = pd.DataFrame({'a': [1]})\n%baton log df f.txt\n1 / 0"
        answer = kernel.run("%%baton run kept\n" + code)
        assert answer.error == "ZeroDivisionError"
        assert "Logged df.json (1 row) into the run kept." in answer.printed
        assert answer.cards[-1].startswith("Run kept: failed after")
        assert "http" not in answer.cards[-1]  # It has no page yet.
        lines = kernel.run("%baton status").lines
        assert lines[0] == "Experiment:  later"
        assert re.search(r"^Waiting: +\d+ calls of 1 run, kept since 20", "\n".join(lines), re.M)
        trace = kernel.run("%baton trace")
        assert trace.lines[0].endswith("(kept), failed")
        model = kernel.run("%baton trace model/1")
        assert (model.status, len(model.lines)) == ("error", 1)


def test_an_address_with_a_password_is_shown_without_it(tmp_path: Path) -> None:
    address = f"http://ada:hidden@127.0.0.1:{free_port()}/mlflow"
    with start_kernel(tmp_path / "home", MLFLOW_TRACKING_URI=address) as kernel:
        answer = kernel.run("%baton")
        assert "does not answer" in answer.printed
        assert "hidden" not in answer.printed


@pytest.mark.parametrize("address", ["", "file", "nonsense://x"])
def test_where_mlflow_is_not_set_up_it_says_so(tmp_path: Path, address: str) -> None:
    with start_kernel(tmp_path / "home", MLFLOW_TRACKING_URI=address) as kernel:
        answer = kernel.run("%baton")
        assert answer.status == "ok"
        assert len(answer.lines) == 5
        run = kernel.run("%%baton run x\n1")
        if run.status == "error":
            assert run.lines[-1].startswith("UsageError: ")
            assert run.error is None


def test_a_cell_that_is_a_run_is_captured_as_any_other(
    lab: Lab, mlflow: Process, until: Callable[..., Any]
) -> None:
    """The notebook's snapshot has the cell as the person wrote it, at a real server."""
    source = "%%baton run captured\n1"
    text = render_notebook(code_cell("made-it", source))
    with open_notebook(lab, "größe/captured.ipynb", text) as notebook:
        notebook.run("made-it", source)
        run_id = notebook.run("asks", "import mlflow; print(mlflow.last_active_run().info.run_id)")

        def tags() -> Any:
            found = lab.get("trace", run=run_id)
            steps = {each["kind"]: each for each in found["steps"]}
            return steps if steps["notebook"]["state"] == "verified" else None

        steps = until(tags)
        assert steps["notebook"]["value"] == "größe/captured.ipynb"
        assert "made-it" in steps["cell"]["value"]
        last = notebook.run("back", f"%baton trace {run_id}")
        assert last.startswith(("The way back is whole", "Nothing differs"))


@dataclass
class Elsewhere:
    """A server that answers nothing for ever, or sends people on; what it heard of tokens."""

    url: str = ""
    leads_to: str = ""
    tokens: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serve(leads_to: str = "") -> Iterator[Elsewhere]:
    served = Elsewhere(leads_to=leads_to)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.tokens.append(self.headers.get("Authorization", ""))
            if not served.leads_to:
                served.released.wait(120)
                return
            self.send_response(302)
            self.send_header("Location", served.leads_to + self.path)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield served
    served.released.set()
    server.shutdown()
    server.server_close()


def test_the_token_follows_nobody(tmp_path: Path) -> None:
    with serve() as stranger, serve(stranger.url) as named:
        env = scientist_env(named.url, "") | {"BATON_TRACKING_URI": named.url}
        with start_kernel(tmp_path / "home", **env) as kernel:
            lines = kernel.run("%baton").lines
        assert lines[2] == f"MLflow:      is not there: {named.url} leads elsewhere"
        assert named.tokens == ["Bearer scientist-token"]
        assert stranger.tokens == []


def test_a_server_that_does_not_answer_holds_up_nobody(tmp_path: Path) -> None:
    with serve() as silent:
        env = scientist_env(silent.url, "") | {"BATON_TRACKING_URI": silent.url}
        with start_kernel(tmp_path / "home", **env) as kernel:
            kernel.complete("%baton experiment a")  # Loads what it needs.
            began = time.monotonic()
            assert kernel.complete("%baton experiment a") == ["%baton experiment a"]
            assert time.monotonic() - began < 5  # It waits 0.4 s; the rest is the machine.
            assert "does not answer" in kernel.run("%baton").lines[2]


def test_another_server_is_not_shown_the_token(tmp_path: Path) -> None:
    with serve("http://127.0.0.1:9") as other:
        env = scientist_env(other.url, "") | {"BATON_TRACKING_URI": "http://127.0.0.1:9/mlflow"}
        with start_kernel(tmp_path / "home", **env) as kernel:
            kernel.run("%baton")
        assert other.tokens == [""]
