"""Whether anybody could ever start what is offered: sizes held against quotas."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from baton_hub.amount import Amount, render_amount
from baton_hub.catalog.draft import Draft
from baton_hub.catalog.fault import Fault
from baton_hub.catalog.model import Profile, Size
from baton_hub.catalog.quotas import Limits
from baton_hub.catalog.words import listed, shown


def check_sizes(draft: Draft) -> Iterator[Fault]:
    """Yield sizes that are above the quota of everybody who is offered them.

    People that ``quotas.yaml`` names may be in any group, so a limit for each user counts
    only where it is too small for all of them, too.
    """
    quotas = draft.quotas
    persons = [quotas.each_user, *(quotas.for_user(name) for name in quotas.users)]
    for source, profile in draft.profiles:
        for name, size in profile.sizes.items():
            reasons = list(_reasons(draft, profile, size, persons))
            if reasons:
                message = f"Nobody can start the size {name}: {reasons[0]}. Change one of the two."
                yield source.fault(
                    ("sizes", name), message, code="size_over_quota", key=True, left_to_policy=True
                )


def _reasons(draft: Draft, profile: Profile, size: Size, persons: list[Limits]) -> Iterator[str]:
    wanted = size.amount
    over = exceeded(draft.quotas.total, wanted)
    if over:
        yield f"everybody together may use {over}"
    overs = [exceeded(limits, wanted) for limits in persons]
    if all(overs):
        yield f"each user may use {overs[0]}"
    for group in profile.access.groups:
        over = exceeded(draft.quotas.groups.get(group, Limits()), wanted)
        if over and not profile.access.everybody:
            yield f"the group {listed([group])} may use {over}"


def exceeded(limits: Limits, wanted: Amount) -> str:
    """Return in words the first limit that one server alone is above; empty when it fits."""
    most = {"servers": limits.servers, "cpu": limits.cpu, "memory": limits.memory, **limits.gpus}
    for resource, limit in most.items():
        if limit is not None and wanted.of(resource) > limit:
            return f"{render_amount(resource, limit)}, and it takes" + (
                f" {render_amount(resource, wanted.of(resource))}"
            )
    budget = limits.budget
    if budget and wanted.cpu and budget.cpu_hours == 0:
        return "no CPU hours"
    if budget and wanted.gpu and budget.gpu_hours == 0:
        return "no GPU hours"
    return ""


def check_quotas(draft: Draft) -> Iterator[Fault]:
    """Yield what in ``quotas.yaml`` is probably misspelt, because no profile knows it."""
    if "quotas" not in draft.special:
        return
    groups = {group for _, profile in draft.profiles for group in profile.access.groups}
    for group in draft.quotas.groups:
        close = get_close_matches(group, groups, n=1, cutoff=0.8)
        if group not in groups and close:
            message = f"No profile is offered to {shown(group)}. Did you mean {shown(close[0])}?"
            yield draft.fault_in(
                "quotas", ("groups", group), message, code="unknown_group", is_warning=True
            )
    yield from _gpus_without_limit(draft)


def _gpus_without_limit(draft: Draft) -> Iterator[Fault]:
    quotas = draft.quotas
    all_limits = (quotas.each_user, quotas.total, *quotas.users.values(), *quotas.groups.values())
    limited = {kind for limits in all_limits for kind in limits.gpus}
    for source, profile in draft.profiles if limited else ():
        for name, size in profile.sizes.items():
            for kind in size.gpus.keys() - limited:
                message = f"quotas.yaml limits GPUs, but none of this kind: {kind}. Add a limit."
                yield source.fault(
                    ("sizes", name, "gpus", kind),
                    message,
                    code="gpu_not_limited",
                    key=True,
                    is_warning=True,
                )
