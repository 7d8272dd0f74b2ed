"""What stands after %baton is understood, or refused in one sentence; cells keep their lines."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.error import UsageError

from baton_lab.kernel.arguments import parse
from baton_lab.kernel.marked import Cells, unfold


def test_words_make_one_name() -> None:
    assert parse("experiment churn 2026").name == "churn 2026"
    assert parse('experiment "a  b"').name == "a  b"
    assert parse("experiment team/größe/猫").name == "team/größe/猫"
    assert parse("experiment").name is None
    assert parse("").command == "status"


def test_tags_are_taken_apart_at_the_first_sign() -> None:
    asked = parse("run first try --tag a=b=c -t 'data set'=v2 --tag empty=")
    assert (asked.name, asked.tags) == ("first try", {"a": "b=c", "data set": "v2", "empty": ""})


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("stauts", "Did you mean 'status'?"),
        ("Log x", "Did you mean 'log'?"),
        ("zzz", "It knows autolog, experiment"),
        ("experiment ''", "can't be empty"),
        ("experiment '  '", "can't be empty"),
        ("run ''", "can't be empty"),
        ("experiment " + "ü" * 257, "may have 256 characters; this one has 257"),
        ("run " + "ü" * 251, "may have 250 characters; this one has 251"),
        ("run a --tag " + "k" * 251 + "=v", "a tag may have 250 characters"),
        ("run a --tag k=" + "v" * 8001, "A tag's value may have 8000 characters"),
        ("experiment 'a\x1b[31m'", "can't be shown"),
        ("experiment ada's", "A quotation mark is not closed"),
        ("run a --tag x", "A tag is KEY=VALUE, and not 'x'"),
        ("run a --tag =x", "A tag is KEY=VALUE"),
        ("run a --tag", "expected one argument"),
        ("run a --tga x=y", "unrecognized arguments"),
        ("log", "the following arguments are required: NAME"),
        ("log a b --as c", "--as names one thing"),
        ("status now", "unrecognized arguments: now"),
    ],
)
def test_a_mistake_is_one_sentence(line: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(line)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


CALL = "get_ipython().run_line_magic('baton', 'run a')\n"


@pytest.mark.parametrize(
    ("cell", "becomes"),
    [
        ("%%baton run a\nx\n", CALL + "x\n"),
        ("%%baton   run a  \n\n\nx\n", CALL + "\n\nx\n"),
        ("%%baton run a\n", CALL),
        ("%%baton\nx\n", "get_ipython().run_line_magic('baton', '')\nx\n"),
        (
            "%%baton run a\n%%time\nx\n",
            CALL + "get_ipython().run_cell_magic('time', '', 'x\\n')\n",
        ),
        ("%%baton run a\n%%baton run a\nx\n", CALL + CALL + "x\n"),
        ("%%batons\nx\n", "%%batons\nx\n"),
        ("%%baton?\n", "%%baton?\n"),
        ("x\n%%baton run a\n", "x\n%%baton run a\n"),
    ],
)
def test_a_cell_keeps_its_lines(cell: str, becomes: str) -> None:
    assert "".join(unfold(cell.splitlines(keepends=True))) == becomes


def test_no_cell_at_all_is_left_alone() -> None:
    assert unfold([]) == []


def result(info: Any, error: BaseException | None = None) -> Any:
    return SimpleNamespace(info=info, error_in_exec=error, error_before_exec=None)


def test_a_cell_within_a_cell_ends_its_own_alone() -> None:
    cells, said = Cells(), list[str]()
    outer, inner = SimpleNamespace(raw_cell="outer"), SimpleNamespace(raw_cell="inner")
    cells.begin(outer)
    assert cells.at_end(lambda status: said.append(f"outer {status}"))
    cells.begin(inner)
    assert cells.at_end(lambda status: said.append(f"inner {status}"))
    cells.end(result(inner, ValueError()))
    assert said == ["inner FAILED"]
    cells.end(result(outer))
    assert said == ["inner FAILED", "outer FINISHED"]
    assert not cells.at_end(said.append)


def test_a_cell_that_ended_unseen_ends_with_the_one_around_it() -> None:
    cells, said = Cells(), list[str]()
    outer = SimpleNamespace(raw_cell="outer")
    cells.begin(outer)
    cells.begin(SimpleNamespace(raw_cell="lost"))
    cells.at_end(said.append)
    cells.end(result(SimpleNamespace(raw_cell="of no cell")))
    assert said == []
    cells.end(result(outer, KeyboardInterrupt()))
    assert said == ["KILLED"]


def test_a_cell_of_which_nothing_is_left_was_interrupted() -> None:
    """The kernel has no result of a cell that it cancelled while it awaited something."""
    cells, said = Cells(), list[str]()
    cells.begin(SimpleNamespace(raw_cell="await x"))
    cells.at_end(said.append)
    cells.end(None)
    cells.end(None)
    assert said == ["KILLED"]
