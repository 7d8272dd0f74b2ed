"""How a try to deliver can fail: whether it is tried again is a type."""

from __future__ import annotations


class DeliveryError(Exception):
    """A try that failed; the text goes into the delivery's attempts."""

    def __init__(self, message: str, *, status_code: int | None = None) -> None:
        super().__init__(message)
        self.status_code = status_code


class TemporaryError(DeliveryError):
    """Worth another try, after ``delay`` seconds at the earliest when the receiver said so."""

    def __init__(
        self, message: str, *, status_code: int | None = None, delay: float | None = None
    ) -> None:
        super().__init__(message, status_code=status_code)
        self.delay = delay


class PermanentError(DeliveryError):
    """Another try would end the same; ``gone`` also disables the channel."""

    def __init__(self, message: str, *, status_code: int | None = None, gone: bool = False) -> None:
        super().__init__(message, status_code=status_code)
        self.gone = gone
