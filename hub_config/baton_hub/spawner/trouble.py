"""What can go wrong between a decision and a running pod, and what the person reads of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from baton_contract import ConflictError, PublicError, UnavailableError
from baton_hub.amount import render_resources
from baton_hub.cluster.pod import NOTEBOOK
from baton_hub.policy import ServerSpec


@dataclass(frozen=True)
class Trouble:
    """What keeps a server from coming up, or ended it."""

    code: str
    """Stable; a key of `SENTENCES`."""
    detail: str = ""
    """The cluster's own words. For the Hub's log only: they name addresses and secrets."""
    may_pass: bool = False
    """True: the cluster may get over it, so that waiting makes sense."""


SENTENCES: dict[str, tuple[type[PublicError], str]] = {
    "cluster_unreachable": (
        UnavailableError,
        "The cluster does not answer, so {server} was not started:"
        " try again in a few minutes, and tell {contact} if it stays so.",
    ),
    "cluster_quota": (
        UnavailableError,
        "The cluster's own quota has no room for {server} now:"
        " stop a server that you do not need, choose a smaller size, or ask {contact}.",
    ),
    "cluster_refused": (
        ConflictError,
        "The cluster does not accept {server}, so nothing was started: please tell {contact}.",
    ),
    "cluster_full": (
        UnavailableError,
        "No machine of the cluster has room for {server}, which takes {resources}:"
        " try again later, or choose a smaller size.",
    ),
    "cluster_evicted": (
        UnavailableError,
        "The cluster took {server} away before it was ready, to make room or for maintenance:"
        " try again in a few minutes.",
    ),
    "image_unavailable": (
        UnavailableError,
        "The cluster can't fetch the image of {title}, so nothing was started:"
        " choose another profile, and please tell {contact}.",
    ),
    "secret_missing": (
        ConflictError,
        "A secret that {needing} needs is missing in the cluster, so nothing was started:"
        " {instead}please tell {contact}.",
    ),
    "server_crashed": (
        ConflictError,
        "{server} ended by itself while it started:"
        " try again once, and tell {contact} if it happens again.",
    ),
    "out_of_memory": (
        ConflictError,
        "{server} ran out of memory while it started: choose a larger size.",
    ),
    "server_slow": (
        UnavailableError,
        "{server} was not ready in time, so it was ended:"
        " try again, as what was fetched is kept, and tell {contact} if it happens again.",
    ),
}
"""By code: what kind of error it is, and its one sentence. 503 may pass, 409 needs somebody."""


def sentence(code: str, spec: ServerSpec, contact: str, connections: tuple[str, ...] = ()) -> str:
    """Return what a person reads of a trouble: what happened and what to do, no address.

    ``connections`` are the titles of those whose secret is missing.
    """
    return SENTENCES[code][1].format(
        title=spec.title,
        server=f"{spec.title} ({spec.size})",
        resources=", ".join(render_resources(spec.amount)),
        contact=contact,
        needing=f"the connection {' or '.join(connections)}" if connections else spec.title,
        instead="start without it, and " if connections else "",
    )


def public_error(trouble: Trouble, message: str) -> PublicError:
    """Return a trouble as the error that the person gets."""
    return SENTENCES[trouble.code][0](trouble.code, message)


def read_refusal(error: Exception) -> Trouble:
    """Return what it means that the API did not create something.

    ``error`` is what the Kubernetes client raised: with ``status`` and ``body`` where
    the API answered.
    """
    status, said = getattr(error, "status", None), _said(getattr(error, "body", None))
    if not isinstance(status, int) or status == 429 or status >= 500:
        return Trouble("cluster_unreachable", said or repr(error))
    if status == 403 and "exceeded quota" in said:
        return Trouble("cluster_quota", said)
    return Trouble("cluster_refused", f"{status} {said}")


_IMAGE = {
    "ErrImagePull",
    "ErrImageNeverPull",
    "ImageInspectError",
    "ImagePullBackOff",
    "InvalidImageName",
    "RegistryUnavailable",
    "SignatureValidationFailed",
}
_CRASH = {
    "CrashLoopBackOff",
    "CreateContainerError",
    "PostStartHookError",
    "PreCreateHookError",
    "PreStartHookError",
    "RunContainerError",
}


def read_trouble(pod: dict[str, Any]) -> Trouble | None:
    """Return what keeps a pod from coming up, from its JSON; None when nothing does.

    The reasons are those of Kubernetes' kubelet and scheduler; what is not known here
    is no trouble, and ends with the start's own time.
    """
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp"):
        return Trouble("cluster_evicted", "the pod is being deleted")
    for kind in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(kind) or []:
            trouble = _waiting(container) or _ended(container)
            if trouble is not None:
                return trouble
    return _over(status) or _unscheduled(status)


def _waiting(container: dict[str, Any]) -> Trouble | None:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, said = waiting.get("reason", ""), waiting.get("message", "")
    detail = f"{container.get('name')}: {reason} {said}".strip()
    if reason in _IMAGE:
        return Trouble("image_unavailable", detail)
    if reason == "CreateContainerConfigError":
        missing = re.search(r"\bsecret\b", said, re.IGNORECASE)
        return Trouble("secret_missing" if missing else "cluster_refused", detail)
    if reason in _CRASH:
        return Trouble("out_of_memory" if _killed(container) else "server_crashed", detail)
    return None


def _ended(container: dict[str, Any]) -> Trouble | None:
    """Return the trouble of a notebook that ended; the others may, or are started again."""
    end = _last_end(container)
    if container.get("name") != NOTEBOOK or not end:
        return None
    detail = f"{end.get('reason')} with exit code {end.get('exitCode')}"
    return Trouble("out_of_memory" if _killed(container) else "server_crashed", detail)


def _killed(container: dict[str, Any]) -> bool:
    return _last_end(container).get("reason") == "OOMKilled"


def _last_end(container: dict[str, Any]) -> dict[str, Any]:
    found = [(container.get(key) or {}).get("terminated") for key in ("state", "lastState")]
    return next(filter(None, found), None) or {}


def _over(status: dict[str, Any]) -> Trouble | None:
    """Return the trouble of a pod that is over, though no container tells why."""
    if status.get("phase") not in ("Failed", "Succeeded"):
        return None
    reason = status.get("reason") or ""
    detail = f"{status['phase']} {reason} {status.get('message') or ''}".strip()
    # A node that was chosen and then said no: it had less room than the scheduler thought.
    if reason.startswith("OutOf") or reason in ("UnexpectedAdmissionError", "NodeAffinity"):
        return Trouble("cluster_full", detail)
    return Trouble("cluster_evicted" if reason else "server_crashed", detail)


def _unscheduled(status: dict[str, Any]) -> Trouble | None:
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return Trouble("cluster_full", condition.get("message") or "", may_pass=True)
    return None


def _said(body: Any) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:500]
