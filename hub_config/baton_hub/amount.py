"""What servers take: the currency of quotas, budgets and the record of use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from baton_hub.units import render_cpu, render_memory

NO_GPUS: Mapping[str, int] = MappingProxyType({})


def _no_gpus() -> Mapping[str, int]:
    return NO_GPUS


@dataclass(frozen=True)
class Amount:
    """What one server, or several together, take. ``memory`` in bytes, ``gpus`` by kind."""

    servers: int = 0
    cpu: float = 0.0
    memory: int = 0
    gpus: Mapping[str, int] = field(default_factory=_no_gpus)

    def __add__(self, other: Amount) -> Amount:
        return self._combined(other, 1)

    def __sub__(self, other: Amount) -> Amount:
        return self._combined(other, -1)

    def _combined(self, other: Amount, sign: int) -> Amount:
        gpus = self.gpus
        if other.gpus:
            kinds = {**self.gpus, **other.gpus}
            sums = {k: self.gpus.get(k, 0) + sign * other.gpus.get(k, 0) for k in kinds}
            gpus = {kind: number for kind, number in sums.items() if number}
        return Amount(
            self.servers + sign * other.servers,
            # Sums of tenths must come back to where they began.
            round(self.cpu + sign * other.cpu, 6),
            self.memory + sign * other.memory,
            gpus,
        )

    @property
    def gpu(self) -> int:
        """GPUs of every kind."""
        return sum(self.gpus.values())

    def of(self, resource: str) -> float:
        """Return how many ``servers``, ``cpu``, bytes of ``memory``, or GPUs of a kind."""
        if resource in ("servers", "cpu", "memory"):
            return float(getattr(self, resource))
        return self.gpus.get(resource, 0)


def render_amount(resource: str, amount: float) -> str:
    """Return an amount of a resource with its unit, as people read it."""
    if resource == "memory":
        return f"{render_memory(int(amount))} memory"
    if resource == "cpu":
        return render_cpu(amount)
    if resource == "servers":
        return f"{amount:g} server" if amount == 1 else f"{amount:g} servers"
    noun = "GPU" if amount == 1 else "GPUs"
    # Nearly every cluster has one kind, and nobody calls it by its full name.
    return (
        f"{amount:g} {noun}" if resource == "nvidia.com/gpu" else f"{amount:g} {noun} ({resource})"
    )


def render_resources(amount: Amount) -> list[str]:
    """Return what one server takes, one text a resource, without those it takes none of."""
    texts = [render_cpu(amount.cpu), render_memory(amount.memory)]
    return texts + [render_amount(kind, number) for kind, number in sorted(amount.gpus.items())]
