"""Where a person's machine keeps what Baton needs there, and which MLflow is the platform's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

ADDRESS = "BATON_TRACKING_URI"
"""The platform's MLflow. MLflow's own variable follows what a notebook chooses, this does not."""


def platform_address(environ: Mapping[str, str] = os.environ) -> str:
    """Return the address of the platform's MLflow, without a slash at the end; "" without one.

    Where no Hub of Baton's started this process (CI, a laptop), it is the address that
    MLFLOW_TRACKING_URI named when Baton's part was loaded.
    """
    address = environ.get(ADDRESS) or environ.get("MLFLOW_TRACKING_URI", "")
    return address.rstrip("/") if address.startswith(("http://", "https://")) else ""


def spool_folder(address: str) -> Path:
    """Return the folder that keeps what is to be sent to ``address``.

    One folder an address: a home that two platforms share never sends to the wrong one.
    """
    return spools_folder() / hashlib.sha256(address.rstrip("/").encode()).hexdigest()[:16]


def spools_folder() -> Path:
    """Return the folder with the spools of all addresses, on the home volume."""
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "baton" / "spool"


def runtime_folder() -> Path:
    """Return the folder of what lasts as long as the server: the token, the way to wake it."""
    from jupyter_core.paths import jupyter_runtime_dir

    return Path(jupyter_runtime_dir()) / "baton"


def wake_path() -> Path:
    """Return the socket at which the Jupyter server hears that something was kept."""
    return runtime_folder() / "wake"
