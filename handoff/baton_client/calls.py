"""What is asked of the desk and what its answers mean, without any connection."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from baton_contract.errors import (
    BY_STATUS,
    BadRequestError,
    PublicError,
    UnauthorizedError,
    UnavailableError,
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request to the desk: a method, a path below its address, query and JSON body."""

    method: str
    path: str
    params: dict[str, str] = field(default_factory=dict)
    body: Any = None


def handoffs(*, box: str, state: str | None, cursor: str | None, limit: int) -> Call:
    """One page of the caller's handoffs, newest first."""
    params = {"box": box, "limit": str(limit)}
    if state:
        params["state"] = state
    if cursor:
        params["cursor"] = cursor
    return Call(method="GET", path="api/handoffs", params=params)


def create(packet: Any) -> Call:
    """A draft that carries ``packet``."""
    return Call(method="POST", path="api/handoffs", body=packet)


def handoff(handoff_id: str) -> Call:
    """One handoff with its checks, thread and deployments."""
    return Call(method="GET", path=_path(handoff_id))


def packet(handoff_id: str) -> Call:
    """The packet in canonical form."""
    return Call(method="GET", path=_path(handoff_id, "packet"))


def file(handoff_id: str, sha256: str, *, method: str = "GET") -> Call:
    """One file's content, down (GET) or up (PUT)."""
    return Call(method=method, path=_path(handoff_id, "files", sha256))


def transition(handoff_id: str, action: str, reason: str | None = None) -> Call:
    """A step of the handoff: submit, withdraw, reoffer, accept and so on."""
    body = {} if reason is None else {"reason": reason}
    return Call(method="POST", path=_path(handoff_id, action), body=body)


def comment(handoff_id: str, body: str) -> Call:
    """A line in the handoff's thread."""
    return Call(method="POST", path=_path(handoff_id, "comments"), body={"body": body})


def deployment(handoff_id: str, report: dict[str, str]) -> Call:
    """A deployment's status in one environment."""
    return Call(method="POST", path=_path(handoff_id, "deployments"), body=report)


def teams() -> Call:
    """Every team, and whether the caller is a member."""
    return Call(method="GET", path="api/teams")


def _path(handoff_id: str, *parts: str) -> str:
    return "/".join(["api/handoffs", *(quote(part, safe="") for part in (handoff_id, *parts))])


def parse_address(url: str) -> str:
    """Return the desk's address with one slash at its end.

    Raises `BadRequestError` for anything but http or https with a host, and for an
    address that holds a password: tokens go in a header, never in an address.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise BadRequestError(
            "address", "The desk's address must look like https://hub.example.org/services/desk."
        )
    if parts.username or parts.password:
        raise BadRequestError("address", "Leave the password out of the desk's address.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


def is_local(url: str) -> bool:
    """Return whether ``url`` is on this machine, where the environment's proxies don't apply."""
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


def check(response: httpx.Response) -> None:
    """Raise the error that a failed answer stands for; its body must have been read."""
    if not response.is_success:
        raise parse_error(response)


def parse_error(response: httpx.Response) -> PublicError:
    """Return the error that a failed answer stands for.

    The contract's envelope is read as it is; any other failure (a proxy's page, a
    redirect to a sign-in) becomes a sentence of our own.
    """
    body = _envelope(response)
    if body is None:
        return _foreign_error(response)
    kind = BY_STATUS.get(response.status_code, _kind(response.status_code))
    error = kind(str(body.get("code", "unknown")), str(body.get("message", "")))
    details = body.get("details")
    error.details = details if isinstance(details, dict) else {}
    return error


def unreachable(error: httpx.TransportError) -> UnavailableError:
    """Return what to tell a person when no answer came at all."""
    is_slow = isinstance(error, httpx.TimeoutException)
    what = "takes too long to answer" if is_slow else "can't be reached"
    return UnavailableError(
        "desk_unavailable",
        f"The desk {what}. Nothing was changed. Try again in a moment.",
        reason=type(error).__name__,
    )


def _envelope(response: httpx.Response) -> dict[str, Any] | None:
    try:
        value = json.loads(response.content)
    except ValueError:
        return None
    body = value.get("error") if isinstance(value, dict) else None
    return body if isinstance(body, dict) else None


def _kind(status: int) -> type[PublicError]:
    return UnavailableError if status >= 500 else BadRequestError


def _foreign_error(response: httpx.Response) -> PublicError:
    status = response.status_code
    if response.is_redirect or status in {401, 403}:
        return UnauthorizedError(
            "not_signed_in", "The desk does not accept this token. Check it, or make a new one."
        )
    if status >= 500:
        return UnavailableError(
            "desk_unavailable",
            f"The desk does not answer now (HTTP {status}). Nothing was changed. Try again soon.",
        )
    kind = BY_STATUS.get(status, BadRequestError)
    return kind(
        "not_the_desk", f"There is no desk at this address (HTTP {status}). Check the address."
    )
