"""What Baton adds to a kernel: the %baton magics, and autologging where it is wanted.

IPython loads this package at the start of every kernel of the environment it is
installed in, so it imports next to nothing, and never MLflow.
"""

from __future__ import annotations

from typing import Any


def load_ipython_extension(shell: Any) -> None:
    """Join a kernel; IPython calls this when it starts."""
    from baton_lab.capture import cells
    from baton_lab.kernel import autolog

    cells.watch(shell)
    autolog.watch(shell)
