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
Rule = Callable[[Body, str], Body]
"""Returns the body as it is to be: the very same object where nothing has to change."""


def stamp(method: str, path: str, body: Body, user: str) -> Body:
    """Return the body with every author in it set to ``user``, and leave the given one alone.

    ``path`` is the path below the service's prefix. A body that names no author comes
    back as it is. Raises ForbiddenError for a request that would only change or remove
    an author, BadRequestError for one that MLflow's own location of artifacts must not
    be overruled by.
    """
    rule = find_rule(method, path)
    return body if rule is None else rule(body, user)


def find_rule(method: str, path: str) -> Rule | None:
    """Return the rule for a route, or None where no author is recorded."""
    api = _API.fullmatch(path)
    if api is None:
        return None
    for verb, route, rule in _RULES:
        if verb == method and route.fullmatch(api[1]):
            return rule
    return None


def _run(body: Body, user: str) -> Body:
    return _tags(_field("user_id")(body, user), user)


def _experiment(body: Body, user: str) -> Body:
    location = body.get("artifact_location") or body.get("artifactLocation") or ""
    # MLflow would read and write any folder of this machine that a client names.
    if location and not str(location).startswith("mlflow-artifacts:/"):
        raise BadRequestError(
            "artifact_location",
            "This platform decides where artifacts are kept. "
            "Create the experiment again without an artifact location.",
        )
    return _tags(body, user)


def _tags(body: Body, user: str) -> Body:
    return {**body, "tags": [*_others(body.get("tags")), {"key": TAG, "value": user}]}


def _no_author_among_tags(body: Body, _: str) -> Body:
    tags = body.get("tags")
    others = _others(tags)
    return body if tags is None or others == tags else {**body, "tags": others}


def _others(tags: Any) -> list[Any]:
    items = tags if isinstance(tags, list) else []
    return [tag for tag in items if not (isinstance(tag, dict) and tag.get("key") == TAG)]


def _not_the_author(body: Body, user: str) -> Body:
    return _refuse(body, user) if body.get("key") == TAG else body


def _refuse(_: Body, __: str) -> Body:
    raise ForbiddenError(
        "author_is_fixed",
        f"The tag {TAG} names who made this, as the Hub knows them, and can't be changed. "
        "Use a tag of another name.",
    )


def _field(name: str) -> Rule:
    first, *rest = name.split("_")
    alias = first + "".join(part.title() for part in rest)

    def rule(body: Body, user: str) -> Body:
        # Protobuf reads both spellings.
        return {key: value for key, value in body.items() if key != alias} | {name: user}

    return rule


def _trace_v2(body: Body, user: str) -> Body:
    name = "requestMetadata" if "requestMetadata" in body else "request_metadata"
    metadata = [*_others(body.get(name)), {"key": TAG, "value": user}]
    return _no_author_among_tags({**body, name: metadata}, user)


def _trace_v3(body: Body, user: str) -> Body:
    trace = body.get("trace")
    if not isinstance(trace, dict):
        return body
    kind = "trace_info" if trace.get("trace_info") else "traceInfo"
    info = trace.get(kind)
    if not isinstance(info, dict):
        return body
    name = "traceMetadata" if "traceMetadata" in info else "trace_metadata"
    metadata = info.get(name)
    stamped = {**info, name: {**(metadata if isinstance(metadata, dict) else {}), TAG: user}}
    if isinstance(info.get("tags"), dict):
        stamped["tags"] = {key: value for key, value in info["tags"].items() if key != TAG}
    if isinstance(info.get("assessments"), list):
        stamped["assessments"] = [_assessor(one, user) for one in info["assessments"]]
    return {**body, "trace": {**trace, kind: stamped}}


def _assessment(body: Body, user: str) -> Body:
    if "assessment" not in body:
        return body
    return {**body, "assessment": _assessor(body["assessment"], user)}


def _assessor(assessment: Any, user: str) -> Any:
    source = assessment.get("source") if isinstance(assessment, dict) else None
    # Judges that are programs keep their own names.
    if isinstance(source, dict) and source.get("source_type", source.get("sourceType")) in _HUMAN:
        return {**assessment, "source": _field("source_id")(source, user)}
    return assessment


def _dataset(body: Body, user: str) -> Body:
    return _dataset_tags(_field("created_by")(body, user), user)


def _dataset_tags(body: Body, user: str) -> Body:
    return {**body, "tags": json.dumps({**_decoded(body.get("tags"), dict), TAG: user})}


def _dataset_records(body: Body, user: str) -> Body:
    records = [_record(one, user) for one in _decoded(body.get("records"), list)]
    return {**_field("updated_by")(body, user), "records": json.dumps(records)}


def _record(record: Any, user: str) -> Any:
    if not isinstance(record, dict):
        return record
    tags = record.get("tags")
    return {**record, "tags": {**(tags if isinstance(tags, dict) else {}), TAG: user}}


def _decoded(text: Any, kind: type[Any]) -> Any:
    try:
        value = json.loads(text) if isinstance(text, str) else kind()
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise BadRequestError("schema", "The dataset's tags and records must be JSON.")
    return value


_HUMAN = ("HUMAN", 1)
_API = re.compile(r"/(?:ajax-)?api/[23]\.0/?mlflow/(.+)")
_ID = "[^/]+"
_RULES: tuple[tuple[str, re.Pattern[str], Rule], ...] = tuple(
    (method, re.compile(route), rule)
    for method, route, rule in (
        ("POST", "runs/create", _run),
        # MLflow wants tags of a class of its own here, and the row gets its author anyway.
        ("POST", "runs/create-promptlab-run", _field("user_id")),
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
