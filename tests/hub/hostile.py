"""What somebody might send instead of a choice. Generated, so that nothing depends on one idea."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes

GOOD = {"profile": "tables", "size": "small"}
"""A choice that the scientist may start, to which something hostile is added."""

SMUGGLED = (
    "image",
    "image_spec",
    "image_pull_policy",
    "profile_list",
    "kubespawner_override",
    "kubespawner_options",
    "environment",
    "env",
    "env_keep",
    "cmd",
    "args",
    "cpu_limit",
    "cpu_guarantee",
    "mem_limit",
    "mem_guarantee",
    "extra_resource_limits",
    "extra_container_config",
    "extra_pod_config",
    "volumes",
    "volume_mounts",
    "service_account",
    "privileged",
    "uid",
    "gid",
    "run_as_uid",
    "node_selector",
    "tolerations",
    "namespace",
    "pod_name",
    "labels",
    "extra_labels",
    "hooks",
    "pre_spawn_hook",
    "modify_pod_hook",
    "user",
    "groups",
    "admin",
    "server_token_scopes",
    "oauth_client_id",
    "default_url",
    "notebook_dir",
    "http_timeout",
    "debug",
    "__class__",
    "__init__",
    "__proto__",
    "constructor",
    "spec",
    "booking",
    "digest",
    "secrets",
    "connection",
    "option",
)
OTHER_TYPES: tuple[Any, ...] = (None, True, 0, 0.5, 10**30, [], {}, [{}])
LOOK_ALIKES = (
    "Tables",
    "TABLES",
    "tables ",
    " tables",
    "tables\n",
    "tables\t",
    "tables\0",
    "tables\u200b",
    "tab\u00adles",
    "tab\u200dles",
    "\ufefftables",
    "\u202etables",
    "t\u0430bles",  # Cyrillic
    "\uff54\uff41\uff42\uff4c\uff45\uff53",  # full width
    "\U0001d42dables",  # mathematical bold
    "ta\u0301bles",
    "tables\ud800",
    "tables.yaml",
    "./tables",
    "../profiles/tables",
    "tables/",
    "tables/../tables",
    "tables%00",
    "%74ables",
    "file:///profiles/tables.yaml",
    "\\\\host\\tables",
    "tables;id",
    "$(tables)",
    "`tables`",
    "${tables}",
    "{username}",
    "{unescaped_username}",
    "{{tables}}",
    "%(tables)s",
    "<script>tables</script>",
    "' OR 1=1 --",
    "*",
    "?",
    "null",
    "None",
    "true",
)
UNSEEN = ("\0", "\n", "\r\n", "\x1b[31m", "\x7f", "\u200b", "\u2028", "\u202e", "\ud800", "\u00a0")


def nested(depth: int) -> Any:
    """Return objects in lists in objects, so many levels deep."""
    value: Any = "tables"
    for level in range(depth):
        value = {"profile": value} if level % 2 else [value]
    return value


def choices() -> list[Any]:
    """Return choices as a program would send them, each of them refused."""
    ways = (_of_other_types, _smuggling, _named_alike, _not_offered, _with_bad_answers, _too_large)
    return [choice for way in ways for choice in way()]


def _of_other_types() -> Iterator[Any]:
    yield from ({}, {"size": "small"}, {"options": {"log-level": "info"}}, {"connections": []})
    yield from ({"profile": ""}, {"profile": "", "size": "small"})
    for value in OTHER_TYPES:
        yield from ({"profile": value}, {**GOOD, "size": value})
        yield {**GOOD, "options": {"note": value}}
        yield {**GOOD, "connections": [value]}
    for value in (None, 0, "lake", [{}]):
        yield from ({**GOOD, "options": value}, {**GOOD, "connections": value or {}})


def _smuggling() -> Iterator[Any]:
    for key in SMUGGLED:
        yield {**GOOD, key: "tables"}
    for key in ("image", "kubespawner_override", "environment"):
        yield {**GOOD, key: {"image": "docker.io/evil", "cmd": ["sh"], "env": {"PATH": "/tmp"}}}
        yield {**GOOD, "options": {key: "docker.io/evil"}}
        yield {**GOOD, "size": {key: "docker.io/evil"}}
    yield {"__jupyterhub_bytes__": True, "data": "YWJj"}
    yield {**GOOD, "options": {"__jupyterhub_bytes__": True, "data": "YWJj"}}
    yield {"profile": {"__jupyterhub_bytes__": True, "data": "!"}}


def _named_alike() -> Iterator[Any]:
    for number, name in enumerate(LOOK_ALIKES):
        lake = name.replace("tables", "tables-lake")
        yield ({"profile": name}, {**GOOD, "connections": [lake]}, {**GOOD, "size": name})[
            number % 3
        ]
    for key in ("Profile", "PROFILE", "profile ", "pro\u200bfile", "\u0440rofile", "profile[]"):
        yield from ({key: "tables"}, {**GOOD, key: "python"})


def _not_offered() -> Iterator[Any]:
    for size in ({}, {"size": "one-gpu"}, {"size": "two-gpus"}, {"size": "small"}):
        yield {"profile": "pytorch-gpu", **size}
    for name in ("large", "huge", "", "small,large", "medium"):
        yield {**GOOD, "size": name}
    yield {"profile": "python", "options": {"note": "of another profile"}}
    yield {"profile": "python", "connections": ["tables-lake"]}
    for names in (["tables-vault"], ["tables-lake", "tables-vault"], ["tables-lake"] * 2, [""]):
        yield {**GOOD, "connections": names}
    # Offered, but its secret is not on this machine.
    yield {**GOOD, "connections": ["tables-moon"]}


def _with_bad_answers() -> Iterator[Any]:
    for text in UNSEEN:
        yield {**GOOD, "options": {"note": f"a{text}b"}}
        yield {**GOOD, "options": {f"note{text}": "a"}}
    for key, answer in (("log-level", "WARN"), ("log-level", ""), ("note", "n" * 201), ("", "")):
        yield {**GOOD, "options": {key: answer}}


def _too_large() -> Iterator[Any]:
    for length in (1_000, 10_000):
        yield from ({"profile": "x" * length}, {**GOOD, "size": "x" * length}, {"x" * length: "y"})
        yield {**GOOD, "options": {"note": "n" * length}}
    for count in (65, 2_000):
        yield {**GOOD, "connections": [str(number) for number in range(count)]}
        yield {**GOOD, "options": {str(number): "x" for number in range(count)}}
        yield {str(number): "x" for number in range(count)}
    for depth in (3, 14, 17, 100, 900):
        yield from ({"profile": nested(depth)}, {**GOOD, "options": nested(depth)})


def bodies() -> Iterator[bytes]:
    """Yield bodies that are no JSON, no object, or more than a choice can be."""
    yield from (b"{", b"]", b"nonsense", b"\xff\xfe", b"\xef\xbb\xbf{}", b"'tables'", b"{'a': 1}")
    yield from (b"1", b"1e999", b"-Infinity", b"NaN", b"true", b'"tables"', b'["tables"]', b"[1]")
    yield b'{"profile": "tables", "size": "small",}'
    yield b'{"profile": NaN, "size": Infinity}'
    yield b'{"profile": "tables", "profile": "pytorch-gpu"}'
    yield b'{"profile": "\\ud800\\udfff\\ud800"}'
    yield b'{"profile": ' + b"9" * 5_000 + b"}"
    yield b'{"profile": "tables", "\\u0000": 1}'
    yield b"[" * 30_000
    yield b'{"a":' * 10_000
    yield b'{"profile": "' + b"x" * 5_000_000 + b'"}'
    yield b'{"user_options": "tables"}'
    yield b'{"user_options": ["tables"]}'
    yield b'{"user_options": {"profile": "tables"}, "display_name": 5}'
    yield b'{"user_options": {"profile": "tables", "image": "evil"}, "display_name": "x"}'


def fields() -> Iterator[str]:
    """Yield forms as a browser would encode them, each of them refused."""
    for choice in choices():
        if not any("display_name" in str(key) for key in choice):
            yield "&".join(
                f"{_quoted(key)}={_quoted(value if isinstance(value, str) else json.dumps(value))}"
                for key, value in choice.items()
            )
    good = "profile=tables&size.tables=small"
    yield from ("profile=%ff", "%ff=tables", f"{good}&option.tables.note=%ff%fe", "profile=%00")
    yield from (f"{good}&profile=tables", f"{good}&size.tables=large", "choice=tables/small/x")
    yield from (f"{good}&option.tables=x", f"{good}&option..note=x", f"{good}&option.tables.x=y")
    yield from (f"{good}&connection.tables=tables-vault", f"{good}&connection.tables.x=tables-lake")
    yield from (f"{good}&connection.tables=tables-lake&connection.tables=tables-lake",)
    yield from (f"{good}&choice=python/small", f"{good}&image=evil", f"{good}&opt-image=evil")
    yield from (f"{good}&option.tables.note=a%0Ab", f"{good}&option.tables.__jupyterhub_bytes__=1")
    yield from ("choice=pytorch-gpu/one-gpu", "choice=tables/", "choice=/small", "choice=")
    yield from ("__jupyterhub_bytes__=True&data=YWJj", "size.tables=small", "option.tables.note=x")


def _quoted(text: str) -> str:
    return quote_from_bytes(text.encode("utf-8", "surrogatepass"))
