"""The two answers of a wall: it is not there, or it is not yours to change."""

from __future__ import annotations

from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE as _INVALID
from mlflow.protos.databricks_pb2 import PERMISSION_DENIED as _DENIED
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS as _EXISTS
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST as _NOT_FOUND

from baton_hub.tracking.access.rules import Access, Owner

_WORDS = {
    "experiments": "experiment",
    "registered_models": "registered model",
    "evaluation_datasets": "dataset",
}


def not_there() -> Exception:
    """Return the answer for what does not exist for the caller, who learns no more."""
    message = "What this belongs to does not exist."
    error: Exception = MlflowException(message, error_code=_NOT_FOUND)
    return error


def taken(name: str) -> Exception:
    """Return the answer to a name that something has already, seen by the caller or not."""
    error: Exception = MlflowException(
        f"The name {name} is taken. Choose another one.", error_code=_EXISTS
    )
    return error


def not_writable(owner: Owner, access: Access) -> Exception:
    """Return the refusal for somebody who may read it and not write."""
    return _denied(
        f"You may read the {_name(owner)} but not change it: {_ask(access)} to let you. "
        "Nothing was changed."
    )


def not_the_owner(owner: Owner, access: Access, deed: str) -> Exception:
    """Return the refusal of what only the owner and operations may do."""
    return _denied(
        f"Only its owner and operations may {deed} the {_name(owner)}: {_ask(access)}. "
        "Nothing was changed."
    )


def operations_only() -> Exception:
    """Return the refusal of what belongs to no experiment and no model."""
    return _denied("Only operations may change this part of MLflow here. Nothing was changed.")


def fixed_author() -> Exception:
    """Return the refusal to change who made something."""
    return _denied("Who made this is what the Hub says, and can't be changed.")


def invalid(message: str) -> Exception:
    """Return the error for a value that can't be."""
    error: Exception = MlflowException(message, error_code=_INVALID)
    return error


def _name(owner: Owner) -> str:
    return f"{_WORDS[owner.kind]} {owner.key}"


def _ask(access: Access) -> str:
    return f"ask {access.owner or 'operations'}"


def _denied(message: str) -> Exception:
    error: Exception = MlflowException(message, error_code=_DENIED)
    return error
