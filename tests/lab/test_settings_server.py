"""baton/settings on a real Jupyter server, and what its renames do to the settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest


@pytest.fixture
def settings(plain_lab: Any) -> Iterator[Path]:
    """Where the settings are; none are set yet."""
    path = plain_lab.home / ".local/share/jupyter/baton/settings.json"
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def put(lab: Any, **body: Any) -> Any:
    answer = lab.http.put("settings", json=body)
    assert answer.is_success, answer.text
    return answer.json()


def ask(lab: Any, method: str, path: str, /, **body: Any) -> Any:
    answer = lab.http.request(method, f"{lab.url}/api/contents/{quote(path)}", json=body or None)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def test_nothing_is_on_at_first(plain_lab: Any, settings: Path) -> None:
    off = {"autolog": "off", "notebook": None, "effective": "off"}
    assert plain_lab.get("settings") == off
    assert plain_lab.get("settings", notebook="a.ipynb") == off
    assert not settings.exists()


def test_what_is_set_is_answered_and_kept(plain_lab: Any, settings: Path) -> None:
    set_for_all = {"autolog": "metrics", "notebook": None, "effective": "metrics"}
    assert put(plain_lab, autolog="metrics") == set_for_all
    own = {"autolog": "metrics", "notebook": "models", "effective": "models"}
    assert put(plain_lab, notebook="größe/b c.ipynb", autolog="models") == own
    assert plain_lab.get("settings", notebook="größe/b c.ipynb") == own
    assert plain_lab.get("settings", notebook="RTC:größe/b c.ipynb") == own
    kept = {"autolog": "metrics", "notebooks": {"größe/b c.ipynb": "models"}}
    assert json.loads(settings.read_bytes()) == kept
    assert put(plain_lab, notebook="größe/b c.ipynb", autolog=None) == set_for_all


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"autolog": "loud"},
        {"autolog": None},
        {"autolog": 1},
        {"autolog": ["off"]},
        {"autolog": "off", "more": 1},
        {"notebook": "a.ipynb"},
        {"notebook": None, "autolog": "off"},
        {"notebook": "", "autolog": "off"},
        {"notebook": "../a.ipynb", "autolog": "off"},
        {"notebook": "/etc/a.ipynb", "autolog": "off"},
        {"notebook": "a" * 5000, "autolog": "off"},
        {"notebook": 3, "autolog": "off"},
    ],
    ids=lambda body: json.dumps(body)[:40],
)
def test_what_cannot_be_set_is_400_and_changes_nothing(
    plain_lab: Any, settings: Path, body: Any
) -> None:
    answer = plain_lab.http.put("settings", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert not settings.exists()


@pytest.mark.parametrize("notebook", ["", "..", "/a.ipynb", "a/../b", "x" * 5000])
def test_asking_for_what_is_no_notebook_is_400(plain_lab: Any, notebook: str) -> None:
    answer = plain_lab.http.get("settings", params={"notebook": notebook})
    assert answer.status_code == 400


@pytest.mark.parametrize("asked", ["%FF", "a&notebook=", "%ED%A0%80"])
def test_odd_bytes_in_the_address_are_400(plain_lab: Any, asked: str) -> None:
    assert plain_lab.http.get(f"settings?notebook={asked}").status_code == 400


def test_a_path_that_is_no_text_is_400(plain_lab: Any, settings: Path) -> None:
    body = b'{"notebook": "\\ud800.ipynb", "autolog": "off"}'
    assert plain_lab.http.put("settings", content=body).status_code == 400
    assert not settings.exists()


def test_a_broken_file_is_409_and_stays_as_it_is(plain_lab: Any, settings: Path) -> None:
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('{"autolog": "metrics"')
    for answer in (
        plain_lab.http.get("settings"),
        plain_lab.http.put("settings", json={"autolog": "off"}),
    ):
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "broken_settings"
    assert settings.read_text() == '{"autolog": "metrics"'


def test_a_home_that_takes_nothing_is_503(plain_lab: Any, settings: Path) -> None:
    settings.parent.mkdir(parents=True, exist_ok=True)
    lock = settings.with_suffix(".lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    answer = plain_lab.http.put("settings", json={"autolog": "metrics"})
    lock.rmdir()
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "not_saved"


def test_a_setting_follows_its_notebook(
    plain_lab: Any, settings: Path, until: Callable[..., Any]
) -> None:
    """Renamed, its folder renamed, copied, deleted: by the server's own contents API."""

    def own() -> Any:
        return json.loads(settings.read_bytes())["notebooks"]

    empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    ask(plain_lab, "PUT", "work", type="directory")
    ask(plain_lab, "PUT", "work/ä b.ipynb", type="notebook", content=empty)
    put(plain_lab, notebook="work/ä b.ipynb", autolog="metrics")
    ask(plain_lab, "PATCH", "work/ä b.ipynb", path="work/c.ipynb")
    until(lambda: own() == {"work/c.ipynb": "metrics"}, 20)
    ask(plain_lab, "PATCH", "work", path="done")
    until(lambda: own() == {"done/c.ipynb": "metrics"}, 20)
    copy = ask(plain_lab, "POST", "done", copy_from="done/c.ipynb")["path"]
    until(lambda: own() == {"done/c.ipynb": "metrics", copy: "metrics"}, 20)
    ask(plain_lab, "DELETE", "done/c.ipynb")
    until(lambda: own() == {copy: "metrics"}, 20)


def test_a_broken_file_does_not_stop_a_rename(plain_lab: Any, settings: Path) -> None:
    ask(plain_lab, "PUT", "x.txt", type="file", format="text", content="x")
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text("{")
    ask(plain_lab, "PATCH", "x.txt", path="y.txt")
    assert settings.read_text() == "{"
