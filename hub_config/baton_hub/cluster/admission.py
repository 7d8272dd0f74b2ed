"""The cluster's own check: a person's server is what the catalogue offers, or it is refused.

The policy says in CEL what `baton_hub.cluster.pod.catalogue_admits` says in Python, for
whoever creates or changes a pod. A test asks both about the same pods.
"""

from __future__ import annotations

from baton_hub.catalog import Catalog, Profile
from baton_hub.cluster.names import PREFIX, cluster_name, priority_class
from baton_hub.cluster.pod import GROUP_LABEL, NOTEBOOK, PROFILE_LABEL, SIZE_LABEL, groups_of
from baton_hub.cluster.quantity import render_resources
from baton_hub.cluster.tables import Table, Variable, array, mapping, text
from baton_hub.cluster.target import SERVER, SERVER_LABEL, Manifest, Target, manifest

Validation = dict[str, str]

_HELPERS_MAY_NAME = array(["cpu", "memory", "ephemeral-storage"])
_LABELS = (SERVER_LABEL, "app.kubernetes.io/component")
"""KubeSpawner sets both; either alone makes a pod a person's server to somebody."""
_NEVER = {
    "ephemeral containers": "has(object.spec.ephemeralContainers)"
    " && size(object.spec.ephemeralContainers) > 0",
    "resources of the pod as a whole": "has(object.spec.resources)"
    " && (has(object.spec.resources.limits) || has(object.spec.resources.requests)"
    " || has(object.spec.resources.claims))",
    "claims to devices": "has(object.spec.resourceClaims) && size(object.spec.resourceClaims) > 0",
}


def render_policy(catalog: Catalog, target: Target) -> list[Manifest]:
    """Return the ValidatingAdmissionPolicy, and the binding that makes it count in the namespace.

    The catalogue stands in the policy itself, and not in a ConfigMap beside it: nobody
    who may only edit a namespace can change it, and no pod is refused because a
    parameter was not found.
    """
    name = f"{PREFIX[:-1]}.{target.namespace}"
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [_pods()]},
        "matchConditions": [{"name": "is-a-persons-server", "expression": _governed(target)}],
        "variables": _variables(catalog, target),
        "validations": _validations(),
    }
    binding = {
        "policyName": name,
        "validationActions": ["Deny"],
        "matchResources": {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": target.namespace}}
        },
    }
    return [
        manifest("ValidatingAdmissionPolicy", name, catalog.revision, spec=policy),
        manifest("ValidatingAdmissionPolicyBinding", name, catalog.revision, spec=binding),
    ]


def _pods() -> dict[str, list[str]]:
    """Return all ways in which what a pod runs and takes is said or changed."""
    return {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["pods", "pods/ephemeralcontainers", "pods/resize"],
    }


def _governed(target: Target) -> str:
    """Return what makes a pod a person's server: the Hub made it, or it is, or was, called one."""
    clauses = [f"request.userInfo.username == {text(target.creator)}"]
    clauses += [
        f"{pod} != null && has({pod}.metadata.labels)"
        f" && {text(label)} in {pod}.metadata.labels"
        f" && {pod}.metadata.labels[{text(label)}] == {text(SERVER)}"
        for pod in ("object", "oldObject")
        for label in _LABELS
    ]
    return "\n|| ".join(clauses)


def _variables(catalog: Catalog, target: Target) -> list[Variable]:
    profiles = sorted(catalog.profiles.values(), key=lambda profile: profile.name)
    images = Table("images", {p.name: text(p.image.pinned) for p in profiles})
    groups = Table("groups", {p.name: array(_group_labels(catalog, p)) for p in profiles})
    sizes = Table(
        "sizes",
        {
            f"{p.name}/{name}": mapping(render_resources(size.cpu, size.memory, size.gpus))
            for p in profiles
            for name, size in p.sizes.items()
        },
    )
    named = {
        "labels": "has(object.metadata.labels) ? object.metadata.labels : {}",
        "unchanged": "oldObject != null && object.spec == oldObject.spec && variables.labels =="
        " (has(oldObject.metadata.labels) ? oldObject.metadata.labels : {})",
        "profile": _label(PROFILE_LABEL),
        "size": _label(SIZE_LABEL),
        "group": _label(GROUP_LABEL),
        "key": "variables.profile + '/' + variables.size",
        "known": f"({images.has('variables.profile')}) && ({sizes.has('variables.key')})",
        "image": images.get("variables.profile", "''"),
        "groups": groups.get("variables.profile", "[]"),
        "amounts": sizes.get("variables.key", "{}"),
        "images": f"[{', '.join(['variables.image', *map(text, target.helper_images)])}]",
        "priority": f"variables.group == '' ? {text(priority_class(''))}"
        f" : {text(PREFIX)} + variables.group",
        "notebooks": f"object.spec.containers.filter(c, c.name == {text(NOTEBOOK)})",
        "helpers": f"object.spec.containers.filter(c, c.name != {text(NOTEBOOK)})"
        " + (has(object.spec.initContainers) ? object.spec.initContainers : [])",
        "strangers": "variables.helpers.filter(c, !has(c.image) || !(c.image in variables.images))",
        "greedy": f"variables.helpers.filter(c, has(c.resources)"
        f" && !({_at_most('limits')} && {_at_most('requests')}))",
    }
    rows = [*images.variables(), *groups.variables(), *sizes.variables()]
    return rows + [{"name": n, "expression": expression} for n, expression in named.items()]


def _group_labels(catalog: Catalog, profile: Profile) -> list[str]:
    return [cluster_name(group) if group else "" for group in groups_of(catalog, profile)]


def _label(name: str) -> str:
    return f"{text(name)} in variables.labels ? variables.labels[{text(name)}] : ''"


def _validations() -> list[Validation]:
    """Return the rules. Most suppose a known size: without one, the second refuses already."""
    label = f"variables.labels[{text(SERVER_LABEL)}]"
    return [
        _rule(
            [f"{text(SERVER_LABEL)} in variables.labels", f"{label} == {text(SERVER)}"],
            f"'A server of a person keeps the label {SERVER_LABEL}={SERVER}.'",
        ),
        _rule(
            ["variables.known"],
            "'The catalogue offers no profile \"' + variables.profile + '\" with a size \"'"
            " + variables.size + '\".'",
        ),
        _known(
            [
                "variables.group in variables.groups",
                f"(variables.group != '' || !({text(GROUP_LABEL)} in variables.labels))",
                "has(object.spec.priorityClassName)",
                "object.spec.priorityClassName == variables.priority",
            ],
            "'A server of ' + variables.profile + ' must stand for a group that is offered it,'"
            " + ' and have the priority class of that group, not of another.'",
        ),
        _known(
            [
                "size(variables.notebooks) == 1",
                "variables.notebooks.all(c, has(c.image) && c.image == variables.image)",
            ],
            "'A server of ' + variables.profile + ' must have one notebook container, with the'"
            " + ' image ' + variables.image + '.'",
        ),
        _known(
            [
                "variables.notebooks.all(c, has(c.resources))",
                *(_same(kind) for kind in ("limits", "requests")),
            ],
            "'The limits and the requests of the notebook container must be those of the size '"
            " + variables.key + ' in the catalogue.'",
        ),
        _known(
            ["size(variables.strangers) == 0"],
            "'The image of the container ' + variables.strangers[0].name + ' is neither the'"
            " + ' one of the profile nor a helper that operations named.'",
        ),
        _known(
            ["size(variables.greedy) == 0"],
            "'The container ' + variables.greedy[0].name + ' takes more than the size '"
            " + variables.key + ', or something else than CPU, memory and ephemeral storage.'",
        ),
        _known(
            [
                "(!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.image)"
                " || has(v.image.reference) && v.image.reference in variables.images))"
            ],
            "'A volume of the pod has an image that is not the one of the profile.'",
        ),
        *(
            _known([f"!({found})"], f"'A server of a person may not have {what}.'")
            for what, found in _NEVER.items()
        ),
    ]


def _rule(holds: list[str], otherwise: str) -> Validation:
    """Return a rule for what is new: what runs is let be when the catalogue changes."""
    return {
        "expression": "variables.unchanged\n|| " + "\n&& ".join(holds),
        "messageExpression": otherwise,
        "reason": "Forbidden",
    }


def _known(holds: list[str], otherwise: str) -> Validation:
    rule = _rule(holds, otherwise)
    return rule | {"expression": f"!variables.known || {rule['expression']}"}


def _same(kind: str) -> str:
    given = f"c.resources.{kind}"
    return (
        f"variables.notebooks.all(c, has({given})\n   && variables.amounts.all(r, r in {given}"
        f" && quantity({given}[r]).compareTo(quantity(variables.amounts[r])) == 0)"
        f"\n   && {given}.all(r, !r.contains('/') || r in variables.amounts))"
    )


def _at_most(kind: str) -> str:
    given = f"c.resources.{kind}"
    return (
        f"(!has({given}) || {given}.all(r, r in {_HELPERS_MAY_NAME} && (!(r in variables.amounts)"
        f" || quantity({given}[r]).compareTo(quantity(variables.amounts[r])) <= 0)))"
    )
