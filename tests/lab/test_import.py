"""What the extension costs a server that only starts."""

from __future__ import annotations

import json
import subprocess
import sys

CODE = """
import json, sys
import jupyter_server.serverapp, jupyter_server.extension.application
before = set(sys.modules)
import baton_lab
baton_lab._jupyter_server_extension_points()
print(json.dumps(sorted(set(sys.modules) - before)))
"""
ALLOWED = {"baton_lab", "baton_contract", "rfc8785"}


def test_importing_the_extension_brings_nothing_but_baton_itself() -> None:
    """Neither MLflow nor httpx: what is heavy is imported when it is first used."""
    ended = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    brought = {name.partition(".")[0] for name in json.loads(ended.stdout)}
    foreign = {name for name in brought if name not in sys.stdlib_module_names}
    assert foreign <= ALLOWED


def test_no_module_of_the_server_side_imports_mlflow() -> None:
    """Only what runs in the kernel may."""
    code = (
        "import sys, baton_lab.events, baton_lab.handover, baton_lab.platform, baton_lab.extension;"
        "assert 'mlflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
