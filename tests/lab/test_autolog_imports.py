"""The hook that waits for an import: it changes nothing of what it waits for."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from baton_lab.kernel.autolog_imports import Imports

FILES = {
    "bt_inner.py": "HALF = []\n",
    "bt_outer.py": "import bt_inner\nEND = True\n",
    "bt_pack/__init__.py": "import bt_inner\n",
    "bt_pack/deep.py": "END = True\n",
    "bt_broken.py": "import bt_inner\nraise ValueError('broken')\n",
    "bt_other.py": "",
    "bt_slow.py": "import bt_gate; bt_gate.wait()\n",
    "bt_gate.py": "import threading\nbegun, go = threading.Event(), threading.Event()\n"
    "def wait():\n    begun.set()\n    assert go.wait(30)\n",
}
NAMES = {"bt_inner", "bt_outer", "bt_pack", "bt_pack.deep", "bt_broken", "bt_slow", "bt_absent"}


@pytest.fixture
def done() -> list[set[str]]:
    """What is imported at each time the hook tells."""
    return []


@pytest.fixture
def imports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: list[set[str]]
) -> Iterator[Imports]:
    for name, source in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    made = Imports(NAMES, lambda: done.append({n for n in sys.modules if n.startswith("bt_")}))
    made.begin()
    yield made
    made.end()
    for name in [name for name in sys.modules if name.startswith("bt_")]:
        del sys.modules[name]


def test_it_tells_right_after_the_import(imports: Imports, done: list[set[str]]) -> None:
    importlib.import_module("bt_other")
    assert done == []
    importlib.import_module("bt_inner")
    assert done == [{"bt_other", "bt_inner"}]
    importlib.import_module("bt_inner")
    assert len(done) == 1


def test_it_waits_for_the_outermost_of_them(imports: Imports, done: list[set[str]]) -> None:
    """What is done then finds no module half made."""
    outer = importlib.import_module("bt_outer")
    assert done == [{"bt_outer", "bt_inner"}]
    assert outer.END


def test_submodules_are_found(imports: Imports, done: list[set[str]]) -> None:
    importlib.import_module("bt_pack.deep")
    assert done[-1] == {"bt_pack", "bt_pack.deep", "bt_inner"}


def test_a_module_keeps_its_own_loader(imports: Imports) -> None:
    """Source, data files and reloading are as without."""
    module = importlib.import_module("bt_outer")
    assert module.__spec__ is not None
    assert type(module.__spec__.loader).__name__ == "SourceFileLoader"
    assert module.__loader__ is module.__spec__.loader
    assert inspect.getsource(module) == FILES["bt_outer.py"]
    assert importlib.reload(module).END


def test_looking_for_a_module_is_no_import(imports: Imports, done: list[set[str]]) -> None:
    spec = importlib.util.find_spec("bt_inner")
    assert spec is not None
    assert spec.loader is not None
    assert spec.loader.get_filename("bt_inner").endswith("bt_inner.py")  # type: ignore[attr-defined]
    assert done == []


def test_an_import_that_fails_fails_as_without(imports: Imports, done: list[set[str]]) -> None:
    with pytest.raises(ValueError, match="broken"):
        importlib.import_module("bt_broken")
    with pytest.raises(ModuleNotFoundError, match="No module named 'bt_absent'"):
        importlib.import_module("bt_absent")
    assert done == []
    importlib.import_module("bt_outer")
    assert len(done) == 1


def test_what_another_thread_imports_delays_nobody(
    imports: Imports, done: list[set[str]], until: Callable[..., object]
) -> None:
    gate = importlib.import_module("bt_gate")
    slow = threading.Thread(target=importlib.import_module, args=("bt_slow",))
    slow.start()
    assert gate.begun.wait(30)
    importlib.import_module("bt_inner")
    assert len(done) == 1
    gate.go.set()
    slow.join(30)
    assert len(done) == 2


def test_after_its_end_nothing_is_left(imports: Imports, done: list[set[str]]) -> None:
    imports.begin()
    imports.end()
    assert imports not in sys.meta_path
    importlib.import_module("bt_outer")
    assert done == []
