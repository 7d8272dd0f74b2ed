"""The cookie of MLflow's own pages, where the Hub is at the root of its host and below a path."""

from __future__ import annotations

import httpx
import pytest
from jupyterhub.services.auth import HubOAuth
from starlette.responses import PlainTextResponse

from baton_hub.tracking.access.rules import Caller
from baton_hub.tracking.app import create_app
from baton_hub.tracking.identity import HubIdentity

ORIGIN = "https://hub.example.org"


class Ada(HubIdentity):
    """A Hub that knows one person."""

    async def identify(self, token: str, session: str = "") -> Caller | None:
        return Caller("ada")


@pytest.mark.parametrize("address", [ORIGIN, f"{ORIGIN}/", f"{ORIGIN}/hub-here", f"{ORIGIN}/a/b/"])
@pytest.mark.parametrize("browser", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": ORIGIN}])
async def test_mlflows_own_pages_change_things_wherever_the_hub_is(
    monkeypatch: pytest.MonkeyPatch, address: str, browser: dict[str, str]
) -> None:
    base = address.removeprefix(ORIGIN).rstrip("/")
    monkeypatch.setenv("BATON_PUBLIC_URL", address)
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", f"{base}/services/mlflow/")
    hub = HubOAuth(
        api_url=f"http://127.0.0.1:1{base}/hub/api", api_token="t", oauth_client_id="service-mlflow"
    )
    app = create_app(PlainTextResponse("changed"), Ada(hub))
    cookies = {hub.cookie_name: app.sign_in._tokens.dumps("ada's")}
    path = f"{base}/services/mlflow/ajax-api/2.0/mlflow/runs/delete"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=ORIGIN, cookies=cookies
    ) as client:

        async def delete(page: str) -> int:
            headers = {**browser, "Referer": f"{ORIGIN}{page}"}
            return (await client.post(path, json={"run_id": "r"}, headers=headers)).status_code

        assert await delete(f"{base}/services/mlflow/") == 200
        assert await delete(f"{base}/user/eve/lab") == 401
