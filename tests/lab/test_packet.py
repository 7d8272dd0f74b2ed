"""Gathering a packet from a real MLflow, in this process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from baton_contract import BadRequestError, NotFoundError, TooLargeError
from baton_lab.mlmodel import parse_mlmodel, parse_signature
from baton_lab.origin import datasets_of, executed_in_order, trace
from baton_lab.packet import Limits, Request, gather, load_request
from baton_lab.tracking import Tracking


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


async def test_a_model_over_the_limit_is_refused_before_it_is_fetched(
    tracking: Tracking, request_: Request, tmp_path: Path
) -> None:
    limits = Limits(max_bytes=1000, replay_timeout=60)
    with pytest.raises(TooLargeError) as refused:
        await gather(tracking, request_, tmp_path, read_file=no_file, limits=limits, told=silent)
    assert refused.value.code == "packet_too_large"
    assert "operations" in refused.value.message
    assert not list(tmp_path.rglob("*"))


async def test_an_example_over_the_limit_is_refused_with_what_to_do(
    tracking: Tracking, request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole training set logged as the example fits the files' limit, but no packet."""
    monkeypatch.setattr("baton_lab.packet.PACKET_BYTES", 1000)
    limits = Limits(max_bytes=2**30, replay_timeout=60)
    with pytest.raises(TooLargeError) as refused:
        await gather(tracking, request_, tmp_path, read_file=no_file, limits=limits, told=silent)
    assert refused.value.code == "packet_too_large"
    assert "input_example=X.head(3)" in refused.value.message


RUN: dict[str, Any] = {
    "info": {"run_id": "r", "experiment_id": "1", "artifact_uri": "mlflow-artifacts:/1/r"},
    "data": {
        "tags": [
            {"key": "baton.notebook.path", "value": "work/tumours.ipynb"},
            {"key": "baton.cell", "value": "c7"},
            {"key": "mlflow.source.git.commit", "value": "a" * 40},
            {
                "key": "mlflow.source.git.repoURL",
                "value": "https://me:ghp_secret@git.example.org/team/repo.git",
            },
        ]
    },
}


async def test_a_notebook_that_is_gone_is_left_out_and_the_rest_stays(tracking: Tracking) -> None:
    origin = await trace(tracking, RUN, no_file)
    assert origin.notebook is None
    assert origin.source["notebook"] is None
    assert origin.source["cell"] == "c7"


async def captured_run(tracking: Tracking, text: bytes, digest: str, **tags: str) -> Any:
    """Return a run whose notebook was captured as ``text``, said to have that digest."""
    await tracking.upload("mlflow-artifacts:/1/baton/notebooks", f"{digest}.ipynb", text)
    snapshot = f"mlflow-artifacts:/1/baton/notebooks/{digest}.ipynb"
    said = {"baton.notebook.snapshot": snapshot, "baton.notebook.sha256": digest, **tags}
    pairs = [{"key": key, "value": value} for key, value in said.items()]
    return {**RUN, "data": {"tags": [*RUN["data"]["tags"], *pairs]}}


async def edited(path: str) -> bytes:
    """Stand for a home in which the notebook was changed since, and holds a secret."""
    return b'{"cells": [{"cell_type": "code", "source": "password = \'hunter22\'"}]}'


async def test_the_notebook_of_a_packet_is_the_one_that_ran(tracking: Tracking) -> None:
    text = json.dumps({"cells": []}).encode()
    digest = hashlib.sha256(text).hexdigest()
    run = await captured_run(tracking, text, digest, **{"baton.notebook.in_order": "false"})
    origin = await trace(tracking, run, edited)
    assert origin.notebook == ("notebook/tumours.ipynb", text)
    assert origin.source["notebook"] == {
        "path": "work/tumours.ipynb",
        "sha256": digest,
        "snapshot": "notebook/tumours.ipynb",
        "executed_in_order": False,
    }


async def test_a_snapshot_that_is_not_what_its_tag_says_is_passed_over(tracking: Tracking) -> None:
    """Then the file as it is now stands for it, its secrets masked."""
    run = await captured_run(tracking, b'{"cells": [1]}', "0" * 64)
    origin = await trace(tracking, run, edited)
    assert origin.notebook is not None
    assert b"hunter22" not in origin.notebook[1]
    assert b"password = '[masked]'" in origin.notebook[1]


async def test_a_remote_is_told_without_its_password(tracking: Tracking) -> None:
    git = (await trace(tracking, RUN, no_file)).source["git"]
    assert git == {
        "remote": "https://git.example.org/team/repo.git",
        "commit": "a" * 40,
        "dirty": None,
    }


@pytest.mark.parametrize(
    ("counts", "in_order"),
    [([1, 2, 5], True), ([2, 1], False), ([1, 1], False), ([1, None], None), ([], None)],
)
def test_in_order_means_that_execution_counts_only_rise(
    counts: list[int | None], in_order: bool | None
) -> None:
    cells = [{"cell_type": "code", "source": "x", "execution_count": count} for count in counts]
    cells.append({"cell_type": "code", "source": " ", "execution_count": None})
    assert executed_in_order(json.dumps({"cells": cells}).encode()) is in_order


@pytest.mark.parametrize(
    "text",
    [
        *(b"", b"[]", b"flavors: 3", b"a: [", b"\xff\xfe", b"flavors: {}", b"[" * 5000),
        b"flavors: {a: {}}\nsignature: {inputs: '5'}",
        b"flavors: {a: {}}\nsignature: {inputs: '[{\"shape\": [[]]}]'}",
    ],
)
def test_what_is_no_mlmodel_file_is_not_a_model(text: bytes) -> None:
    with pytest.raises(BadRequestError) as refused:
        parse_mlmodel(text)
    assert refused.value.code == "not_a_model"


@pytest.mark.parametrize("climbing", ["../secret.json", "{root}/secret.json"])
def test_an_example_is_read_from_the_models_own_folder_only(tmp_path: Path, climbing: str) -> None:
    """Whoever logged a model must not get a file of the person who hands it over."""
    (tmp_path / "model").mkdir()
    (tmp_path / "secret.json").write_text('{"inputs": "a secret"}')
    info = {"artifact_path": climbing.format(root=tmp_path), "type": "dataframe"}
    with pytest.raises(BadRequestError) as refused:
        load_request(tmp_path / "model", info)
    assert refused.value.code == "unsafe_path"


def test_a_signature_may_hold_columns_tensors_and_params() -> None:
    tensor = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28]}}
    signature = parse_signature(
        {
            "inputs": json.dumps([{"name": "age", "type": "long", "required": False}]),
            "outputs": json.dumps([tensor]),
            "params": json.dumps([{"name": "k", "type": "integer", "default": 3, "shape": None}]),
        }
    )
    assert signature["inputs"] == [
        {"name": "age", "type": "long", "required": False, "shape": None}
    ]
    assert signature["outputs"] == [
        {"name": None, "type": "float32", "required": True, "shape": [-1, 28]}
    ]
    assert signature["params"] == [
        {"name": "k", "type": "integer", "required": False, "shape": None}
    ]


@pytest.mark.parametrize(
    ("kind", "source", "shown"),
    [
        ("code", '{"tags": {"mlflow.source.name": "/somewhere/train.py"}}', "made in code"),
        (
            "http",
            '{"url": "https://name:secret@data.example.org/t.csv"}',
            "https://data.example.org/t.csv",
        ),
        ("s3", '{"uri": "s3://bucket/table"}', "s3://bucket/table"),
        ("custom", "not json", "not json"),
        ("custom", "[1]", "custom"),
    ],
)
def test_a_datasets_source_is_its_place_and_not_the_senders_machine(
    kind: str, source: str, shown: str
) -> None:
    dataset = {"name": "t", "digest": "d1", "source_type": kind, "source": source}
    run = {"inputs": {"dataset_inputs": [{"dataset": dataset}]}}
    assert datasets_of(run) == [{"name": "t", "digest": "d1", "source": shown}]
