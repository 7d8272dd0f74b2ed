"""What a catalogue says: profiles with sizes. The schema of ``profiles/*.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from baton_hub.amount import Amount
from baton_hub.catalog.access import Access
from baton_hub.catalog.connections import Connection
from baton_hub.catalog.evidence.model import Evidence, EvidenceRules, Finding
from baton_hub.catalog.pattern import check_pattern, matches
from baton_hub.catalog.placement import Placement
from baton_hub.catalog.quotas import Quotas
from baton_hub.catalog.words import (
    Cpu,
    Day,
    Duration,
    GpuResource,
    Memory,
    Part,
    Sha256,
    Slug,
    Text,
    Value,
    Variable,
    shown,
    wrong,
)


class Image(Part):
    """An approved container image, always pinned by its digest."""

    reference: Annotated[
        str, StringConstraints(strict=True, pattern=r"^[a-z0-9][a-z0-9._:/-]*[a-zA-Z0-9._-]$")
    ] = Field(description="Registry, repository and tag, without the digest")
    digest: Sha256 = Field(
        description="The digest that is approved: sha256: and 64 hexadecimal digits"
    )

    @property
    def pinned(self) -> str:
        """What is started: repository and digest, so that a moved tag changes nothing."""
        head, _, last = self.reference.rpartition("/")
        repository = last.split(":", 1)[0]
        return f"{head}/{repository}@{self.digest}" if head else f"{repository}@{self.digest}"


class Size(Part):
    """A choice of resources within a profile."""

    title: Text | None = Field(default=None, description="What people read; default: its name")
    cpu: Cpu = Field(description="CPUs, such as 0.5 or 4")
    memory: Memory = Field(description="Memory, such as 4G or 512M (1024-based)")
    gpus: Mapping[GpuResource, Annotated[int, Field(ge=1, le=64, strict=True)]] = Field(
        default_factory=dict,
        description="Whole GPUs, by the cluster's name for their kind, such as nvidia.com/gpu: 1",
    )

    @property
    def amount(self) -> Amount:
        """What one server of it takes."""
        return Amount(1, self.cpu, self.memory, MappingProxyType(dict(self.gpus)))


def _usable(pattern: str) -> str:
    try:
        return check_pattern(pattern)
    except ValueError as error:
        raise wrong("bad_pattern", str(error)) from None


class Option(Part):
    """Something more that people choose. The answer goes into one environment variable."""

    title: Text = Field(description="The question, in a few words")
    description: Text | None = Field(default=None, description="What the answer changes")
    variable: Variable = Field(description="The environment variable that carries the answer")
    choices: Mapping[Text, Text] = Field(
        default_factory=dict, description="Values to choose from, each with its title"
    )
    pattern: Annotated[str, Field(strict=True), AfterValidator(_usable)] | None = Field(
        default=None, description="Regular expression that the whole of a typed answer matches"
    )
    default: Value | None = Field(
        default=None, description="The answer of who gives none; without it an answer is needed"
    )

    @model_validator(mode="after")
    def _answerable(self) -> Option:
        if bool(self.choices) == (self.pattern is not None):
            raise wrong(
                "bad_option", "an option has either choices or a pattern: write one of them"
            )
        if self.default is not None and not self.takes(self.default):
            raise wrong(
                "bad_default", f"{shown(self.default)} is not an answer that it takes", "default"
            )
        return self

    def takes(self, answer: str) -> bool:
        """Tell whether this is an answer to it.

        A typed one has at most 200 characters, all of them printable.
        """
        if self.pattern is None:
            return answer in self.choices
        # No pattern lets through what can't stand in an environment variable.
        return len(answer) <= 200 and answer.isprintable() and matches(self.pattern, answer)


class Lifecycle(Part):
    """Until when a profile is offered. Dates are days in UTC."""

    deprecated: Day | None = Field(default=None, description="From this day, people are warned")
    blocked: Day | None = Field(default=None, description="From this day, it can't be started")
    replaced_by: Slug | None = Field(default=None, description="The profile to move to, by name")
    message: Text | None = Field(default=None, description="What people should know about it")

    @model_validator(mode="after")
    def _in_order(self) -> Lifecycle:
        if self.deprecated and self.blocked and self.deprecated > self.blocked:
            raise wrong(
                "dates_out_of_order",
                "a profile can't be deprecated after it is blocked: change one of the dates",
                "deprecated",
            )
        return self


def _at_least_one(sizes: Mapping[str, Size]) -> Mapping[str, Size]:
    if not sizes:
        raise wrong("no_sizes", "a profile needs at least one size: add one with cpu and memory")
    return MappingProxyType(dict(sizes))


class Profile(Part):
    """One entry of the catalogue: one file under ``profiles/``."""

    name: Slug = Field(
        description="Its name in the REST API, in labels and in the audit; never changes"
    )
    title: Text = Field(description="What people read; no two profiles have the same")
    description: Text = Field(description="What it is for, in a sentence or two")
    owner: Text = Field(description="The team that looks after the image")
    contact: Text | None = Field(
        default=None, description="Where to ask: a mail address, a channel"
    )
    image: Image = Field(description="What is started")
    software: Mapping[Text, Text] = Field(
        default_factory=dict, description="What is in it, with versions"
    )
    access: Access = Field(description="Who may start it")
    sizes: Annotated[Mapping[Slug, Size], AfterValidator(_at_least_one)] = Field(
        description="The sizes to choose from, by name, in the order of the page"
    )
    default_size: Slug | None = Field(
        default=None, description="The size that is proposed; default: the first"
    )
    options: Mapping[Slug, Option] = Field(
        default_factory=dict, description="What else people choose, by name"
    )
    environment: Mapping[Variable, Value] = Field(
        default_factory=dict, description="Environment variables of the server"
    )
    connections: tuple[Slug, ...] = Field(
        default=(), description="Data connections of connections.yaml that it may attach"
    )
    evidence: Evidence = Field(default=Evidence(), description="What makes the image approved")
    lifecycle: Lifecycle = Field(default=Lifecycle(), description="Until when it is offered")
    stop_when_idle: Duration | None = Field(
        default=None,
        description="Stop a server after this long without activity; default: the Hub's setting",
    )
    kubernetes: Placement = Field(
        default=Placement(), description="Where its pods may run; keys are KubeSpawner's traits"
    )

    @model_validator(mode="after")
    def _default_exists(self) -> Profile:
        if self.default_size is not None and self.default_size not in self.sizes:
            known = ", ".join(self.sizes)
            raise wrong(
                "bad_default",
                f"{self.default_size!r} is not one of its sizes: {known}",
                "default_size",
            )
        return self

    @property
    def first_size(self) -> str:
        """The size that is proposed first."""
        return self.default_size or next(iter(self.sizes))

    @property
    def gpus(self) -> frozenset[str]:
        """The kinds of GPU that some size of it has."""
        return frozenset(kind for size in self.sizes.values() for kind in size.gpus)


def _natural(title: str) -> tuple[str | int, ...]:
    """Return what a title is sorted by: text and numbers by turns, so that likes are compared."""
    parts = re.split(r"(\d+)", title.casefold())
    return tuple(int(part) if number % 2 else part for number, part in enumerate(parts))


@dataclass(frozen=True)
class Catalog:
    """All profiles and limits as they were in one folder at one moment; never changes."""

    profiles: Mapping[str, Profile] = field(default_factory=lambda: MappingProxyType({}))
    quotas: Quotas = field(default_factory=Quotas)
    connections: Mapping[str, Connection] = field(default_factory=lambda: MappingProxyType({}))
    rules: EvidenceRules = field(default_factory=EvidenceRules)
    findings: Mapping[str, Finding] = field(default_factory=lambda: MappingProxyType({}))
    """What each profile's evidence says, by the profile's name."""
    revision: str = ""
    """SHA-256 of the files it was read from, in lower-case hexadecimal; empty for no catalogue."""

    def offered(self, groups: frozenset[str]) -> tuple[Profile, ...]:
        """Return the profiles that these groups may use: their own first, then by title.

        Numbers in titles count as numbers: "Profile 2" stands before "Profile 10".
        """
        allowed = (p for p in self.profiles.values() if p.access.allows(groups))
        return tuple(sorted(allowed, key=lambda p: (p.access.everybody, _natural(p.title))))

    def finding(self, profile: str) -> Finding:
        """Return what a profile's evidence says."""
        return self.findings.get(profile, Finding())
