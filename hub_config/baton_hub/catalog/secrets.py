"""Secrets that stand in a catalogue in plain.

A small list of shapes, and of names that mean a secret. detect-secrets 1.5 was measured
beside it: it takes 36 ms a file, 18 s for 500 profiles, calls a reference to a secret a
secret, does not find one in a comment, and hangs on a file that was made for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from baton_hub.catalog.draft import Draft
from baton_hub.catalog.fault import Fault, Place
from baton_hub.catalog.source import Source

_SHAPES = tuple(
    (kind, re.compile(shape))
    for kind, shape in (
        ("a private key", r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY"),
        ("an access key of AWS", r"(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
        ("a token of GitHub", r"(?:ghp_|gho_|ghs_|ghu_|ghr_)[A-Za-z0-9]{36,}"),
        ("a token of GitHub", r"github_pat_\w{22,}"),
        ("a token of GitLab", r"(?:glpat-|gldt-|glrt-|glcbt-|glptt-)[\w-]{20,}"),
        ("a token of Hugging Face", r"hf_[A-Za-z0-9]{30,}"),
        ("a token of Slack", r"(?:xoxa-|xoxb-|xoxe-|xoxo-|xoxp-|xoxr-|xoxs-)[\w-]{10,}"),
        ("a webhook of Slack", r"hooks\.slack\.com/services/T\w+/B\w+/\w+"),
        ("an API key", r"sk-[\w-]{20,}"),
        ("an API key of Google", r"AIza[\w-]{35}\b"),
        ("a token of Databricks", r"dapi[0-9a-f]{32}\b"),
        ("a token of PyPI", r"pypi-AgE[\w-]{40,}"),
        ("a token of npm", r"npm_[A-Za-z0-9]{36}"),
        ("a signed token", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
        ("a storage account's key", r"AccountKey=[A-Za-z0-9+/]{40,}"),
        ("an address with a password", r"://[^\s/:@'\"]*:(?![$%{<*])[^\s/@'\"]+@[^\s@]"),
    )
)
"""Each begins with letters of its own, which makes the search fast."""
_ENDS = ("PASSWORD", "PASSWD", "PWD", "PASSPHRASE", "SECRET", "TOKEN", "CREDENTIALS", "APIKEY")
_BEFORE_KEY = {"API", "ACCESS", "PRIVATE", "SECRET", "ACCOUNT", "ENCRYPTION", "SIGNING", "STORAGE"}
_ABOUT = {"FILE", "PATH", "DIR", "URL", "URI", "NAME", "ID", "TYPE", "TTL", "LIMIT", "ENDPOINT"}
"""Last words of names that say something about a secret without being one."""
_HARMLESS = re.compile(r"|true|false|yes|no|on|off|none|[0-9]{1,4}|/[\w./-]+", re.IGNORECASE)
_INSTEAD = (
    "Make a connection in connections.yaml that names it under secrets, and take this one back:"
    " it is known to all who can read the catalogue."
)


def check_secrets(draft: Draft) -> Iterator[Fault]:
    """Yield values that are secrets by their shape, in comments too, or by their name."""
    shaped = {fault for source in draft.sources for fault in _shaped(source)}
    yield from shaped
    lines = {(fault.file, fault.line) for fault in shaped}
    for fault in _named_everywhere(draft):
        if (fault.file, fault.line) not in lines:
            yield fault


def _shaped(source: Source) -> Iterator[Fault]:
    for kind, shape in _SHAPES:
        for match in shape.finditer(source.text):
            before = source.text[max(match.start() - 1, 0) : match.start()]
            if not (before.isalnum() and match[0][0].isalnum()):
                message = f"This is {kind}. {_INSTEAD}"
                yield source.fault_at(match.start(), message, code="plain_secret")


def _named_everywhere(draft: Draft) -> Iterator[Fault]:
    for source, profile in draft.profiles:
        yield from _named(source, ("environment",), profile.environment)
        for name, option in profile.options.items():
            if option.default:
                place = ("options", name, "default")
                yield from _named(source, place, {option.variable: option.default}, inside=False)
    for name, connection in draft.connections.connections.items():
        place = ("connections", name, "environment")
        yield from _named(draft.special["connections"], place, connection.environment)


def _named(
    source: Source, place: Place, values: Mapping[str, str], *, inside: bool = True
) -> Iterator[Fault]:
    for variable, value in values.items():
        if means_secret(variable) and not _HARMLESS.fullmatch(value.strip()):
            message = f"{variable} is a secret by its name, and its value stands here. {_INSTEAD}"
            yield source.fault(
                (*place, variable) if inside else place, message, code="plain_secret"
            )


def means_secret(variable: str) -> bool:
    """Tell whether a variable of this name holds a secret: ``DB_PASSWORD``, ``API_KEY``."""
    words = variable.upper().strip("_").split("_")
    if words[-1] in _ABOUT or variable in ("PWD", "OLDPWD"):
        return False
    is_key = any(first in _BEFORE_KEY and second == "KEY" for first, second in pairwise(words))
    return is_key or any(word.endswith(_ENDS) for word in words)
