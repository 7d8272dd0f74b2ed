"""One webhook: signed as Standard Webhooks say, sent, and judged.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpcore

from baton_desk.notifier.address import AddressPolicy, AddressRefusedError, CheckedBackend
from baton_desk.notifier.errors import PermanentError, TemporaryError
from baton_desk.seal import SECRET_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from baton_desk.notifier.address import Target

TIMEOUT = 20.0
MAX_DELAY = 24 * 60 * 60.0


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` of ``body``: ``v1`` and an HMAC-SHA256.

    ``timestamp`` is in seconds and goes into ``webhook-timestamp``.
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    content = f"{webhook_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


class WebhookSender:
    """Sends webhooks: no redirects, no proxies, and answers are not read."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=50,
            max_keepalive_connections=0,  # so that every delivery's address is checked anew
            network_backend=CheckedBackend(policy),
        )

    async def send(
        self, url: str, *, secret: str, webhook_id: str, timestamp: int, body: bytes
    ) -> int:
        """Deliver ``body``; return the receiver's status, which is 2xx.

        Raises `PermanentError` for 3xx, 410 and a refused address, `TemporaryError`
        for everything else that is not 2xx.
        """
        try:
            target = self._policy.parse(url)
            headers = _headers(target, secret, webhook_id, timestamp, body)
            async with asyncio.timeout(TIMEOUT):
                status, retry_after = await self._post(target, headers, body)
        except AddressRefusedError as refusal:
            raise PermanentError(f"The address is refused: {refusal}") from refusal
        except TimeoutError as error:
            raise TemporaryError(f"No answer within {TIMEOUT:.0f} s.") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
            kind = type(error).__name__
            raise TemporaryError(f"The receiver can't be reached ({kind}).") from error
        except (ssl.SSLError, OSError) as error:
            raise TemporaryError(f"The connection failed ({type(error).__name__}).") from error
        _judge(status, retry_after)
        return status

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()

    async def _post(
        self, target: Target, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> tuple[int, str]:
        # The answer's body is left unread: it is nobody's business and may be endless.
        async with self._pool.stream("POST", target.url, headers=headers, content=body) as answer:
            return answer.status, _header(answer.headers, b"retry-after")


def _headers(
    target: Target, secret: str, webhook_id: str, timestamp: int, body: bytes
) -> list[tuple[bytes, bytes]]:
    texts = {
        "Host": target.authority,
        "User-Agent": "baton-desk",
        "Content-Type": "application/cloudevents+json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, webhook_id, timestamp, body),
    }
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in texts.items()]


def _judge(status: int, retry_after: str) -> None:
    if 200 <= status < 300:
        return
    if status == 410:
        raise PermanentError("The receiver is gone.", status_code=status, gone=True)
    if 300 <= status < 400:
        raise PermanentError(
            "The receiver answered with a redirect, which is not followed. Enter its last one.",
            status_code=status,
        )
    raise TemporaryError(
        f"The receiver answered {status}.", status_code=status, delay=parse_retry_after(retry_after)
    )


def parse_retry_after(text: str, now: datetime | None = None) -> float | None:
    """Return a Retry-After in seconds (RFC 9110: a number, or a date), at most a day; or None."""
    if text.isascii() and text.isdecimal():
        return min(float(text[:9]), MAX_DELAY)
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(max(seconds, 0.0), MAX_DELAY)


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> str:
    return next((v.decode("latin-1") for n, v in headers if n.lower() == name), "")
