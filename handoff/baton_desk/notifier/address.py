"""Where webhooks may go: public https addresses, and what operations allow besides.

The names are resolved here and the connection is made to the address that was
checked, so that a name can't point elsewhere between the two (rebinding).
"""

from __future__ import annotations

import asyncio
import re
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpcore

from baton_contract import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")
_PRINTABLE = re.compile(r"[\x21-\x5b\x5d-\x7e]+")  # no space, control character or backslash
_NAT64 = IPv6Network("64:ff9b::/96")
_TRANSLATED = (IPv6Network("64:ff9b:1::/48"), IPv6Network("2001::/32"))


class AddressRefusedError(Exception):
    """A webhook may not go there; the text says why."""


@dataclass(frozen=True)
class Target:
    """An address taken apart, once; the request is built from this and not from the text."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def url(self) -> httpcore.URL:
        """The address in the form that the connection takes."""
        return httpcore.URL(
            scheme=b"https" if self.secure else b"http",
            host=self.host.encode("ascii"),
            port=self.port,
            target=self.path.encode("ascii"),
        )

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


class AddressPolicy:
    """Decides where webhooks may go.

    ``allowed`` holds ``host`` or ``host:port`` as operations name them; those may be
    private and plain http.
    """

    def __init__(self, allowed: frozenset[str] = frozenset()) -> None:
        self._allowed = allowed

    async def require_allowed(self, url: str) -> None:
        """Raise `BadRequestError` ``address_refused``, with why, unless webhooks may go there."""
        try:
            target = self.parse(url)
            await self.resolve(target.host, target.port)
        except AddressRefusedError as refusal:
            raise BadRequestError(
                "address_refused", f"No webhook can go there: {refusal}"
            ) from refusal

    def parse(self, url: str) -> Target:
        """Return the address in parts; raises `AddressRefusedError` for one that can't be meant."""
        if not _PRINTABLE.fullmatch(url):
            raise AddressRefusedError("the address holds characters that no address has.")
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise AddressRefusedError("the address can't be read.") from None
        secure = parts.scheme == "https"
        target = Target(
            secure=secure,
            host=host,
            port=port or (443 if secure else 80),
            path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        )
        if parts.username is not None or parts.password is not None:
            raise AddressRefusedError("it carries a user or password; put a secret into the path.")
        if parts.scheme not in {"https", "http"}:
            raise AddressRefusedError("it must begin with https://.")
        _check_host(host)
        if not secure and not self.is_allowed(host, target.port):
            raise AddressRefusedError(
                "it must begin with https://. Operations may allow a host without it."
            )
        return target

    def is_allowed(self, host: str, port: int) -> bool:
        """Return whether operations allow the host, private and plain as it may be."""
        return bool({host, f"{host}:{port}", f"[{host}]:{port}"} & self._allowed)

    async def resolve(self, host: str, port: int) -> list[str]:
        """Return the IP addresses of a host, all of them fit to be connected to."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise AddressRefusedError(f"the name {host} is not known.") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self.is_allowed(host, port):
            for address in addresses:
                if not is_public(address):
                    raise AddressRefusedError(
                        f"{host} is {address}, which is not a public address. Operations may "
                        "allow the host."
                    )
        return addresses


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the address that the policy has checked, and to nothing else."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, check and connect; raises `AddressRefusedError` or httpcore's errors."""
        addresses = await self._policy.resolve(host, port)
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or httpcore.ConnectError("no address")

    async def sleep(self, seconds: float) -> None:
        """Wait, as httpcore asks."""
        await asyncio.sleep(seconds)


def is_public(text: str) -> bool:
    """Return whether an IP address is on the public internet, seen through its wrappings."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if any(address in network for network in _TRANSLATED) or address.is_site_local:
            return False
        address = _unwrapped(address)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _unwrapped(address: IPv6Address) -> IPv4Address | IPv6Address:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _check_host(host: str) -> None:
    if ":" in host:
        _check_literal(host)
    elif not _NAME.fullmatch(host):
        raise AddressRefusedError(
            "the host's name can't be read. Write names with other letters in their xn-- form."
        )
    elif _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        # 127.1, 0x7f000001, 2130706433: the resolver would read these as addresses too.
        _check_literal(host)


def _check_literal(host: str) -> None:
    try:
        ip_address(host)
    except ValueError:
        raise AddressRefusedError("an IP address must be written out in full.") from None
