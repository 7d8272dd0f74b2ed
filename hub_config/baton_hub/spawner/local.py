"""Servers as processes on the Hub's own machine, where there is no container runtime."""

from __future__ import annotations

import os
import sys
from math import ceil
from pathlib import Path
from urllib.parse import quote

from jupyterhub.spawner import SimpleLocalProcessSpawner
from traitlets import default

from baton_hub.spawner.curated import CuratedSpawner


class CuratedLocalSpawner(CuratedSpawner, SimpleLocalProcessSpawner):  # type: ignore[misc]
    """Starts a person's server as a process of this machine, by the same policy as on Kubernetes.

    The image is not used: the server runs the platform's own Python, as the Hub's
    own system user, so there is no wall between people. Memory and CPU are counted
    against quotas and told to the server (``MEM_LIMIT``, ``CPU_LIMIT``, thread
    counts), not enforced. For trying out and for demonstrations.
    """

    page_notice = (
        "On this machine the image is not used: servers run the platform's own Python."
        " CPU, memory and GPUs count against your quota, but are not enforced."
    )

    @default("cmd")
    def _own_python(self) -> list[str]:
        return [sys.executable, "-m", "jupyterhub.singleuser"]

    @default("home_dir")
    def _own_home(self) -> str:
        # A name can't lead out of the folder: it has no slash, and does not begin with a dot.
        name = quote(self.user.name, safe="@")
        name = f"%2E{name[1:]}" if name.startswith(".") else name
        return self.home_dir_template.format(username=name)  # type: ignore[no-any-return]

    def get_args(self) -> list[str]:
        """Return the server's arguments; a server of the root user must be told that it may run."""
        args: list[str] = super().get_args()
        return [*args, "--allow-root"] if os.geteuid() == 0 else args

    def get_env(self) -> dict[str, str]:
        """Return the server's environment, with as many threads as its size has CPUs."""
        env = super().get_env()
        programs = str(Path(sys.executable).parent)
        env["PATH"] = os.pathsep.join([programs, env.get("PATH", os.defpath)])
        # Whoever tries the platform out is not asked about the Jupyter project's news.
        env["JUPYTER_CONFIG_PATH"] = str(Path(__file__).with_name("jupyter"))
        # A run must not claim to come from an image that it never saw.
        env.update(BATON_IMAGE="", BATON_IMAGE_DIGEST="")
        if self.spec is not None:
            threads = str(ceil(self.spec.amount.cpu))
            for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
                env.setdefault(name, threads)
        return env

    async def start(self) -> tuple[str, int]:
        """Decide, then start the process; returns where it listens."""
        spec = await self.decide()
        self.cpu_limit = spec.amount.cpu
        self.mem_limit = spec.amount.memory
        where: tuple[str, int] = await super().start()
        self.note_start()
        return where
