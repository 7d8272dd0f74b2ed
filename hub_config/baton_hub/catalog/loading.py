"""Variables that decide which code programs load: whoever sets one runs what they like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from baton_hub.catalog.draft import Draft
from baton_hub.catalog.fault import Fault, Place
from baton_hub.catalog.model import Profile
from baton_hub.catalog.source import Source

_NEVER_MEANT = frozenset({"LD_PRELOAD", "LD_AUDIT", "BASH_ENV"})
"""Those that are worth a look even where the catalogue itself sets the value."""
_RISKY = _NEVER_MEANT | {
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "ENV",
    "JUPYTER_PATH",
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_CONFIG_DIR",
    "NODE_OPTIONS",
    "JAVA_TOOL_OPTIONS",
}


def check_loading(draft: Draft) -> Iterator[Fault]:
    """Yield options and fixed values that decide what programs load."""
    for source, profile in draft.profiles:
        yield from _of_options(source, profile)
        yield from _of_values(source, ("environment",), profile.environment)
    for name, connection in draft.connections.connections.items():
        source = draft.special["connections"]
        yield from _of_values(source, ("connections", name, "environment"), connection.environment)
        yield from _of_values(source, ("connections", name, "secrets"), connection.secrets)


def _of_options(source: Source, profile: Profile) -> Iterator[Fault]:
    for name, option in profile.options.items():
        if option.variable in _RISKY:
            message = (
                f"{option.variable} decides what programs load, so let the option set a"
                " variable of your own, and have the image read that."
            )
            place = ("options", name, "variable")
            yield source.fault(place, message, code="risky_variable", is_warning=True)


def _of_values(source: Source, place: Place, values: Mapping[str, object]) -> Iterator[Fault]:
    for name in sorted(_NEVER_MEANT & values.keys()):
        message = f"{name} loads code into programs, so build what it loads into the image."
        yield source.fault(
            (*place, name), message, code="risky_variable", key=True, is_warning=True
        )
