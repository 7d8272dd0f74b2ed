"""A catalogue whose files are read, before it is known whether they fit together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import cast

from baton_hub.catalog.connections import Connections
from baton_hub.catalog.evidence.model import EvidenceRules
from baton_hub.catalog.fault import Fault, Place
from baton_hub.catalog.model import Profile
from baton_hub.catalog.quotas import Quotas
from baton_hub.catalog.shape import check_shape
from baton_hub.catalog.source import Source
from baton_hub.catalog.words import SLUG, Part

SPECIAL: Mapping[str, type[Part]] = {
    "connections": Connections,
    "evidence": EvidenceRules,
    "quotas": Quotas,
}
"""Files, by their name without ``.yaml``, that are no profile."""


@dataclass
class Draft:
    """All files of a folder, and what those say that have the right shape."""

    folder: Path
    today: date
    """In UTC."""
    sources: list[Source] = field(default_factory=list)
    profiles: list[tuple[Source, Profile]] = field(default_factory=list)
    special: dict[str, Source] = field(default_factory=dict)
    """The files that are no profile, by their name without ``.yaml``."""
    _said: dict[str, Part] = field(default_factory=dict)

    @property
    def quotas(self) -> Quotas:
        """What ``quotas.yaml`` says; no limits when it says nothing that can be read."""
        return cast(Quotas, self._said.get("quotas") or Quotas())

    @property
    def connections(self) -> Connections:
        """What ``connections.yaml`` says; none when it says nothing that can be read."""
        return cast(Connections, self._said.get("connections") or Connections())

    @property
    def rules(self) -> EvidenceRules:
        """What ``evidence.yaml`` says; the defaults when it says nothing that can be read."""
        return cast(EvidenceRules, self._said.get("evidence") or EvidenceRules())

    def is_known(self, name: str) -> bool:
        """Tell whether a special file is there and can be read, or is not there at all.

        Where it can't, nothing is said of what depends on it: its own faults come first.
        """
        return name in self._said or name not in self.special

    @property
    def names(self) -> frozenset[str]:
        """Names of all profiles, those included whose files are wrong otherwise."""
        values = [source.value for source in self.sources if isinstance(source.value, dict)]
        names = [value.get("name") for value in values]
        return frozenset(n for n in names if isinstance(n, str) and re.fullmatch(SLUG, n))

    def fault_in(
        self, name: str, place: Place, message: str, *, code: str, is_warning: bool = False
    ) -> Fault:
        """Return a fault at a key of a file that is no profile, such as ``quotas``."""
        source = self.special[name]
        return source.fault(place, message, code=code, key=True, is_warning=is_warning)

    def add(self, source: Source) -> None:
        """Add a file; what is wrong with it alone is added to its own faults."""
        self.sources.append(source)
        name = source.file.stem
        if name in SPECIAL:
            self.add_special(name, source)
        elif meant := _misnamed(source):
            message = f"This is no profile. Name the file {meant}.yaml."
            source.faults.append(source.fault((), message, code="misnamed_file"))
        elif profile := check_shape(source, Profile):
            self.profiles.append((source, profile))

    def add_special(self, name: str, source: Source) -> None:
        """Add a file that is no profile, as if it had this name; faults are added to its own."""
        if name in self.special:
            message = f"{self.special[name].file.name} is there, too. Keep one of them."
            source.faults.append(source.fault((), message, code="name_clash"))
            return
        self.special[name] = source
        said = check_shape(source, SPECIAL[name])
        if said is not None:
            self._said[name] = said


def _misnamed(source: Source) -> str:
    """Return which special file this is under another name; empty when it is none."""
    keys = source.value.keys() if isinstance(source.value, dict) else ()
    for name, model in SPECIAL.items():
        if keys and model.model_fields.keys() >= set(keys):
            return name
    return ""
