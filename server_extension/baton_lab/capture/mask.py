"""Takes secrets out of what is stored with a run: by what they look like, and by what they are.

Libraries that look for secrets report where one begins and often only a part of it,
which is enough for an alarm and not for taking it out; so the table is ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

MASK = "[masked]"
SECRET_NAMES = re.compile(r"TOKEN|PASSW|SECRET|KEY|CREDENTIAL|_PAT\b|_PWD\b", re.IGNORECASE)
"""Names of environment variables whose values are secrets."""
SHORTEST = 8
"""Characters of a value that is searched for; shorter ones stand in every text by chance."""
CREDENTIALS = re.compile(r"(?<=://)[^/@\s'\"<>\\]+@")
"""User and password before an address's host."""
_WORDS = (
    r"pass(?:word|wd|phrase)|secret(?:[_-]?(?:access[_-]?)?key)?|token|credentials?|"
    r"(?:api|access|auth|private|account|encryption)[_-]?key"
)
_ASSIGNED = re.compile(
    # The quotes may be escaped: a notebook's output can hold JSON within JSON.
    rf"""(?P<head>(?:{_WORDS})\\?["']?\s{{0,20}}(?::|=>|=)\s{{0,20}})"""
    r"""(?P<quote>\\?["'])(?P<value>(?![<\[{$%])[^"'\\\n]{6,500})(?P=quote)""",
    re.IGNORECASE,
)
_EXPORTED = re.compile(
    # As in a shell, .env or %env: no spaces, and no expression of a programming language.
    r"(?P<head>\b[A-Z0-9_]{0,60}(?:TOKEN|PASSW(?:OR)?D|SECRET|API_KEY|ACCESS_KEY)[A-Z0-9_]{0,40}=)"
    r"(?![\w.]*[(\[])(?P<value>[^\s\"'\\(){}\[\]$,;]{6,})"
)
_HEADER = re.compile(
    r"(?P<head>(?:authorization[\"']?\s*[:=]\s*[\"']?(?:basic|token)|bearer)\s+)"
    r"(?P<value>[A-Za-z0-9._~+/=-]{8,})",
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"(?P<head>[?&](?:[a-z0-9-]*[_-])?(?:token|key|sig|signature|password|secret|credential)=)"
    r"(?P<value>[^&\s\"'<>#]{4,})",
    re.IGNORECASE,
)
# Each with texts of which one is in every match: to look for those is a hundred times faster.
_LOOKS = [
    (texts, re.compile(pattern))
    for texts, pattern in (
        (
            ("PRIVATE KEY",),
            r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?"
            r"(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
        ),
        (("AKIA", "ASIA", "ABIA", "ACCA"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),  # AWS
        (("AIza",), r"\bAIza[A-Za-z0-9_-]{35}\b"),  # Google
        (("ya29.",), r"\bya29\.[A-Za-z0-9_-]{20,}"),
        (
            ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
            r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})\b",
        ),
        (
            ("gl",),  # GitLab
            r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|oas|imt|agent)-[A-Za-z0-9_.-]{20,}",
        ),
        (("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),  # Slack
        (("hooks.slack.com",), r"\bhooks\.slack\.com/services/[A-Za-z0-9/]{20,}"),
        (("_live_", "_test_"), r"\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}\b"),  # Stripe
        (("sk-",), r"\bsk-(?=[A-Za-z_-]{0,99}[0-9])[A-Za-z0-9_-]{20,}"),  # OpenAI, Anthropic
        (("hf_",), r"\bhf_[A-Za-z0-9]{30,}\b"),  # Hugging Face
        (("dapi",), r"\bdapi[a-f0-9]{32}(?:-\d)?\b"),  # Databricks
        (("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
        (("pypi-",), r"\bpypi-[A-Za-z0-9_-]{50,}"),
        (("SG.",), r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),  # SendGrid
        (("whsec_",), r"\bwhsec_[A-Za-z0-9+/=]{24,}"),  # Standard Webhooks
        (
            ("eyJ", "eyK"),  # JWT
            r"\bey[JK][A-Za-z0-9_-]{8,}\.ey[JK][A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        ),
        (("AccountKey=",), r"AccountKey=[A-Za-z0-9+/=]{40,}"),  # Azure storage
    )
]
_NAMED = re.compile(r"pass|secret|token|credential|key|sig", re.IGNORECASE)
"""Stands in everything that `_ASSIGNED`, `_EXPORTED` and `_QUERY` match."""


class Mask:
    """Takes the given secrets, and everything that looks like one, out of texts."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one may be a part of another.
        known = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def text(self, text: str) -> str:
        """Return the text with each secret replaced by ``[masked]``."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for texts, pattern in _LOOKS:
            if any(one in text for one in texts):
                text = pattern.sub(MASK, text)
        if "://" in text:
            text = CREDENTIALS.sub(f"{MASK}@", text)
        if _NAMED.search(text):
            text = _ASSIGNED.sub(rf"\g<head>\g<quote>{MASK}\g<quote>", text)
            text = _EXPORTED.sub(rf"\g<head>{MASK}", text)
            text = _QUERY.sub(rf"\g<head>{MASK}", text)
        return _HEADER.sub(rf"\g<head>{MASK}", text)

    def value(self, value: Any) -> Any:
        """Return JSON with each text in it masked, lists of lines as the text that they are."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(key)): self._field(key, one) for key, one in value.items()}
        if isinstance(value, list):
            return self._items(value)
        return value

    def _field(self, key: Any, value: Any) -> Any:
        # Pictures are base64, megabytes of it, in which nothing can be read.
        is_picture = str(key).startswith("image/") and "svg" not in str(key)
        return value if is_picture and isinstance(value, str) else self.value(value)

    def _items(self, items: list[Any]) -> list[Any]:
        # A notebook keeps text as lines; a secret may go over several.
        if items and all(isinstance(one, str) for one in items):
            whole = "".join(items)
            if "\n" in whole:
                masked = self.text(whole)
                return items if masked == whole else _lines(masked)
        return [self.value(one) for one in items]


def _lines(text: str) -> list[str]:
    return [line for line in re.split(r"(?<=\n)", text) if line]


def secret_values(environ: Mapping[str, str]) -> list[str]:
    """Return the values of variables that are secrets by their name, in order."""
    return sorted({environ[name] for name in environ if SECRET_NAMES.search(name)} - {""})


def load_mask(environ: Mapping[str, str]) -> Mask:
    """Return the mask for this environment and the tokens that lie in files now."""
    from baton_lab.offline.places import runtime_folder

    found = secret_values(environ)
    for path in (environ.get("BATON_TOKEN_FILE"), runtime_folder() / "token"):
        try:
            found += Path(path).read_text("utf-8").split() if path else []
        except (OSError, ValueError):
            continue
    return Mask(found)
