"""``quotas.yaml``: how much may run at once, and how much may be used over time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from baton_hub.catalog.words import CpuLimit, GpuResource, Memory, Part, Text, wrong

Hours = Annotated[float, Field(ge=0, strict=True, allow_inf_nan=False)]


class Budget(Part):
    """A limit on hours of use in a period. Periods are in UTC; a week begins on Monday."""

    period: Literal["day", "week", "month"] = Field(description="What the hours are counted over")
    cpu_hours: Hours | None = Field(
        default=None, description="CPUs times the hours that they were held"
    )
    gpu_hours: Hours | None = Field(
        default=None, description="GPUs of every kind, times the hours that they were held"
    )

    @model_validator(mode="after")
    def _limits_something(self) -> Budget:
        if self.cpu_hours is None and self.gpu_hours is None:
            raise wrong("missing_key", "a budget limits cpu_hours, gpu_hours or both: add one")
        return self


class Limits(Part):
    """How much may run at once, and be used over time. What is left out is not limited."""

    servers: int | None = Field(default=None, ge=0, strict=True, description="Servers at once")
    cpu: CpuLimit | None = Field(default=None, description="CPUs at once, such as 8 or 0.5")
    memory: Memory | None = Field(default=None, description="Memory at once, such as 64G")
    gpus: Mapping[GpuResource, Annotated[int, Field(ge=0, strict=True)]] = Field(
        default_factory=dict, description="GPUs at once, by the cluster's name for their kind"
    )
    budget: Budget | None = Field(default=None, description="Hours in a period")


class GroupLimits(Limits):
    """Limits for all members of a group together, and the group's place in the cluster."""

    priority: int = Field(
        default=0,
        ge=-1_000_000_000,
        le=1_000_000_000,
        strict=True,
        description="Priority of the group's pods in a full cluster; a higher one goes first",
    )


class Quotas(Part):
    """The strictest of the limits that apply to somebody holds."""

    each_user: Limits = Field(default=Limits(), description="For every person on their own")
    users: Mapping[Text, Limits] = Field(
        default_factory=dict, description="For a person by name; replaces what each_user says"
    )
    groups: Mapping[Text, GroupLimits] = Field(
        default_factory=dict, description="For all members of a group together"
    )
    total: Limits = Field(default=Limits(), description="For everybody together")

    def for_user(self, user: str) -> Limits:
        """Return the limits of one person on their own."""
        own = self.users.get(user)
        if own is None:
            return self.each_user
        return self.each_user.model_copy(
            update={name: getattr(own, name) for name in own.model_fields_set}
        )
