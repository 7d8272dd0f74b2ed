"""What MLflow's own autologging covers, held against what Baton turns on of it."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from baton_lab.kernel.autolog import LIBRARIES

# In a process of its own: MLflow takes seconds, and stays.
READ = """
import inspect, json
from mlflow.tracking import fluent
from baton_lab import autologging
code = inspect.unwrap(fluent.autolog).__code__
def constants(code):
    for one in code.co_consts:
        if isinstance(one, tuple):
            yield from one
        else:
            yield one
print(json.dumps([
    [one for one in constants(code) if isinstance(one, str)],
    autologging.TRACES + autologging.OTHERS,
    {word: autologging.options(word) for word in ("off", "metrics", "models")},
    list(inspect.signature(fluent.autolog).parameters),
]))
"""


def _read() -> Any:
    ended = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=True)
    return json.loads(ended.stdout.splitlines()[-1])


def test_each_of_mlflows_integrations_is_waited_for_or_left_out() -> None:
    """A new one in MLflow's own table is a decision to take."""
    constants, left_out, options, parameters = _read()
    flavours = {one.removeprefix("mlflow.") for one in constants if one.startswith("mlflow.")}
    assert "sklearn" in flavours, "MLflow's table is read where it is"
    covered = {"pytorch" if "lightning" in name else name for name in LIBRARIES}
    assert flavours - set(left_out) == covered
    assert set(left_out) <= flavours
    assert set(constants) >= LIBRARIES
    for said in options.values():
        assert set(said) <= set(parameters)
    assert not any(options["metrics"].values())
    assert all(options["models"].values())
