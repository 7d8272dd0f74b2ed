"""Servers as pods on Kubernetes."""

from __future__ import annotations

from typing import Any

from jupyterhub.utils import maybe_future
from kubespawner import KubeSpawner

from baton_contract import ConflictError
from baton_hub.policy import ServerSpec
from baton_hub.spawner.curated import CuratedSpawner
from baton_hub.spawner.refusal import refusal


class CuratedKubeSpawner(CuratedSpawner, KubeSpawner):  # type: ignore[misc]
    """Starts a person's server as a pod: the image, by digest, and resources that policy resolved.

    The finished pod is compared with the decision once more before it is sent, after
    every other setting and hook had its turn. `KubeSpawner.profile_list` is not used.
    """

    extra_labels: Any
    modify_pod_hook: Any
    _operators_hook: Any = None
    _operators_labels: Any = None

    async def load_user_options(self) -> None:
        """Decide, then apply the decision to the pod that is about to be made."""
        spec = await self.decide()
        self.image = spec.image
        self.cpu_limit = self.cpu_guarantee = spec.amount.cpu
        self.mem_limit = self.mem_guarantee = spec.amount.memory
        gpus = {kind: str(number) for kind, number in spec.amount.gpus.items()}
        self.extra_resource_limits = gpus
        self.extra_resource_guarantees = gpus
        if self._operators_labels is None:
            self._operators_labels = dict(self.extra_labels)
            self._operators_hook = self.modify_pod_hook
        own = {"baton/profile": spec.profile, "baton/size": spec.size}
        self.extra_labels = {**self._operators_labels, **own}
        self.modify_pod_hook = _checked_pod

    async def finish_pod(self, pod: Any) -> Any:
        """Return the pod after the operators' own hook; refuse it if it is not what was decided."""
        if self._operators_hook is not None:
            pod = await maybe_future(self._operators_hook(self, pod))
        if self.spec is None:
            raise RuntimeError("a pod was made without a decision")
        differing = differences(pod, self.spec)
        if differing:
            self.log.error(
                "The pod of %s is not what was decided: %s", self._log_name, "; ".join(differing)
            )
            error = ConflictError(
                "pod_differs",
                "A setting of this Hub makes the server something that is not in the catalogue:"
                f" {'; '.join(differing)}. Nothing was started. Please tell {self.contact}.",
            )
            raise refusal(error, self._hub_settings())
        return pod


async def _checked_pod(spawner: CuratedKubeSpawner, pod: Any) -> Any:
    return await spawner.finish_pod(pod)


def differences(pod: Any, spec: ServerSpec) -> list[str]:
    """Return in words what of a pod differs from the decision; empty when nothing does."""
    notebooks = [c for c in pod.spec.containers if c.name == "notebook"]
    if len(notebooks) != 1:
        return ["it has no single notebook container"]
    container = notebooks[0]
    limits = dict(container.resources.limits or {})
    found = []
    if container.image != spec.image:
        found.append(f"its image is {container.image}")
    amount = spec.amount
    wanted: dict[str, float] = {"cpu": amount.cpu, "memory": amount.memory, **amount.gpus}
    for name, decided in wanted.items():
        actual = limits.get(name, 0)
        try:
            same = float(actual) == decided
        except ValueError:
            same = False
        if not same:
            found.append(f"its limit of {name} is {actual}")
    return found
