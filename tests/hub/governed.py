"""The example catalogue with one more profile: with options, and with data to attach."""

from __future__ import annotations

from dataclasses import replace

from baton_hub.catalog import Access, Catalog, Option
from baton_hub.catalog.connections import Connection, SecretReference


def governed(catalog: Catalog) -> Catalog:
    """Return the catalogue with a profile named spark, for the group data-science."""
    profile = catalog.profiles["scikit-learn"].model_copy(
        update={
            "name": "spark",
            "title": "Spark",
            "access": Access(groups=("data-science",)),
            "options": {
                "log-level": Option(
                    title="Log level",
                    description="How much Spark says while it works",
                    variable="SPARK_LOG_LEVEL",
                    choices={"WARN": "Warnings", "INFO": "Everything"},
                    default="WARN",
                ),
                "queue": Option(
                    title="Queue", variable="SPARK_QUEUE", pattern="[a-z0-9-]+", default="default"
                ),
            },
            "connections": ("lake", "vault"),
        }
    )
    connections = {
        "lake": Connection(
            title="The lake",
            description="Tables of the science department",
            kind="lake",
            access=Access(groups=("data-science",)),
            environment={"LAKE_BUCKET": "science"},
            secrets={"LAKE_KEY": SecretReference(secret="lake", key="key")},
        ),
        "vault": Connection(
            title="The vault", kind="database", access=Access(groups=("operations",))
        ),
    }
    return replace(
        catalog, profiles={**catalog.profiles, "spark": profile}, connections=connections
    )
