"""MLflow's own client of a model registry, which says in one line that MLflow is away."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.protos.model_registry_pb2 import CreateModelVersion
from mlflow.store.model_registry.rest_store import RestStore
from mlflow.utils.credentials import get_default_host_creds
from mlflow.utils.proto_json_utils import parse_dict

from baton_lab.offline.asked import Asked
from baton_lab.offline.line import AwayError
from baton_lab.offline.notice import BEGUN
from baton_lab.offline.store import ask, is_platform, the_journal

READING = ("Get", "List", "Search")
"""How the names of the calls begin that change nothing."""
UNREAD = "The registry can't be read now. Try again as soon as that is over."
UNDONE = (
    "Nothing was registered or changed; what you logged is kept. Try again as soon as that is over."
)
UNSURE = (
    "This may have been registered or changed all the same; what you logged is kept. "
    "Look in the registry before you try again."
)
UNSENT = "What you name here was logged while MLflow was away, and still waits to be sent."


def open_registry(store_uri: str, tracking_uri: str | None = None, **_: Any) -> RestStore:
    """Return the client of the model registry at ``store_uri``.

    For the platform's MLflow it is ours; any other server gets MLflow's own.
    """
    del tracking_uri  # A server finds a model's files itself.
    creds = partial(get_default_host_creds, store_uri)
    return PlatformRegistry(creds) if is_platform(store_uri) else RestStore(creds)


class PlatformRegistry(RestStore):  # type: ignore[misc]
    """Passes calls through; where MLflow is away, raises MLflow's own exception with one line.

    No call is kept: who registers a model wants its version's number. None that changes
    something is repeated once it may have arrived, so that no version is made twice.
    """

    def _call_endpoint(
        self,
        api: Any,
        json_body: str | None,
        call_all_endpoints: bool = False,
        extra_headers: Any = None,
    ) -> Any:
        """Make a call of the registry's API."""
        del call_all_endpoints, extra_headers  # Of older servers, and of Databricks.
        path, method = self._get_endpoint_from_method(api)
        return self._pass(api, method, path, json_body)

    def _call_webhook_endpoint(
        self, api: Any, json_body: str | None = None, webhook_id: str | None = None
    ) -> Any:
        """Make a call about the registry's webhooks."""
        path, method = self._get_webhook_endpoint_from_method(api)
        return self._pass(api, method, path.format(webhook_id=webhook_id), json_body)

    def _pass(self, api: Any, method: str, path: str, json_body: str | None) -> Any:
        text = json_body or "{}"
        asked = Asked(api, method, path, text, json.loads(text)).settled(the_journal())
        if api is CreateModelVersion and asked.names_local():
            raise MlflowException(f"{UNSENT} {UNDONE}")
        reads = api.DESCRIPTOR.name.startswith(READING)
        try:
            found = ask(self.get_host_creds, asked, must=True, waits=True, again=reads)
        except AwayError as away:
            raise _away(away, reads=reads) from None
        answer = api.Response()
        parse_dict(js_dict=found, message=answer)
        return answer


def _away(away: AwayError, *, reads: bool) -> MlflowException:
    if reads:
        return MlflowException(f"{BEGUN[away.reason]} {UNREAD}")
    return MlflowException(f"{BEGUN[away.reason]} {UNSURE if away.is_tried else UNDONE}")
