"""The line to MLflow: asks within a time a person can wait, and tells when nobody answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from mlflow.exceptions import MlflowException
from requests import Response
from requests import exceptions as lost
from urllib3.exceptions import NewConnectionError

PATIENCE = {"down": 3.0, "starting": 10.0, "token": 2.0}
"""Seconds for which one call waits, by what is the matter. MLflow's own client waits a minute."""
PATIENT = 60.0
"""Seconds for which a question waits that only MLflow can answer, while it is starting."""
REST = 2.0
"""Seconds after that in which nobody is kept waiting by another try."""
TIMEOUT = (3.0, 30.0)
"""Seconds for a connection, and for an answer that begins."""
LOST = (lost.ConnectionError, lost.Timeout, lost.ChunkedEncodingError)
PAUSES = (0.0, 0.1, 0.25, 0.5, 1.0)


class AwayError(Exception):
    """MLflow can't be asked now; ``reason`` is a key of `PATIENCE`.

    ``is_tried``: whether a request may have reached MLflow, and only the answer is missing.
    """

    def __init__(self, reason: str, *, is_tried: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_tried = is_tried


class Trouble(NamedTuple):
    """Why a request has no answer of MLflow's: a key of `PATIENCE`.

    ``is_tried`` as in `AwayError`. ``after``: the seconds after which to ask again.
    """

    reason: str
    is_tried: bool
    after: float = 1.0


class Line:
    """Sends requests to one MLflow. ``keeps``: whether a refused token (401) is waited out.

    It is where the platform gave the token. Elsewhere a token has to have worked once.
    ``waits`` is called, with the seconds that it takes at most, when a question begins to
    wait for an MLflow that is starting: once for all that wait at the same time.
    """

    def __init__(
        self,
        *,
        keeps: bool,
        waits: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._has_worked = keeps
        self._clock = clock
        self._sleep = sleep
        self._waits = waits
        self._is_waiting = False
        self._rests_until = 0.0
        self._reason = "down"
        self.is_away = False

    def ask(
        self,
        send: Callable[[], Response],
        *,
        must: bool = False,
        waits: bool = False,
        again: bool = True,
    ) -> Response:
        """Return MLflow's answer to what ``send`` sends, or raise `AwayError`.

        While MLflow is known to be away it is tried at most every few seconds, and once
        only; with ``must`` always. With ``waits`` an MLflow that says that it is starting is
        waited for, and asked again when it says (`PATIENT`). Without ``again`` what may have
        reached MLflow is not sent a second time.
        """
        if self._clock() < self._rests_until and not must:
            raise AwayError(self._reason, is_tried=False)
        began, tries, is_tried = self._clock(), 0, False
        while isinstance(tried := self._try(send), Trouble):
            is_tried = is_tried or tried.is_tried
            passed = self._clock() - began
            if waits and tried.reason == "starting" and passed < PATIENT:
                self._say_that_it_waits()
                pause = min(tried.after, PATIENT - passed)
            else:
                pause = PAUSES[min(tries, len(PAUSES) - 1)]
                is_last = self.is_away or (tried.is_tried and not again)
                if is_last or passed + pause > PATIENCE[tried.reason]:
                    raise self._away(tried.reason, is_tried=is_tried)
            self._sleep(pause)
            tries += 1
        return tried

    def _say_that_it_waits(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._waits(PATIENT)

    def _away(self, reason: str, *, is_tried: bool) -> AwayError:
        self.is_away, self._reason, self._is_waiting = True, reason, False
        self._rests_until = self._clock() + REST
        return AwayError(reason, is_tried=is_tried)

    def _try(self, send: Callable[[], Response]) -> Response | Trouble:
        try:
            response = send()
        except MlflowException as error:
            reason = error.__cause__ or error.__context__
            if not is_lost(reason):
                raise
            return Trouble("down", not is_unsent(reason))
        trouble = trouble_of(response)
        if trouble is None or (trouble == "token" and not self._has_worked):
            self.is_away = self._is_waiting = False
            self._rests_until = 0.0
            self._has_worked = self._has_worked or response.ok
            return response
        return Trouble(trouble, response.status_code in {500, 504}, retry_after(response))


def is_lost(error: BaseException | None) -> bool:
    """Tell whether an error says that nobody answered, and not that the address is wrong."""
    if isinstance(error, lost.SSLError | lost.ProxyError):
        return False
    return isinstance(error, LOST)


def is_unsent(error: BaseException | None) -> bool:
    """Tell whether the request surely did not arrive: there was no connection."""
    if isinstance(error, lost.ConnectTimeout):
        return True
    cause = error.args[0] if error and error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def trouble_of(response: Response) -> str | None:
    """Return what keeps MLflow from answering, or None for an answer of its own."""
    status = response.status_code
    if status == 401:
        return "token"
    if status in {408, 429, 500, 502, 503, 504}:
        return "starting" if _code(response) == "starting" else "down"
    # The Hub's own page: its proxy has no way to MLflow yet.
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    return "down" if status == 404 and is_page else None


def retry_after(response: Response) -> float:
    """Return the seconds for which an answer asks to be left alone; 1 where it names none."""
    named = response.headers.get("Retry-After", "")
    return max(float(named), 1.0) if named.isascii() and named.isdecimal() else 1.0


def _code(response: Response) -> str:
    try:
        return str(response.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
