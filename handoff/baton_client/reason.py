"""Why MLflow, or the layer before it, did not do what it was asked."""

from __future__ import annotations

import json
from typing import NamedTuple

import httpx


class Reason(NamedTuple):
    """Code and sentence of a failed answer; all "" where it holds neither.

    ``code`` is the contract's own and "" where MLflow itself answered, whose word for
    the error is ``mlflow_code``.
    """

    code: str = ""
    mlflow_code: str = ""
    message: str = ""


def parse_reason(response: httpx.Response) -> Reason:
    """Return what the body says, in the contract's envelope or in MLflow's own form."""
    try:
        body = json.loads(response.content)
    except ValueError:
        return Reason()
    if not isinstance(body, dict):
        return Reason()
    mlflow_code = str(body.get("error_code", ""))
    error = body.get("error")
    if isinstance(error, dict):
        return Reason(str(error.get("code", "")), mlflow_code, str(error.get("message", "")))
    return Reason("", mlflow_code, str(body.get("message") or ""))
