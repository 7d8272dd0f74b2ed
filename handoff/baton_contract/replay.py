"""Load a model and let it answer requests: run as a process of its own.

``python -m baton_contract.replay MODEL_DIR`` reads ``{"requests": […]}`` from
standard input and writes, as the last line of standard output, one JSON object:
``{"answers": […], "mlflow": VERSION}``, or ``{"error": {"code", "message"}}`` with
exit code 1. Requests have the form of MLflow's scoring protocol.

The sender, the desk and the receiver run the same module, so that "the model
answers its own example" means the same in all three places. It is the only
place outside the tracking service and the kernel that needs MLflow, and it needs
it in the environment of the Python that runs it, next to the model's own
requirements.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stdout
from typing import Any


def replay(model_dir: str, requests: list[dict[str, Any]]) -> list[Any]:
    """Return the model's answer to each request, as plain JSON values."""
    # Imported here because this module is also importable where MLflow is not.
    import mlflow.pyfunc
    from mlflow.pyfunc import scoring_server

    model = mlflow.pyfunc.load_model(model_dir)
    schema = model.metadata.get_input_schema()
    answers = []
    for request in requests:
        data = scoring_server.infer_and_parse_data(dict(request), schema)
        text = io.StringIO()
        scoring_server.predictions_to_json(model.predict(data), text)
        answers.append(json.loads(text.getvalue())["predictions"])
    return answers


def _run(model_dir: str, requests: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        import mlflow
    except ImportError:
        message = "MLflow is not installed for this Python. Install the model's requirements first."
        return {"error": {"code": "no_mlflow", "message": message}}
    try:
        return {"answers": replay(model_dir, requests), "mlflow": mlflow.__version__}
    except ModuleNotFoundError as error:
        message = f"The model needs the package {error.name!r}, which is not installed here."
        return {"error": {"code": "missing_package", "message": message}}
    # The model's own code runs here and may raise anything; the process ends after it.
    except Exception as error:  # noqa: BLE001
        message = f"{type(error).__name__}: {str(error)[:500]}"
        return {"error": {"code": "model_failed", "message": message}}


def main() -> int:
    """Answer the requests on standard input; return the process's exit code."""
    requests = json.load(sys.stdin)["requests"]
    # Libraries and models print as they load; only our one line may reach the caller.
    with redirect_stdout(sys.stderr):
        outcome = _run(sys.argv[1], requests)
    sys.stdout.write("\n" + json.dumps(outcome) + "\n")
    return 1 if "error" in outcome else 0


if __name__ == "__main__":
    sys.exit(main())
