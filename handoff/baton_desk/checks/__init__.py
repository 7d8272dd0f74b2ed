"""Looks at what was submitted, before anybody is offered it."""

from baton_desk.checks.checker import Checker

__all__ = ["Checker"]
