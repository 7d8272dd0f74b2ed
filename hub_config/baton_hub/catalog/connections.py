"""``connections.yaml``: databases, object stores and lakes that a server may be attached to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from baton_hub.catalog.access import Access
from baton_hub.catalog.words import Part, Slug, Text, Value, Variable

SecretName = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253),
]
SecretKey = Annotated[
    str,
    StringConstraints(strict=True, pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$", max_length=253),
]


class SecretReference(Part):
    """Where a secret value is kept. The value itself never stands in a catalogue."""

    secret: SecretName = Field(
        description="Name of the Kubernetes Secret; on one machine, a folder"
    )
    key: SecretKey = Field(description="Key in the Secret; on one machine, a file in that folder")


class Connection(Part):
    """One place where data is, and what a server needs to reach it."""

    title: Text = Field(description="What people read")
    description: Text | None = Field(default=None, description="What is there, in a sentence")
    kind: Literal["database", "object-store", "lake"] = Field(description="What it is")
    access: Access = Field(description="Who may attach it, where a profile may")
    environment: Mapping[Variable, Value] = Field(
        default_factory=dict, description="Variables that are no secret: host, database, bucket"
    )
    secrets: Mapping[Variable, SecretReference] = Field(
        default_factory=dict, description="Variables whose values come from a secret, by reference"
    )


class Connections(Part):
    """All data connections, by name. Profiles say which of them they may attach."""

    connections: Mapping[Slug, Connection] = Field(
        default_factory=dict, description="The connections, by name"
    )
