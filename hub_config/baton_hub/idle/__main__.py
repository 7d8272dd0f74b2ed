"""``python -m baton_hub.idle``: the culler, as the Hub starts it beside itself."""

from __future__ import annotations

import os

from jupyterhub_idle_culler import IdleCuller

from baton_hub.idle.culler import Arbiter
from baton_hub.up.processes import die_with_parent

EVERY, HUB = "BATON_CULL_EVERY", "BATON_HUB_PID"
"""The environment variables that say how often to look, in seconds, and whose child this is."""


def main() -> None:
    """Look at all servers every so often, and stop those that the Hub says are due."""
    # A Hub that is killed must not leave a culler behind; the next Hub starts its own.
    die_with_parent()
    if os.getppid() != int(os.environ[HUB]):
        return  # It was killed before it could be watched.
    arbiter = Arbiter(os.environ["JUPYTERHUB_API_URL"], os.environ["JUPYTERHUB_API_TOKEN"])
    # Its settings are the Hub's alone: no file of the working directory, no arguments.
    IdleCuller.launch_instance(
        argv=[],
        config_file="",
        cull_every=int(os.environ[EVERY]),
        cull_arbiter_hook=arbiter,
    )


if __name__ == "__main__":
    main()
