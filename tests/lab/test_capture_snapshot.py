"""A snapshot is the notebook that ran: what is saved, with what was executed laid over it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from baton_lab.capture import snapshot
from baton_lab.capture.cells import Executed, load_executed
from baton_lab.capture.mask import Mask
from baton_lab.capture.snapshot import Snapshot, parse_notebook, take_snapshot

NOTHING = Mask([])


def cell(name: str, source: str, **more: Any) -> dict[str, Any]:
    made = {"cell_type": "code", "id": name, "metadata": {}, "source": source}
    return {**made, "outputs": [], "execution_count": None, **more}


def notebook(*cells: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5, **more}


def ran(name: str | None, count: int, source: str, *deleted: str) -> Executed:
    return Executed(cell=name, count=count, source=source, deleted=deleted)


def sources(taken: Snapshot) -> list[str]:
    return ["".join(one["source"]) for one in json.loads(taken.content)["cells"]]


def test_what_was_executed_stands_over_what_is_saved() -> None:
    """JupyterLab does not save when a cell runs."""
    saved = notebook(cell("a", "x = 1"), cell("b", "train(x)", outputs=[{"output_type": "old"}]))
    taken = take_snapshot(saved, [ran("a", 1, "x = 2"), ran("b", 2, "train(x)")], NOTHING)
    assert sources(taken) == ["x = 2", "train(x)"]
    first, second = json.loads(taken.content)["cells"]
    assert (first["execution_count"], second["execution_count"]) == (1, 2)
    assert second["outputs"] == [{"output_type": "old"}]
    assert taken.cell == "b"
    assert taken.in_order is True
    assert taken.left_out == ""


def test_outputs_of_a_source_that_is_gone_are_not_shown_with_another() -> None:
    saved = notebook(cell("a", "x = 1", outputs=[{"output_type": "old"}]))
    taken = take_snapshot(saved, [ran("a", 1, "x = 2")], NOTHING)
    assert json.loads(taken.content)["cells"][0]["outputs"] == []


def test_the_same_notebook_gives_the_same_bytes() -> None:
    saved = notebook(cell("a", "ü = 1"))
    first = take_snapshot(saved, [ran("a", 1, "ü = 1")], NOTHING)
    again = take_snapshot(json.loads(json.dumps(saved)), [ran("a", 1, "ü = 1")], NOTHING)
    assert first.content == again.content
    assert first.sha256 == again.sha256


def test_a_file_that_is_what_ran_is_kept_byte_by_byte() -> None:
    saved = notebook(cell("a", "1", execution_count=3))
    text = json.dumps(saved).encode()
    assert take_snapshot(saved, [ran("a", 3, "1")], NOTHING, text).content == text
    assert take_snapshot(saved, [ran("a", 4, "1")], NOTHING, text).content != text
    assert take_snapshot(saved, [ran("a", 3, "1")], Mask(["nbformat_minor"]), text).content != text


def test_a_source_that_is_no_text_is_kept_as_json_says_it() -> None:
    taken = take_snapshot(None, [ran("a", 1, "x = '\ud800'")], NOTHING)
    assert sources(taken) == ["x = '\ud800'"]
    assert taken.content.decode("utf-8")


def test_a_new_cell_stands_behind_the_one_that_ran_before_it() -> None:
    saved = notebook(cell("a", "1"), cell("z", "9"))
    taken = take_snapshot(saved, [ran("a", 1, "1"), ran("new", 2, "2")], NOTHING)
    assert sources(taken) == ["1", "2", "9"]
    assert taken.in_order is True


def test_a_cell_that_was_deleted_since_the_save_is_gone() -> None:
    saved = notebook(cell("a", "1"), cell("b", "2"), cell("c", "3"))
    taken = take_snapshot(saved, [ran("a", 1, "1"), ran("c", 2, "3", "b")], NOTHING)
    assert sources(taken) == ["1", "3"]
    assert taken.in_order is True


@pytest.mark.parametrize(
    ("runs", "in_order"),
    [
        (["a", "b", "c"], True),
        (["a", "b"], True),  # Only down to the cell that runs.
        (["a"], True),
        (["c"], False),  # What stands above was not run by this kernel.
        (["b", "a", "c"], False),
        (["a", "b", "c", "b", "c"], True),
        (["a", "b", "c", "a", "c"], False),
        ([], None),
    ],
)
def test_in_order_looks_at_the_cells_down_to_the_running_one(
    runs: list[str], in_order: bool | None
) -> None:
    saved = notebook(cell("a", "1"), cell("b", "2"), cell("empty", " "), cell("c", "3"))
    saved["cells"].insert(0, {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "#"})
    text = {"a": "1", "b": "2", "c": "3"}
    executed = [ran(name, count, text[name]) for count, name in enumerate(runs, 1)]
    assert take_snapshot(saved, executed, NOTHING).in_order is in_order


def test_counts_of_an_earlier_kernel_say_nothing_of_this_one() -> None:
    saved = notebook(cell("a", "1", execution_count=1), cell("b", "2", execution_count=2))
    assert take_snapshot(saved, [ran("b", 3, "2")], NOTHING).in_order is False


def test_a_notebook_without_a_file_is_made_of_what_ran() -> None:
    taken = take_snapshot(None, [ran("a", 1, "1"), ran("b", 2, "2"), ran("a", 3, "3")], NOTHING)
    assert sources(taken) == ["3", "2"]
    assert json.loads(taken.content)["nbformat"] == 4
    unnamed = take_snapshot(None, [ran(None, 1, "1"), ran(None, 2, "2")], NOTHING)
    assert sources(unnamed) == ["1", "2"]
    assert len({one["id"] for one in json.loads(unnamed.content)["cells"]}) == 2


def test_where_no_client_names_cells_they_are_known_by_what_stands_in_them() -> None:
    """As with papermill and nbconvert; the second of two equal cells is the second run."""
    saved = notebook(cell("a", ["step", "()"]), cell("b", "step()"), cell("c", "end()"))
    saved["cells"][0]["source"] = ["ste", "p()"]
    taken = take_snapshot(saved, [ran(None, 1, "step()"), ran(None, 2, "step()")], NOTHING)
    assert taken.cell == "b"
    assert taken.in_order is True
    assert len(sources(taken)) == 3


def test_cells_of_an_old_format_have_no_ids_and_get_none() -> None:
    """JupyterLab makes ids up for them, and saves the notebook without."""
    old = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": []}
    saved = notebook(old, nbformat_minor=4)
    taken = take_snapshot(saved, [ran("made-up", 1, "1"), ran("more", 2, "2")], NOTHING)
    assert sources(taken) == ["1", "2"]
    assert all("id" not in one for one in json.loads(taken.content)["cells"])


def test_a_notebook_too_large_is_kept_without_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "LARGEST", 2000)
    large = {"output_type": "stream", "name": "stdout", "text": ["x" * 3000]}
    saved = notebook(cell("a", "1", outputs=[large]), cell("b", "2"))
    taken = take_snapshot(saved, [ran("a", 1, "1")], NOTHING)
    assert sources(taken) == ["1", "2"]
    assert taken.left_out.startswith("outputs (")
    saved["cells"][1]["source"] = "y" * 3000
    taken = take_snapshot(saved, [ran("a", 1, "1")], NOTHING)
    assert sources(taken) == ["1"]
    assert taken.left_out.startswith("all but the code that ran")


def test_secrets_are_taken_out_of_every_part(tmp_path: Path) -> None:
    secret = "0123456789secret"
    output = {"output_type": "stream", "name": "stdout", "text": [f"token {secret}\n", "more\n"]}
    html = {"output_type": "display_data", "metadata": {}, "data": {"text/html": f"<b>{secret}"}}
    saved = notebook(cell("a", "show()", outputs=[output, html]), metadata={"note": secret})
    taken = take_snapshot(saved, [ran("b", 1, f"call('{secret}')")], Mask([secret]))
    assert secret.encode() not in taken.content
    assert json.loads(taken.content)["cells"][0]["outputs"][0]["text"] == [
        "token [masked]\n",
        "more\n",
    ]


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{", b'{"cells": 1}', b'{"cells": [1]}', b"[" * 100_000, b'{"worksheets": []}'],
)
def test_what_is_no_notebook_is_none(text: bytes) -> None:
    assert parse_notebook(text) is None


def test_executions_are_read_up_to_the_run_and_past_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "k-1.jsonl"
    lines = [
        {"cell": "a", "count": 1, "source": "1"},
        {"cell": "b", "count": 2, "source": "2", "deleted": ["x"]},
        {"cell": "a", "count": 3},
        {"cell": "c", "count": 4, "source": "4"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + '\n{"cell": "d", "cou')
    assert load_executed(path, 3) == [
        ran("a", 1, "1"),
        ran("b", 2, "2", "x"),
        ran("a", 3, "1"),
    ]
    assert len(load_executed(path, None)) == 4
    assert load_executed(tmp_path / "gone", 1) == []
