"""What a trace is asked about, as people write it: MODEL/VERSION, MODEL@ALIAS, or a run."""

from __future__ import annotations

from dataclasses import dataclass

from baton_contract.errors import BadRequestError

LONGEST = 1000


@dataclass(frozen=True, kw_only=True)
class Target:
    """A model version by its number or by an alias, or a run; the rest is None."""

    model: str | None = None
    version: str | None = None
    alias: str | None = None
    run: str | None = None

    def __str__(self) -> str:
        if self.run is not None:
            return f"the run {self.run}"
        return (
            f"{self.model} version {self.version}" if self.version else f"{self.model}@{self.alias}"
        )


def parse_target(text: str | None, *, run: str | None = None) -> Target:
    """Return what ``text`` (MODEL/VERSION or MODEL@ALIAS) or ``run`` (a run's id) names.

    The last slash separates the version, so a name may hold slashes. Raises
    `BadRequestError` (``bad_target``) for anything else, and unless exactly one is given.
    """
    if (text is None) == (run is None):
        raise _bad("Say either MODEL/VERSION, or --run with a run's id.")
    if run is not None:
        return parse_run(run)
    name, slash, version = str(text).rpartition("/")
    if slash and version.isascii() and version.isdecimal():
        return parse_version(name, version)
    name, at, alias = str(text).rpartition("@")
    if not at or not alias:
        raise _bad(f"{_shown(text)} names no version. Write it as MODEL/VERSION or MODEL@ALIAS.")
    return Target(model=_name(name), alias=_name(alias))


def parse_run(run: str) -> Target:
    """Return a run by its id. Raises `BadRequestError` for what can't be one."""
    if not run or len(run) > 64 or not run.replace("-", "").replace("_", "").isalnum():
        raise _bad(f"{_shown(run)} is no run's id.")
    return Target(run=run)


def parse_version(name: str, version: str) -> Target:
    """Return a model version by its number. Raises `BadRequestError` for what can't be one."""
    if not (version.isascii() and version.isdecimal()) or len(version) > 18:
        raise _bad(f"{_shown(version)} is no version's number.")
    return Target(model=_name(name), version=str(int(version)))


def _name(name: str) -> str:
    if not name.strip() or len(name) > LONGEST or not name.isprintable():
        raise _bad(f"{_shown(name)} is no model's name.")
    return name


def _shown(text: object) -> str:
    shown = repr(str(text))
    return shown if len(shown) < 100 else shown[:99] + "…"


def _bad(message: str) -> BadRequestError:
    return BadRequestError("bad_target", message)
