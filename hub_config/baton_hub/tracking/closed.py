"""Parts of MLflow that are switched off, because they act as the server itself.

MLflow's assistant runs commands on the server's machine for whoever connects from
it, and behind a proxy on the same machine everybody does. Its gateway and webhooks
send requests to addresses that any signed-in person names. Its jobs run people's
scorers and prompts in the server's account, and begin with a run that none of them ends.
"""

from __future__ import annotations

import re

from baton_contract.errors import ForbiddenError

_ANY = re.compile(".*")
_CHANGES = re.compile("POST|PUT|PATCH|DELETE")
_CLOSED: tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...] = (
    (_ANY, re.compile(r"/ajax-api/3\.0/mlflow/assistant(/.*)?"), "MLflow's assistant"),
    # To look is harmless: without a target there are no endpoints, and every page of runs asks.
    (_CHANGES, re.compile(r"/(?:ajax-)?api/2\.0/mlflow/gateway-proxy"), "MLflow's gateway"),
    (_CHANGES, re.compile(r"/gateway/.*"), "MLflow's gateway"),
    (_CHANGES, re.compile(r"/(?:ajax-)?api/\d\.0/mlflow/gateway/.*"), "MLflow's gateway"),
    (_CHANGES, re.compile(r"/(?:ajax-)?api/2\.0/mlflow/webhooks(/.*)?"), "MLflow's webhooks"),
    (_CHANGES, re.compile(r"/(?:ajax-)?api/3\.0/mlflow/demo/.*"), "MLflow's demonstration"),
    (
        _CHANGES,
        re.compile(
            r"/(?:ajax-)?api/3\.0/mlflow/"
            r"(?:(?:scorer|genai/evaluate|issues)/invoke|scorers/online-config)"
        ),
        "MLflow's execution of jobs",
    ),
    # Pages ask for the list of jobs, by POST, which is empty.
    (
        _CHANGES,
        re.compile(
            r"/(?:ajax-)?api/3\.0/(?:mlflow/)?(?:prompt-optimization/)?jobs(?:/(?!search$).*)?"
        ),
        "MLflow's execution of jobs",
    ),
)


def refuse_closed(method: str, path: str) -> None:
    """Raise ForbiddenError for a route that is switched off on this platform.

    ``path`` is the path below the service's prefix.
    """
    for methods, paths, name in _CLOSED:
        if methods.fullmatch(method) and paths.fullmatch(path):
            raise ForbiddenError(
                "switched_off",
                f"{name} is switched off on this platform, because it would act with the "
                "server's own rights. Tracking, models and traces are not affected.",
            )
