"""Stopping servers that nobody uses, each after the time that its profile gives it."""

from baton_hub.idle.use import Idleness, Uses

__all__ = ["Idleness", "Uses"]
