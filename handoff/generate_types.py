"""Write the types that stand for the contract's schemas: `make contract`.

Python's TypedDicts and TypeScript's interfaces come from the same bundle of all
schemas, so that they can't disagree. With ``--check`` nothing is written, and the
exit code is 1 when a file on disk is not what the schemas say.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "handoff/baton_contract/schemas"
PYTHON_TYPES = ROOT / "handoff/baton_contract/types.py"
TYPESCRIPT_TYPES = ROOT / "labextension/src/contract.ts"
NOTICE = "Generated from baton_contract/schemas by `make contract`; do not edit."


def bundle() -> dict[str, Any]:
    """Return one schema that defines every title and every ``$defs`` entry of all schemas."""
    definitions: dict[str, Any] = {}
    for path in sorted(SCHEMAS.glob("*.schema.json")):
        schema = json.loads(path.read_text("utf-8"))
        inner = schema.pop("$defs", {})
        for key in ("$schema", "$id"):
            schema.pop(key)
        for name, definition in {**inner, schema["title"]: schema}.items():
            if name in definitions:
                raise SystemExit(f"{path.name} defines {name} a second time")
            definition.pop("title", None)
            definitions[name] = definition
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Contract",
        "type": "object",
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }


def render_python(schema: Path) -> str:
    """Return the module of TypedDicts for the bundle in ``schema``."""
    target = schema.with_name("types.py")
    command = [
        *(sys.executable, "-m", "datamodel_code_generator"),
        *("--input", str(schema), "--input-file-type", "jsonschema", "--output", str(target)),
        *("--output-model-type", "typing.TypedDict", "--target-python-version", "3.11"),
        *(
            "--use-union-operator",
            "--no-use-closed-typed-dict",
            "--enum-field-as-literal",
            "all",
            "--use-double-quotes",
        ),
        *("--use-schema-description", "--use-field-description", "--disable-timestamp"),
        *("--custom-file-header", f"# {NOTICE}", "--formatters", "ruff-format"),
    ]
    subprocess.run(command, check=True, cwd=ROOT)
    return target.read_text("utf-8")


def render_typescript(schema: Path) -> str:
    """Return the module of interfaces for the bundle in ``schema``."""
    command = [
        *(
            "node",
            str(ROOT / "node_modules/json-schema-to-typescript/dist/src/cli.js"),
        ),
        *("--input", str(schema), "--unreachableDefinitions", "--additionalProperties=false"),
        *("--style.singleQuote", "--style.trailingComma=none", "--bannerComment", f"// {NOTICE}"),
    ]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    return done.stdout


def main() -> int:
    """Write the files, or with ``--check`` compare them; return the exit code."""
    check = "--check" in sys.argv[1:]
    stale = []
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder) / "contract.json"
        schema.write_text(json.dumps(bundle(), indent=2), "utf-8")
        for path, render in ((PYTHON_TYPES, render_python), (TYPESCRIPT_TYPES, render_typescript)):
            text = render(schema)
            if check and (not path.exists() or path.read_text("utf-8") != text):
                stale.append(path.relative_to(ROOT))
            elif not check:
                path.write_text(text, "utf-8")
    for path in stale:
        sys.stderr.write(f"{path} is not what the schemas say: run `make contract`.\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
