"""What running and starting servers take, so that limits hold exactly."""

from __future__ import annotations

from threading import Lock

from baton_hub.catalog.model import Quotas
from baton_hub.policy import ServerSpec
from baton_hub.quota import Use, admit, amount_of


class Reservations:
    """The Hub's one account of resources in use, by person and server name.

    `reserve` decides and books in one step under a lock, with nothing awaited in
    between: however many ask at once, no limit is passed. A server's booking
    stands from the decision until `release`, which may be called any number of
    times. After a Hub restart, `restore` books what is still running, without
    asking: what runs can't be refused any more.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._uses: dict[tuple[str, str], Use] = {}

    def reserve(self, server: str, spec: ServerSpec, quotas: Quotas) -> None:
        """Book a server, or raise the refusal and book nothing."""
        key = (spec.user, server)
        with self._lock:
            others = [use for booked, use in self._uses.items() if booked != key]
            decision = admit(spec, others, quotas)
            if not decision.allowed:
                raise decision.refusal()
            self._uses[key] = Use(spec.user, spec.groups, amount_of(spec))

    def restore(self, server: str, use: Use) -> None:
        """Book a server that runs already."""
        with self._lock:
            self._uses[(use.user, server)] = use

    def release(self, user: str, server: str) -> None:
        """Take a server's booking back, if there is one."""
        with self._lock:
            self._uses.pop((user, server), None)

    def uses(self, *, besides: tuple[str, str] | None = None) -> tuple[Use, ...]:
        """Return all that is booked, without the one of person and server name ``besides``."""
        with self._lock:
            return tuple(use for key, use in self._uses.items() if key != besides)
