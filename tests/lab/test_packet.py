"""Gathering a packet from a real MLflow, in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from baton_contract import NotFoundError, TooLargeError, packet_digest
from baton_lab.packet import Limits, Request, gather
from baton_lab.tracking import Tracking

ENOUGH = Limits(max_bytes=10**9, replay_timeout=60)


def silent(_step: str, _progress: float | None) -> None:
    """Tell nobody."""


async def no_file(path: str) -> bytes:
    """Stand for a home from which the notebook is gone."""
    raise NotFoundError("no_file", path)


@pytest.fixture
async def tracking(mlflow: Any) -> AsyncIterator[Tracking]:
    client = Tracking(mlflow.url, "scientist-token", timeout=30)
    yield client
    await client.close()


@pytest.fixture
async def request_(tracking: Tracking, trained: Any) -> Request:
    name = "gathered"
    await tracking.create_registered_model(name)
    made = await tracking.create_version(
        name,
        source=f"models:/{trained.model_id}",
        run_id=trained.run_id,
        model_id=trained.model_id,
    )
    return Request(model=name, version=str(made["version"]), team="app-developers")


async def test_gathering_twice_gives_the_same_packet(
    tracking: Tracking, request_: Request, tmp_path: Path
) -> None:
    """So a handover that broke off is resumed under the same digest. The lost notebook is null."""
    digests = []
    for name in ("first", "second"):
        packet = await gather(
            tracking, request_, tmp_path / name, read_file=no_file, limits=ENOUGH, told=silent
        )
        digests.append(packet_digest(packet))
        assert packet["source"]["notebook"] is None
    assert digests[0] == digests[1]


async def test_a_model_over_the_limit_is_refused_before_it_is_fetched(
    tracking: Tracking, request_: Request, tmp_path: Path
) -> None:
    limits = Limits(max_bytes=1000, replay_timeout=60)
    with pytest.raises(TooLargeError) as refused:
        await gather(tracking, request_, tmp_path, read_file=no_file, limits=limits, told=silent)
    assert refused.value.code == "packet_too_large"
    assert "operations" in refused.value.message
    assert not list(tmp_path.rglob("*"))
