"""MLflow's autologging as a setting wants it, and never against what the code itself says."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import mlflow
from mlflow.utils import autologging_utils
from mlflow.utils.import_hooks import register_post_import_hook

TRACES = [
    *("ag2", "agno", "anthropic", "autogen", "bedrock", "crewai", "dspy", "gemini", "groq"),
    *("haystack", "langchain", "litellm", "llama_index", "mistral", "openai", "pydantic_ai"),
    *("smolagents", "strands", "typesafe"),
]
"""What records prompts and answers, which nobody asks for who wants metrics and parameters."""
OTHERS = ["spark", "transformers"]
"""spark needs a library inside the JVM. transformers logs nothing, and afterwards turns the
other integrations on with MLflow's defaults: with models."""
PICTURES: dict[str, Any] = {"_get_classifier_artifacts": (), "_log_estimator_html": None}
"""Functions of scikit-learn's integration that draw, and what they return when they don't."""
Config = dict[str, Any]


class Autologging:
    """What of MLflow's autologging in this process is ours.

    MLflow keeps what each call of ``mlflow.autolog`` said. As long as that is ours it may be
    replaced; once the code called it, the code decides until the process ends. What a
    library's own ``autolog`` was told, such as ``mlflow.sklearn.autolog``, MLflow keeps itself.
    """

    def __init__(self) -> None:
        self._ours: Config | None = None
        self._autolog = "off"

    def apply(self, autolog: str) -> bool:
        """Make MLflow log what a setting says; return False where the code decides."""
        if self.is_foreign():
            return False
        if autolog != self._autolog:
            if self._ours is None:
                _spare_pictures(self._is_spare)
            mlflow.autolog(**options(autolog), silent=True, exclude_flavors=TRACES + OTHERS)
            self._ours, self._autolog = _said(), autolog
        return True

    def is_foreign(self) -> bool:
        """Tell whether the code called ``mlflow.autolog`` itself."""
        said = _said()
        return bool(said) and said is not self._ours

    def _is_spare(self) -> bool:
        if self._autolog != "metrics" or self.is_foreign():
            return False
        said = autologging_utils.AUTOLOGGING_INTEGRATIONS.get("sklearn", {})
        return bool(said.get(autologging_utils.AUTOLOGGING_CONF_KEY_IS_GLOBALLY_CONFIGURED))


def options(autolog: str) -> dict[str, bool]:
    """Return what ``mlflow.autolog`` is called with for a setting."""
    if autolog == "off":
        return {"disable": True}
    is_with_models = autolog == "models"
    return {
        "log_models": is_with_models,
        # What a model needs to be handed over.
        "log_model_signatures": is_with_models,
        "log_input_examples": is_with_models,
    }


def _said() -> Config | None:
    # MLflow makes a new dict at each call.
    said: Config | None = autologging_utils.AUTOLOGGING_INTEGRATIONS.get("mlflow")
    return said


def _spare_pictures(is_spare: Callable[[], bool]) -> None:
    """Let scikit-learn's integration draw nothing as long as ``is_spare``.

    After each fit it renders the estimator as a page, and of a classifier up to three plots,
    which takes longer than all its metrics; it has no option for either. An MLflow without
    these functions draws them.
    """

    def spare_pictures(module: Any) -> None:
        del module
        from mlflow.sklearn import utils

        for name, nothing in PICTURES.items():
            if hasattr(utils, name):
                setattr(utils, name, _sparing(getattr(utils, name), nothing, is_spare))

    register_post_import_hook(spare_pictures, "sklearn")


def _sparing(draw: Callable[..., Any], nothing: Any, is_spare: Callable[[], bool]) -> Any:
    @wraps(draw)
    def sparing(*args: Any, **named: Any) -> Any:
        return nothing if is_spare() else draw(*args, **named)

    return sparing
