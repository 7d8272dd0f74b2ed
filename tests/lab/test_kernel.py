"""What joins every kernel costs next to nothing, and what fails of it keeps no kernel back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.lab.magic_kernel import start_kernel

LIMIT = 0.010
"""Seconds of work that a kernel's start may cost; elsewhere IPython takes some 300 ms."""
HEAVY = {"mlflow", "pandas", "numpy", "matplotlib", "requests", "httpx", "sqlalchemy", "polars"}
COST = """
import time
import ipykernel.ipkernel, ipykernel.kernelapp, ipykernel.zmqshell, jupyter_core.paths
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
shell.kernel = None
began = time.thread_time()
from baton_lab.kernel import load_ipython_extension
load_ipython_extension(shell)
print(time.thread_time() - began)
"""


def python(code: str, home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"HOME": str(home)},
    )
    return done.stdout + done.stderr


def test_a_kernel_starts_without_anything_heavy(tmp_path: Path) -> None:
    with start_kernel(tmp_path) as kernel:
        loaded = "sorted({name.partition('.')[0] for name in __import__('sys').modules})"
        found = kernel.run(f"print(*{loaded})").printed.split()
        assert "baton_lab" in found
        assert not HEAVY & set(found)
        own = "[name for name in __import__('sys').modules if name[:16] == 'baton_lab.kernel']"
        assert set(kernel.run(f"print(*{own})").printed.split()) == {
            "baton_lab.kernel",
            "baton_lab.kernel.autolog",
            "baton_lab.kernel.autolog_imports",
            "baton_lab.kernel.magics",
            "baton_lab.kernel.marked",
        }


def test_joining_a_kernel_takes_little_work(tmp_path: Path) -> None:
    """The least of several starts: others use this machine too."""
    assert min(float(python(COST, tmp_path)) for _ in range(7)) <= LIMIT


@pytest.mark.parametrize("broken", ["capture.cells", "kernel.autolog", "kernel.magics"])
def test_a_part_that_fails_keeps_the_others(broken: str, tmp_path: Path) -> None:
    code = f"""
import sys, types
from IPython.core.interactiveshell import InteractiveShell
sys.modules["baton_lab.{broken}"] = types.ModuleType("broken")
shell = InteractiveShell()
shell.kernel = types.SimpleNamespace(parent=None)
from baton_lab.kernel import load_ipython_extension
load_ipython_extension(shell)
shell.run_cell("print('works', hasattr(shell, 'baton_watch'), hasattr(shell, 'baton_autolog'))")
print("baton" in shell.magics_manager.magics["line"])
"""
    code = code.replace("print('works', hasattr(shell,", "print('works', hasattr(get_ipython(),")
    code = code.replace("), hasattr(shell,", "), hasattr(get_ipython(),")
    lines = python(code, tmp_path).splitlines()
    names = ["capture.cells", "kernel.autolog", "kernel.magics"]
    cells, autolog, magics = (name != broken for name in names)
    assert f"works {cells} {autolog}" in lines
    assert str(magics) in lines
    logged = [line for line in lines if "did not load" in line]
    assert len(logged) == 1
    assert f"baton_lab.{broken} did not load" in logged[0]
