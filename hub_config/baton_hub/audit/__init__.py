"""The record of what was decided and what ran, and what can be learnt from it."""

from baton_hub.audit.log import Audit

__all__ = ["Audit"]
