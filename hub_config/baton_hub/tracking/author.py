"""The author of what is recorded: the Hub's user, whatever the client claims.

MLflow believes its clients in a dozen places. ``stamp`` corrects them all in the
decoded body, by one table, before MLflow sees it. Who started something is its
author for good: a later request can't name another, nor take the name away.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from baton_contract.errors import BadRequestError, ForbiddenError

TAG = "mlflow.user"

Body = dict[str, Any]
Rule = Callable[[Body, str], None]


def stamp(method: str, path: str, body: Body, user: str) -> Body:
    """Return the body with every author in it set to ``user``.

    ``path`` is the path below the service's prefix. Bodies of routes that record no
    author come back as they are. Raises ForbiddenError for a request that would
    only change or remove an author, BadRequestError for one that MLflow's own
    location of artifacts must not be overruled by.
    """
    rule = find_rule(method, path)
    if rule is None:
        return body
    stamped: Body = json.loads(json.dumps(body))
    rule(stamped, user)
    return stamped


def find_rule(method: str, path: str) -> Rule | None:
    """Return the rule for a route, or None where no author is recorded."""
    api = _API.fullmatch(path)
    if api is None:
        return None
    for verb, route, rule in _RULES:
        if verb == method and route.fullmatch(api[1]):
            return rule
    return None


def _run(body: Body, user: str) -> None:
    _field("user_id")(body, user)
    _tags(body, user)


def _experiment(body: Body, user: str) -> None:
    _tags(body, user)
    location = body.get("artifact_location") or body.get("artifactLocation") or ""
    # MLflow would read and write any folder of this machine that a client names.
    if location and not str(location).startswith("mlflow-artifacts:/"):
        raise BadRequestError(
            "artifact_location",
            "This platform decides where artifacts are kept. "
            "Create the experiment again without an artifact location.",
        )


def _tags(body: Body, user: str) -> None:
    body["tags"] = [*_others(body.get("tags")), {"key": TAG, "value": user}]


def _no_author_among_tags(body: Body, _: str) -> None:
    if "tags" in body:
        body["tags"] = _others(body["tags"])


def _others(tags: Any) -> list[Any]:
    items = tags if isinstance(tags, list) else []
    return [tag for tag in items if not (isinstance(tag, dict) and tag.get("key") == TAG)]


def _not_the_author(body: Body, _: str) -> None:
    if body.get("key") == TAG:
        _refuse(body, "")


def _refuse(_: Body, __: str) -> None:
    raise ForbiddenError(
        "author_is_fixed",
        f"The tag {TAG} names who made this, as the Hub knows them, and can't be changed. "
        "Use a tag of another name.",
    )


def _field(name: str) -> Rule:
    first, *rest = name.split("_")
    alias = first + "".join(part.title() for part in rest)

    def rule(body: Body, user: str) -> None:
        body.pop(alias, None)  # Protobuf reads both spellings.
        body[name] = user

    return rule


def _trace_v2(body: Body, user: str) -> None:
    name = "requestMetadata" if "requestMetadata" in body else "request_metadata"
    body[name] = [*_others(body.get(name)), {"key": TAG, "value": user}]
    _no_author_among_tags(body, user)


def _trace_v3(body: Body, user: str) -> None:
    trace = body.get("trace")
    info = (trace.get("trace_info") or trace.get("traceInfo")) if isinstance(trace, dict) else None
    if not isinstance(info, dict):
        return
    name = "traceMetadata" if "traceMetadata" in info else "trace_metadata"
    metadata = info.get(name)
    info[name] = {**(metadata if isinstance(metadata, dict) else {}), TAG: user}
    if isinstance(info.get("tags"), dict):
        info["tags"].pop(TAG, None)
    for assessment in info.get("assessments") or []:
        _assessor(assessment, user)


def _assessment(body: Body, user: str) -> None:
    _assessor(body.get("assessment"), user)


def _assessor(assessment: Any, user: str) -> None:
    source = assessment.get("source") if isinstance(assessment, dict) else None
    # Judges that are programs keep their own names.
    if isinstance(source, dict):
        kind = source.get("source_type", source.get("sourceType"))
        if kind in ("HUMAN", 1):
            _field("source_id")(source, user)


def _dataset(body: Body, user: str) -> None:
    _field("created_by")(body, user)
    _dataset_tags(body, user)


def _dataset_tags(body: Body, user: str) -> None:
    body["tags"] = json.dumps({**_decoded(body.get("tags"), dict), TAG: user})


def _dataset_records(body: Body, user: str) -> None:
    _field("updated_by")(body, user)
    records = _decoded(body.get("records"), list)
    for record in records:
        if isinstance(record, dict):
            tags = record.get("tags")
            record["tags"] = {**(tags if isinstance(tags, dict) else {}), TAG: user}
    body["records"] = json.dumps(records)


def _decoded(text: Any, kind: type[Any]) -> Any:
    try:
        value = json.loads(text) if isinstance(text, str) else kind()
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise BadRequestError("schema", "The dataset's tags and records must be JSON.")
    return value


_API = re.compile(r"/(?:ajax-)?api/[23]\.0/?mlflow/(.+)")
_ID = "[^/]+"
_RULES: tuple[tuple[str, re.Pattern[str], Rule], ...] = tuple(
    (method, re.compile(route), rule)
    for method, route, rule in (
        ("POST", "runs/create", _run),
        ("POST", "runs/create-promptlab-run", _run),
        ("POST", "runs/set-tag", _not_the_author),
        ("POST", "runs/delete-tag", _not_the_author),
        ("POST", "runs/log-batch", _no_author_among_tags),
        ("POST", "experiments/create", _experiment),
        ("POST", "experiments/(set|delete)-experiment-tag", _not_the_author),
        ("POST", "logged-models", _tags),
        ("PATCH", f"logged-models/{_ID}/tags", _no_author_among_tags),
        ("DELETE", f"(logged-models|datasets)/{_ID}/tags/{re.escape(TAG)}", _refuse),
        ("POST", "registered-models/create", _tags),
        ("POST", "model-versions/create", _tags),
        ("POST", "(registered-models|model-versions)/set-tag", _not_the_author),
        ("DELETE", "(registered-models|model-versions)/delete-tag", _not_the_author),
        (
            "POST",
            "traces",
            lambda body, user: (_trace_v3 if "trace" in body else _trace_v2)(body, user),
        ),
        ("PATCH", f"traces/{_ID}", _trace_v2),
        ("PATCH", f"traces/{_ID}/tags", _not_the_author),
        ("DELETE", f"traces/{_ID}/tags", _not_the_author),
        ("POST", f"traces/{_ID}/assessments", _assessment),
        ("PATCH", f"traces/{_ID}/assessments/{_ID}", _assessment),
        ("POST", "issues", _field("created_by")),
        ("POST", "datasets/create", _dataset),
        ("PATCH", f"datasets/{_ID}/tags", _dataset_tags),
        ("POST", f"datasets/{_ID}/records", _dataset_records),
    )
)
