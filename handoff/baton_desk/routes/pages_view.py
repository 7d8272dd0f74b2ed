"""What a handoff's page shows, worked out from the handoff and its packet."""

from __future__ import annotations

import json
import pprint
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from baton_desk.routes.pages_words import STATES, Sign

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baton_contract.types import Handoff, Packet, PacketField
    from baton_desk.identity import Caller

FIELDS_SHOWN = 8
"""Rows of a signature that stand open; the others fold."""


@dataclass(frozen=True)
class FieldRow:
    """One thing that the model takes or returns, with a value from its example."""

    name: str
    type: str
    required: bool
    example: str


@dataclass(frozen=True)
class Situation:
    """Where a handoff stands for the person who looks at it, in words."""

    title: str
    text: str


@dataclass(frozen=True)
class Moment:
    """A line of a handoff's history."""

    at: str
    sign: Sign
    who: str
    text: str


def input_rows(packet: Packet) -> list[FieldRow]:
    """Return what the model takes, each column with its value in the first example."""
    request = packet["examples"][0]["request"]
    values = _example_columns(request)
    return _rows(packet["signature"]["inputs"], values)


def output_rows(packet: Packet) -> list[FieldRow]:
    """Return what the model returns, with the first example's answer."""
    expected = packet["examples"][0]["expected"]
    first = expected[0] if isinstance(expected, list) and expected else expected
    fields = packet["signature"]["outputs"]
    values = first if isinstance(first, dict) else {}
    rows = _rows(fields, values)
    if len(rows) == 1 and not rows[0].example and first is not None:
        return [FieldRow(rows[0].name, rows[0].type, rows[0].required, _brief(first))]
    return rows


def param_rows(packet: Packet) -> list[FieldRow]:
    """Return the parameters that a request may carry."""
    given = packet["examples"][0]["request"].get("params")
    return _rows(packet["signature"]["params"], given if isinstance(given, dict) else {})


def _rows(fields: Sequence[PacketField], values: dict[str, Any]) -> list[FieldRow]:
    return [
        FieldRow(
            name=field["name"] or "",
            type=_type(field),
            required=field["required"],
            example=_brief(values[name]) if (name := field["name"] or "") in values else "",
        )
        for field in fields
    ]


def _type(field: PacketField) -> str:
    if field["shape"] is None:
        return field["type"]
    shape = " by ".join("any" if size == -1 else str(size) for size in field["shape"])
    return f"{field['type']} [{shape}]"


def _example_columns(request: dict[str, Any]) -> dict[str, Any]:
    """Return the first row of an example by column, of whichever shape the request has."""
    split = request.get("dataframe_split")
    if isinstance(split, dict) and split.get("data") and isinstance(split.get("columns"), list):
        row = split["data"][0]
        return (
            dict(zip(map(str, split["columns"]), row, strict=False))
            if isinstance(row, list)
            else {}
        )
    rows = request.get("dataframe_records") or request.get("instances")
    if isinstance(rows, list) and rows and isinstance(rows[0], dict):
        return rows[0]
    inputs = request.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


def _brief(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else text[:39] + "…"


def render_json(value: Any) -> str:
    """Return JSON for reading: indented, but lists of plain values on one line."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    plain = r"\[\s*((?:(?:-?[\d.eE+-]+|\"(?:[^\"\\]|\\.)*\"|true|false|null),?\s*)+)\]"
    return re.sub(plain, lambda match: "[" + re.sub(r"\s*\n\s*", " ", match[1]).strip() + "]", text)


def folder_name(handoff: Handoff) -> str:
    """Return a folder's name for a pulled model that needs no quoting in a shell."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", handoff["model"]["name"]).strip("-.")
    version = re.sub(r"[^A-Za-z0-9._-]+", "-", handoff["model"]["version"])
    return f"{name or 'model'}-{version}"


def render_snippet(handoff: Handoff, packet: Packet) -> str:
    """Return Python that loads the pulled model and asks it the first example."""
    request = packet["examples"][0]["request"]
    key = next((key for key in _CALLS if key in request), next(iter(request)))
    library, call = _CALLS.get(key, ("", "request"))
    if isinstance(request[key], dict) and key in {"instances", "inputs"}:
        library, call = "", "request"
    literal = pprint.pformat(request[key], width=76, sort_dicts=False, compact=True)
    return (
        f"import mlflow\n{library}\n"
        f'model = mlflow.pyfunc.load_model("{folder_name(handoff)}/model")\n'
        f"request = {literal}\n"
        f"print(model.predict({call}))\n"
    )


_CALLS = {
    "dataframe_split": ("import pandas as pd\n", "pd.DataFrame(**request)"),
    "dataframe_records": ("import pandas as pd\n", "pd.DataFrame.from_records(request)"),
    "instances": ("import numpy as np\n", "np.asarray(request)"),
    "inputs": ("import numpy as np\n", "np.asarray(request)"),
}
"""By the key of a scoring request, what to import and how to ask in Python."""


def render_history(handoff: Handoff) -> list[Moment]:
    """Return what happened to the handoff, newest first."""
    sender, state = handoff["sender"], handoff["state"]
    moments = [Moment(handoff["created_at"], Sign("Created", "pen", "secondary"), sender, "")]
    if handoff["offered_at"]:
        moments.append(Moment(handoff["offered_at"], STATES["offered"], sender, ""))
    if state not in {"draft", "checking", "offered"}:
        moments.append(
            Moment(
                handoff["decided_at"] or handoff["updated_at"],
                STATES[state],
                handoff["decided_by"] or ("" if state in {"expired", "superseded"} else sender),
                handoff["reason"] or "",
            )
        )
    return moments[::-1]


def render_situation(handoff: Handoff, caller: Caller) -> Situation:
    """Return where the handoff stands and what this person can do about it."""
    mine = handoff["sender"] == caller.name
    sender, team = handoff["sender"], handoff["team"]
    by = handoff["decided_by"] or team
    texts = {
        "checking": (
            "Being checked",
            "The desk looks at the files and lets the model answer its own example. "
            f"{team} gets it when that went well.",
        ),
        "changes_requested": (
            f"{by} asked for changes",
            "Answer and offer it again, or hand over a new version."
            if mine
            else f"{sender} can answer, offer it again, or hand over a new version.",
        ),
        "accepted": (
            f"Accepted by {by}",
            f"{team}'s pipeline can pull it and report where it runs.",
        ),
        "declined": (f"Declined by {by}", "Nothing more happens here. The record stays."),
        "withdrawn": (f"{sender} took it back", "The record stays; nobody can accept it any more."),
        "expired": ("Nobody decided in time", f"{sender} can hand the model over again."),
        "superseded": ("A newer version took its place", f"{team} has the newer one in its inbox."),
        "revoked": (f"Revoked by {by}", "It must not be used any more. Pipelines can't pull it."),
    }
    if handoff["state"] == "draft":
        return _draft(handoff)
    if handoff["state"] == "offered":
        return _offered(handoff, mine=mine)
    return Situation(*texts[handoff["state"]])


def _draft(handoff: Handoff) -> Situation:
    team = handoff["team"]
    if handoff["missing_files"]:
        count = len(handoff["missing_files"])
        files = "file is" if count == 1 else "files are"
        return Situation(
            "Not complete yet",
            f"{count} {files} still on the way. {team} sees it when all are here and checked. "
            "If the upload stopped, hand over the same version again in JupyterLab: it goes on.",
        )
    if any(check["verdict"] == "failed" for check in handoff["checks"]):
        return Situation(
            "Not sent: a check found a fault",
            f"{team} has seen nothing of it. See below what was found, correct it in the notebook, "
            "and hand over the new version.",
        )
    return Situation(
        "Not sent yet",
        f"{team} sees it once the desk has checked it. Nothing is lost.",
    )


def _offered(handoff: Handoff, *, mine: bool) -> Situation:
    team = handoff["team"]
    if "accept" in handoff["actions"]:
        return Situation(
            "Does your team take it?",
            "Accepting lets your pipeline pull it. Ask first if anything is open.",
        )
    if mine:
        return Situation(f"Waiting for {team}", "You hear in JupyterLab when they ask or decide.")
    return Situation(f"Waiting for {team}", f"The people of {team} decide.")
