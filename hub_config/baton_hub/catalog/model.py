"""What a catalogue says: profiles with sizes, and limits. The schema of ``profiles/*.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from baton_hub.units import parse_memory

Slug = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=40),
]
Text = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=600)
]
Memory = Annotated[int, BeforeValidator(parse_memory)]


def _not_reserved(name: str) -> str:
    if name.startswith(("JUPYTERHUB_", "BATON_", "MLFLOW_TRACKING_")):
        raise ValueError("the platform sets this variable itself: choose another name")
    return name


Variable = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$"),
    AfterValidator(_not_reserved),
]
Value = Annotated[str, Field(strict=True)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Image(_Part):
    """An approved container image, always pinned by its digest."""

    reference: Annotated[
        str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9._:/-]*[a-zA-Z0-9._-]$")
    ] = Field(description="Registry, repository and tag, without the digest")
    digest: Annotated[str, StringConstraints(strict=True, pattern=r"^sha256:[0-9a-f]{64}$")] = (
        Field(description="The digest that is approved: sha256: and 64 hexadecimal digits")
    )

    @property
    def pinned(self) -> str:
        """What is started: repository and digest, so that a moved tag changes nothing."""
        head, _, last = self.reference.rpartition("/")
        repository = last.split(":", 1)[0]
        return f"{head}/{repository}@{self.digest}" if head else f"{repository}@{self.digest}"


class Access(_Part):
    """Who may start a profile: everybody who is signed in, or the members of the named groups."""

    everybody: bool = Field(default=False, strict=True)
    groups: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _somebody(self) -> Access:
        if not self.everybody and not self.groups:
            raise ValueError("nobody may use this profile: name groups, or write everybody: true")
        return self

    def allows(self, groups: frozenset[str]) -> bool:
        """Tell whether somebody in these Hub groups may use the profile."""
        return self.everybody or not groups.isdisjoint(self.groups)


class Size(_Part):
    """A choice of resources within a profile."""

    title: Text | None = None
    cpu: float = Field(gt=0, le=1024, description="CPUs, such as 0.5 or 4")
    memory: Memory = Field(description="Memory, such as 4G or 512M (1024-based)")
    gpu: int = Field(default=0, ge=0, le=64, strict=True, description="Whole GPUs")


class Lifecycle(_Part):
    """Until when a profile is offered. Dates are days in UTC."""

    deprecated: date | None = Field(default=None, description="From this day, people are warned")
    blocked: date | None = Field(default=None, description="From this day, it can't be started")
    replaced_by: Slug | None = None
    message: Text | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Lifecycle:
        if self.deprecated and self.blocked and self.deprecated > self.blocked:
            raise ValueError(
                "a profile can't be deprecated after it is blocked: change one of the dates"
            )
        return self


def _at_least_one(sizes: Mapping[str, Size]) -> Mapping[str, Size]:
    if not sizes:
        raise ValueError("a profile needs at least one size")
    return MappingProxyType(dict(sizes))


class Profile(_Part):
    """One entry of the catalogue: one file under ``profiles/``."""

    name: Slug = Field(
        description="Its name in the REST API, in labels and in the audit; never changes"
    )
    title: Text
    description: Text
    owner: Text = Field(description="The team that looks after the image")
    contact: Text | None = Field(
        default=None, description="Where to ask: a mail address, a channel"
    )
    image: Image
    software: Mapping[Text, Text] = Field(
        default_factory=dict, description="What is in it, with versions"
    )
    access: Access
    sizes: Annotated[Mapping[Slug, Size], AfterValidator(_at_least_one)]
    default_size: Slug | None = None
    environment: Mapping[Variable, Value] = Field(default_factory=dict)
    lifecycle: Lifecycle = Lifecycle()

    @model_validator(mode="after")
    def _default_exists(self) -> Profile:
        if self.default_size is not None and self.default_size not in self.sizes:
            known = ", ".join(self.sizes)
            raise ValueError(f"default_size {self.default_size!r} is not one of its sizes: {known}")
        return self

    @property
    def first_size(self) -> str:
        """The size that is proposed first."""
        return self.default_size or next(iter(self.sizes))


class Limits(_Part):
    """How much may run at once. What is left out is not limited."""

    servers: int | None = Field(default=None, ge=0, strict=True)
    cpu: float | None = Field(default=None, ge=0)
    memory: Memory | None = None
    gpu: int | None = Field(default=None, ge=0, strict=True)


class Quotas(_Part):
    """``quotas.yaml``: the strictest of the limits that apply to somebody holds."""

    each_user: Limits = Field(default=Limits(), description="For every person on their own")
    users: Mapping[Text, Limits] = Field(
        default_factory=dict, description="For a person by name; replaces what each_user says"
    )
    groups: Mapping[Text, Limits] = Field(
        default_factory=dict, description="For all members of a group together"
    )
    total: Limits = Field(default=Limits(), description="For everybody together")

    def for_user(self, user: str) -> Limits:
        """Return the limits of one person on their own."""
        own = self.users.get(user)
        if own is None:
            return self.each_user
        return self.each_user.model_copy(update=own.model_dump(exclude_unset=True))


class Catalog(_Part):
    """All profiles and limits as they were in one folder at one moment; never changes."""

    profiles: Mapping[str, Profile] = Field(default_factory=dict)
    quotas: Quotas = Quotas()
    revision: str = ""
    """SHA-256 of the files it was read from, in lower-case hexadecimal; empty for no catalogue."""

    def offered(self, groups: frozenset[str]) -> tuple[Profile, ...]:
        """Return the profiles that these groups may use: their own first, then by title."""
        allowed = (p for p in self.profiles.values() if p.access.allows(groups))
        return tuple(sorted(allowed, key=lambda p: (p.access.everybody, p.title.casefold())))
