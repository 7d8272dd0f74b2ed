"""What Baton adds to a kernel: the %baton magics, and autologging where it is wanted.

IPython loads this package at the start of every kernel of the environment it is
installed in, so it imports next to nothing, and never MLflow.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import Any

PARTS = ("baton_lab.capture.cells", "baton_lab.kernel.autolog", "baton_lab.kernel.magics")
"""Modules whose ``watch`` joins a kernel, each whether or not the others do."""


def load_ipython_extension(shell: Any) -> None:
    """Join a kernel; IPython calls this when it starts. Never raises."""
    for part in PARTS:
        try:
            import_module(part).watch(shell)
        except Exception as error:  # noqa: BLE001 - a kernel is worth more than what joins it
            logging.getLogger("baton").warning("%s did not load: %r", part, error)
