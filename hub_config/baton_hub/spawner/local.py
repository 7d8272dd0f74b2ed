"""Servers as processes on the Hub's own machine, where there is no container runtime."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Collection, Mapping
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyterhub.spawner import SimpleLocalProcessSpawner
from jupyterhub.utils import AnyTimeoutError, exponential_backoff, maybe_future
from traitlets import Unicode, default

from baton_contract import ConflictError
from baton_hub.catalog import Catalog
from baton_hub.catalog.connections import Connection
from baton_hub.policy import ServerSpec
from baton_hub.spawner.curated import CuratedSpawner
from baton_hub.spawner.orphans import end_processes
from baton_hub.spawner.secrets import SecretError, read_secret


class CuratedLocalSpawner(CuratedSpawner, SimpleLocalProcessSpawner):  # type: ignore[misc]
    """Starts a person's server as a process of this machine, by the same policy as on Kubernetes.

    The image is not used: the server runs the platform's own Python, as the Hub's
    own system user, so there is no wall between people. Memory and CPU are counted
    against quotas and told to the server (``MEM_LIMIT``, ``CPU_LIMIT``, thread
    counts), not enforced. Secrets of connections are read from files, laid out as
    Kubernetes mounts a Secret. For trying out and for demonstrations.
    """

    secrets_folder = Unicode(
        "",
        help="Folder with the secrets of data connections: FOLDER/SECRET/KEY is a file with the"
        " value. Empty: no connection that needs a secret can be attached.",
    ).tag(config=True)

    page_notice = (
        "On this machine the image is not used: servers run the platform's own Python."
        " CPU, memory and GPUs count against your quota, but are not enforced."
    )

    _secrets: Mapping[str, str] = {}
    """Values by variable, from the decision until the process has them."""
    _ended = ""
    """The decision of the last server that ended."""

    def prepare(self, spec: ServerSpec, catalog: Catalog) -> None:
        """Read the secrets of the connections; refuse the start when one is not there."""
        self._secrets = {}
        for name in spec.connections:
            connection = catalog.connections[name]
            try:
                self._secrets = {**self._secrets, **self._read_secrets(connection)}
            except SecretError as error:
                self.log.warning("The connection %s can't be attached: %s", name, error)
                raise ConflictError("connection_unavailable", self._why_not(connection)) from None

    def unavailable(self, connections: Mapping[str, Connection]) -> dict[str, str]:
        """Return of each connection whose secrets are not on this machine why, in a sentence."""
        return {n: self._why_not(c) for n, c in connections.items() if not self._has_secrets(c)}

    def _has_secrets(self, connection: Connection) -> bool:
        try:
            self._read_secrets(connection)
        except SecretError:
            return False
        return True

    def _read_secrets(self, connection: Connection) -> dict[str, str]:
        folder = Path(self.secrets_folder) if self.secrets_folder else None
        return {
            variable: read_secret(folder, reference)
            for variable, reference in connection.secrets.items()
        }

    def _why_not(self, connection: Connection) -> str:
        return (
            f"{connection.title} can't be attached: its access data is not on this machine."
            f" Start without it, or ask {self.contact}."
        )

    @default("cmd")
    def _own_python(self) -> list[str]:
        return [sys.executable, "-m", "jupyterhub.singleuser"]

    @default("poll_interval")
    def _look_often(self) -> int:
        # To look costs nothing here, and what ended by itself is counted until somebody looks.
        return 5

    async def wait_for_death(self, timeout: float = 10) -> bool:  # noqa: ASYNC109
        """Tell whether the process ended within so many seconds, as soon as it did.

        JupyterHub looks ever more seldom, and a server's hours end when somebody looks.
        """
        try:
            await exponential_backoff(
                self._is_gone, "It runs still", start_wait=0.05, scale_factor=1, timeout=timeout
            )
        except AnyTimeoutError:
            return False
        return True

    async def _is_gone(self) -> bool:
        return await self.poll() is not None

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
        env.update(self._secrets)
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
        try:
            where: tuple[str, int] = await super().start()
        finally:
            self._secrets = {}
        self.note_start()
        return where

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what ran before the Hub started, if the Hub still knew its process."""
        known = "pid" in state
        super().load_state(state if known else {k: v for k, v in state.items() if k != "baton"})

    def clear_state(self) -> None:
        """Forget the server, but for the decision whose processes have to be gone."""
        if self.booking is not None:
            self._ended = self.booking.id
        super().clear_state()

    async def run_post_stop_hook(self) -> None:
        """End what the server started and left behind, so that nothing runs on uncounted.

        The Hub calls this in every stop, also when the server ended by itself.
        """
        # The state is cleared already where JupyterHub saw the process end.
        await self.end_lost({self.booking.id if self.booking else self._ended} - {""})
        await maybe_future(super().run_post_stop_hook())

    async def end_lost(self, ids: Collection[str]) -> None:
        """End the processes of these decisions; they carry the decision's id."""
        await asyncio.to_thread(end_processes, ids)
