"""A browser's way in: from the desk to the Hub's sign-in and back with a cookie."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from baton_desk.directory import HubDirectory


async def test_a_browser_signs_in_at_the_hub_and_comes_back(desk: Any, hub: str) -> None:
    """The redirects are followed by hand, because no proxy joins Hub and desk here."""
    at_hub = hub.removesuffix("/hub/api")
    at_desk = f"http://127.0.0.1:{desk.port}"
    page = {"Sec-Fetch-Mode": "navigate"}
    async with httpx.AsyncClient(trust_env=False, headers=page, timeout=30) as browser:
        away = await browser.get(f"{at_desk}/services/desk/")
        assert away.status_code == 302
        authorize = away.headers["location"]
        assert urlsplit(authorize).path == "/hub/api/oauth2/authorize"
        await browser.get(f"{at_hub}/hub/login")
        form = {"username": "developer", "password": "x", "_xsrf": browser.cookies["_xsrf"]}
        signed = await browser.post(f"{at_hub}/hub/login", data=form)
        assert signed.status_code == 302
        granted = await browser.get(at_hub + authorize)
        back = granted.headers["location"]
        assert urlsplit(back).path == "/services/desk/oauth_callback"
        returned = await browser.get(at_desk + back)
        assert returned.headers["location"] == "/services/desk/"
        inbox = await browser.get(f"{at_desk}/services/desk/")
        assert inbox.status_code == 200
        assert "developer" in inbox.text


async def test_a_hub_service_called_like_a_person_is_not_that_person() -> None:
    directory = HubDirectory("http://127.0.0.1:1", "no token is needed")
    service = await directory.caller("scientist", is_user=False)
    await directory.close()
    assert service.name != "scientist"
    assert not service.groups
