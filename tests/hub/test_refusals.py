"""Every refusal that the code can give stands in the operators' guide, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from baton_contract.errors import BY_STATUS
from baton_hub import choice, offer, policy
from baton_hub.audit import log
from baton_hub.quota import Bound
from baton_hub.spawner import curated
from baton_hub.spawner.trouble import SENTENCES

GUIDE = Path(__file__).parents[2] / "docs" / "operators" / "refusals.md"
STATUS = {kind.__name__: status for status, kind in BY_STATUS.items()}
RESOURCES = ("servers", "cpu", "memory", "nvidia.com/gpu")
BUDGETS = ("cpu_hours", "gpu_hours")


def documented() -> dict[str, int]:
    """Return the status by code, as the guide's tables have it."""
    rows = re.findall(r"^\| `(\w+)` \| (\d{3}) \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert len({code for code, _ in rows}) == len(rows)
    return {code: int(status) for code, status in rows}


def raised(source: Path) -> dict[str, int]:
    """Return the status by code of every public error that a module names."""
    return {
        node.args[0].value: STATUS[node.func.id]
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in STATUS
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def test_the_guides_tables_and_the_code_agree() -> None:
    modules = [Path(str(module.__file__)) for module in (policy, choice, offer, log)]
    spawner = Path(str(curated.__file__)).parent
    found: dict[str, int] = {}
    for source in (*modules, *spawner.glob("*.py")):
        found |= raised(source)
    found |= {Bound("user", "ada", r, 1, 0).code: 403 for r in RESOURCES}
    found |= {Bound("user", "ada", r, 1, 0, "day").code: 403 for r in BUDGETS}
    found |= {code: kind.status for code, (kind, _) in SENTENCES.items()}
    assert documented() == found
