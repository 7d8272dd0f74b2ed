"""MLflow's own client of a tracking server, which keeps what is logged while that is away."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from typing import Any

from mlflow.entities import Run, RunInfo, RunStatus
from mlflow.exceptions import MlflowException
from mlflow.protos import service_pb2 as api
from mlflow.store.tracking.rest_store import RestStore
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.proto_json_utils import parse_dict
from mlflow.utils.rest_utils import http_request, verify_rest_response

from baton_lab.offline import keeping
from baton_lab.offline.answers import Answers
from baton_lab.offline.asked import Asked
from baton_lab.offline.auth import choose, is_below
from baton_lab.offline.journal import Journal, KeepingError
from baton_lab.offline.line import PATIENCE, TIMEOUT, AwayError, Line
from baton_lab.offline.local import experiment_id, local_experiment, local_model
from baton_lab.offline.notice import BEGUN, Notice, waits
from baton_lab.offline.once import Kind, key_of, search
from baton_lab.offline.places import ADDRESS, platform_address

Json = dict[str, Any]

choose()


def open_store(store_uri: str, artifact_uri: str | None = None, **_: Any) -> RestStore:
    """Return the client of the tracking server at ``store_uri``.

    For the platform's MLflow it is ours. Any other server gets MLflow's own, and with it
    none of the Hub's tokens.
    """
    del artifact_uri  # A server decides where artifacts are.
    creds = partial(get_default_host_creds, store_uri)
    return KeptStore(creds) if is_platform(store_uri) else RestStore(creds)


def is_platform(store_uri: str) -> bool:
    """Tell whether the platform's MLflow is the server at ``store_uri``."""
    address = platform_address()
    return bool(address) and is_below(store_uri, address) and is_below(address, store_uri)


@cache
def the_line() -> Line:
    """Return this process's line to the platform's MLflow."""
    import os

    return Line(keeps=ADDRESS in os.environ, waits=waits)


@cache
def the_journal() -> Journal:
    """Return this person's journal."""
    return Journal()


@cache
def the_notice() -> Notice:
    """Return what tells the person."""
    return Notice(the_journal())


class KeptStore(RestStore):  # type: ignore[misc]
    """Passes calls through; keeps those that log while MLflow is away.

    Once a call of a run was kept, those that follow come behind it until all of them
    were sent. Questions about what is kept are answered from it; others raise MLflow's
    own exception, with one line that says why.
    """

    def __init__(self, get_host_creds: Any) -> None:
        super().__init__(get_host_creds)
        self._journal = the_journal()
        self._answers = Answers(self._journal)

    def create_run(self, *args: Any, **kwargs: Any) -> Run:
        """Make a run, here or there, and begin to gather what it carries."""
        run = super().create_run(*args, **kwargs)
        info = run.info
        _tell("run_started", info.run_id, info.experiment_id, info.artifact_uri)
        return run

    def update_run_info(self, run_id: str, run_status: Any, *args: Any, **kwargs: Any) -> RunInfo:
        """Change a run; its end is told to what gathers what it carries."""
        info = super().update_run_info(run_id, run_status, *args, **kwargs)
        if run_status is not None and RunStatus.is_terminated(run_status):
            _tell("run_ended", run_id)
        return info

    def _call_endpoint(
        self,
        call: Any,
        json_body: str | None = None,
        endpoint: str | None = None,
        retry_timeout_seconds: float | None = None,
        response_proto: Any = None,
    ) -> Any:
        """Make a call of MLflow's API, or keep it."""
        del retry_timeout_seconds  # Of Databricks' client only.
        table = self._V3_METHOD_TO_INFO if call in self._V3_APIS else self._METHOD_TO_INFO
        usual, method = table[call]
        text = json_body or "{}"
        asked = Asked(call, method, endpoint or usual, text, json.loads(text))
        answer = response_proto or call.Response()
        parse_dict(js_dict=self._pass(asked), message=answer)
        self._answers.remember(answer)
        return answer

    def _pass(self, asked: Asked) -> Json:
        """Return MLflow's answer, or the journal's."""
        if asked.call in keeping.KEYED:
            asked = asked.with_key()
        owner = asked.owner
        if owner and self._journal.has_calls(owner):
            return self._keep(asked, owner) if asked.is_kept else self._read(asked, owner)
        asked = asked.settled(self._journal)
        if asked.call in keeping.READINGS:
            return self._read(asked, asked.owner)
        if not asked.is_kept:
            return self._ask_now(asked)
        if asked.names_local():
            return self._keep_for(asked, AwayError("down", is_tried=False))
        try:
            return self._ask(asked)
        except AwayError as away:
            return self._keep_or_ask(asked, away)

    def _keep_or_ask(self, asked: Asked, away: AwayError) -> Json:
        try:
            return self._keep_for(asked, away)
        except MlflowException:
            # It would be lost: MLflow is asked even where it did not answer a moment ago.
            if not away.is_tried:
                with suppress(AwayError):
                    return self._ask(asked, must=True)
            raise

    def _ask_now(self, asked: Asked) -> Json:
        try:
            return self._ask(asked, must=True, waits=True)
        except AwayError as away:
            raise unread(away) from None

    def _ask(self, asked: Asked, *, must: bool = False, waits: bool = False) -> Json:
        kind = keeping.KEYED.get(asked.call)
        if kind is None:
            return ask(self.get_host_creds, asked, must=must, waits=waits)
        return self._make(asked, kind, must=must)

    def _make(self, asked: Asked, kind: Kind, *, must: bool) -> Json:
        """Make something; after a lost answer, find what is made already, or try once more."""
        began = time.monotonic()
        try:
            return ask(self.get_host_creds, asked, must=must, again=False)
        except AwayError as away:
            # One that takes calls and never answers would hold up two calls more.
            if not away.is_tried or time.monotonic() - began > PATIENCE["down"]:
                raise
            with suppress(AwayError):
                return self._made(asked.body, kind) or ask(
                    self.get_host_creds, asked, must=True, again=False
                )
            raise

    def _made(self, body: Json, kind: Kind) -> Json | None:
        """Return what creating it would have answered, or None where MLflow has no such thing."""
        path, wanted, name = search(kind, str(body.get("experiment_id", "0")), key_of(body))
        asked = Asked(None, "POST", path, json.dumps(wanted), wanted)
        found = ask(self.get_host_creds, asked, must=True).get(name)
        return {kind: found[0]} if found else None

    def _keep_for(self, asked: Asked, away: AwayError) -> Json:
        owner = asked.owner
        if owner is None:
            return self._begin(asked, away)
        return self._keep(asked, owner, away.reason)

    def _begin(self, asked: Asked, away: AwayError) -> Json:
        """Make a run, an experiment or a model here."""
        local_id, entry = keeping.begin(asked.call, asked.body)
        self._append(local_id, [entry], away.reason)
        if asked.call is api.CreateRun:
            return {"run": self._answers.run(local_id)}
        if asked.call is api.CreateExperiment:
            return {"experiment_id": local_id}
        return {"model": local_model(local_id, self._journal.entries(local_id))}

    def _keep(self, asked: Asked, owner: str, reason: str = "down") -> Json:
        """Put a call behind those of the same run that wait; return what it would answer."""
        self._append(
            owner, [*keeping.entries(asked.call, asked.method, asked.path, asked.body)], reason
        )
        if asked.call is api.UpdateRun:
            run = self._answers.run(owner) or {"info": {"run_id": owner, "status": "RUNNING"}}
            return {"run_info": run["info"]}
        if asked.call is api.FinalizeLoggedModel:
            return {"model": self._answers.model(owner)}
        return {}

    def _append(self, owner: str, entries: list[Any], reason: str) -> None:
        try:
            for entry in entries:
                self._journal.append(owner, entry, in_order=True)
        except KeepingError as error:
            raise MlflowException(f"{BEGUN[reason]} {error.message}") from None
        the_notice().kept(owner, reason)

    def _read(self, asked: Asked, owner: str | None) -> Json:
        """Answer a question of a run, experiment or model from MLflow and from what is kept."""
        found: Json | None = None
        away = AwayError("down", is_tried=False)
        settled = asked.settled(self._journal)
        if not settled.names_local():
            try:
                found = self._ask(settled, must=True)
            except AwayError as error:
                away = error
        if found is None or (owner and self._journal.has_calls(owner)):
            found = self._answers.answer(asked, owner, found)
        if found is None and asked.call is api.GetExperimentByName:
            found = self._named_experiment(asked.body["experiment_name"], away)
        if found is None and away.reason == "starting":
            return self._ask_now(settled)
        if found is None:
            raise unread(away) from None
        return found

    def _named_experiment(self, name: str, away: AwayError) -> Json:
        """Return an experiment that is found by its name later, or made."""
        local_id = experiment_id(name)
        if not self._journal.has_calls(local_id):
            entry = {"kind": "experiment", "name": name, "body": {"name": name}}
            self._append(local_id, [entry], away.reason)
        return {"experiment": local_experiment(name)}


def ask(
    get_host_creds: Callable[[], Any],
    asked: Asked,
    *,
    must: bool = False,
    waits: bool = False,
    again: bool = True,
) -> Json:
    """Return what the platform's MLflow answers, {} for nothing; the rest is as in `Line.ask`."""
    given = {"params" if asked.method == "GET" else "json": asked.body}

    def send() -> Any:
        limits = {"max_retries": 0, "raise_on_status": False, "timeout": TIMEOUT}
        return http_request(get_host_creds(), asked.path, asked.method, **limits, **given)

    answer = the_line().ask(send, must=must, waits=waits, again=again)
    response = verify_rest_response(answer, asked.path)
    found: Json = json.loads(response.text) if response.status_code != 204 else {}
    return found


def unread(away: AwayError) -> MlflowException:
    """Return what to raise for a question that only MLflow can answer."""
    return MlflowException(
        f"{BEGUN[away.reason]} This can't be read now; what you log is kept and sent later."
    )


def _tell(what: str, *given: str) -> None:
    """Let the part that gathers what a run carries know; a run is worth more than that."""
    try:
        from baton_lab import capture

        told = getattr(capture, what, None)
        if told is not None:
            told(*given)
    except Exception:  # noqa: BLE001, S110 - it never keeps anybody from logging
        pass
