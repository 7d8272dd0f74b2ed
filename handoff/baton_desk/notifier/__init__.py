"""Tells teams, at least once: outbox → signed webhooks."""

from baton_desk.notifier.notifier import Notifier

__all__ = ["Notifier"]
