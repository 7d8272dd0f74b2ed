"""What %baton log takes: a variable's figure, table or image, a file or a folder."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import mlflow
from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

from baton_contract.errors import BadRequestError, NotFoundError

MOST_ROWS = 10_000
"""Rows of a table that MLflow's page shows; a longer one is kept as Parquet."""
LONGEST_PART = 255
"""Bytes of a file's name."""
FIGURES, TABLES = {".png", ".svg", ".pdf", ".jpg", ".html"}, {".json", ".csv", ".parquet"}


def log(name: str, variables: Mapping[str, Any], path: str | None) -> str:
    """Log a variable, else a file or folder, into the run; return a sentence on it.

    Raises `PublicError` for what is not there or can't be logged.
    """
    run = current_run()
    client, run_id = mlflow.MlflowClient(), run.info.run_id
    wanted = parse_path(path) if path is not None else None
    value = variables[name] if name in variables else find_file(name)
    kept = _log_value(client, run_id, name, value, wanted)
    return f"Logged {kept} into the run {run.info.run_name or run_id}."


def current_run() -> Any:
    """Return the active run, else this kernel's last one. Raises `NotFoundError`."""
    run = mlflow.active_run() or mlflow.last_active_run()
    if run is None:
        raise NotFoundError(
            "no_run", "There is no run to log into: begin the cell with %%baton run."
        )
    return run


def parse_path(text: str) -> str:
    """Return a path within a run's artifacts. Raises `BadRequestError`."""
    path = PurePosixPath(text.strip())
    is_within = not path.is_absolute() and ".." not in path.parts and path.parts
    if not is_within or not text.isprintable():
        raise BadRequestError("bad_path", f"{text[:100]!r} names no place in a run's artifacts.")
    if any(len(part.encode()) > LONGEST_PART for part in path.parts):
        raise BadRequestError("long_path", f"A file's name may have {LONGEST_PART} bytes.")
    return str(path)


def find_file(name: str) -> Path:
    """Return a file or folder that can be read. Raises `PublicError`."""
    path = Path(name).expanduser()
    try:
        is_there = path.exists()
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        shown = name if len(name) <= 100 else name[:100] + "…"
        raise NotFoundError("no_value", f"There is neither a variable nor a file {shown!r}.")
    return path


def _log_value(client: Any, run_id: str, name: str, value: Any, path: str | None) -> str:
    if isinstance(value, Path):
        return _log_file(client, run_id, find_file(os.fspath(value)), path)
    figure = as_figure(value)
    if figure is not None:
        path = with_suffix(
            path or name, FIGURES, ".png" if _is_of(figure, "matplotlib") else ".html"
        )
        client.log_figure(run_id, figure, path)
    elif (table := as_table(value)) is not None:
        path = _log_table(client, run_id, table, path or name)
    elif _is_image(value):
        path = with_suffix(path or name, {".png", ".jpg", ".jpeg"}, ".png")
        client.log_image(run_id, value, path)
    else:
        raise BadRequestError(
            "bad_kind",
            f"{name} is of the type {type(value).__name__}; figures, tables, images, files and "
            "folders can be logged, numbers with mlflow.log_metric.",
        )
    return path


def as_figure(value: Any) -> Any:
    """Return the figure that a value is or belongs to: matplotlib's, plotly's; None for others."""
    for each in (value, getattr(value, "figure", None)):
        if _is_of(each, "matplotlib") and hasattr(each, "savefig"):
            return each
        if _is_of(each, "plotly") and hasattr(each, "write_html"):
            return each
    return None


def as_table(value: Any) -> Any:
    """Return the pandas table that a value is, its index a column; None for others."""
    pandas = sys.modules.get("pandas")
    if _is_of(value, "polars") and hasattr(value, "to_pandas"):
        value = value.to_pandas()
        pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(value, pandas.DataFrame | pandas.Series):
        return None
    table = value.to_frame() if isinstance(value, pandas.Series) else value
    is_counted = isinstance(table.index, pandas.RangeIndex) and table.index.name is None
    table = table if is_counted else table.reset_index()
    return table.set_axis([str(column) for column in table.columns], axis="columns")


def with_suffix(path: str, known: set[str], usual: str) -> str:
    """Return the path with a suffix that is known for its kind. Raises `BadRequestError`."""
    has_known = PurePosixPath(path).suffix.lower() in known
    return path if has_known else parse_path(path + usual)


def _log_table(client: Any, run_id: str, table: Any, path: str) -> str:
    usual = ".json" if len(table) <= MOST_ROWS else ".parquet"
    path = with_suffix(path, TABLES, usual)
    kind = PurePosixPath(path).suffix.lower()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / PurePosixPath(path).name
        if kind == ".json":
            # What mlflow.log_table writes; it would add to the rows of the table before.
            table.to_json(file, orient="split", index=False, date_format="iso")
        elif kind == ".csv":
            table.to_csv(file, index=False)
        else:
            table.to_parquet(file, index=False)
        client.log_artifact(run_id, os.fspath(file), _parent(path))
    if kind == ".json":
        _mark_table(client, run_id, path)
    return f"{path} ({len(table)} row{'s' * (len(table) != 1)})"


def _mark_table(client: Any, run_id: str, path: str) -> None:
    """Have MLflow's page show a file as a table, as mlflow.log_table does."""
    said = client.get_run(run_id).data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]")
    marked = json.loads(said)
    entry = {"path": path, "type": "table"}
    if entry not in marked:
        client.set_tag(run_id, MLFLOW_LOGGED_ARTIFACTS, json.dumps([*marked, entry]))


def _log_file(client: Any, run_id: str, source: Path, path: str | None) -> str:
    if source.is_dir():
        _check_folder(source)
        path = path or parse_path(source.resolve().name or "folder")
        client.log_artifacts(run_id, os.fspath(source), path)
        return f"{path}/"
    _check_file(source)
    path = path or parse_path(source.name)
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / PurePosixPath(path).name
        named.symlink_to(source.resolve())
        client.log_artifact(run_id, os.fspath(named), _parent(path))
    return path


def _check_folder(folder: Path) -> None:
    files = [Path(top) / name for top, _, names in os.walk(folder) for name in names]
    if not files:
        raise BadRequestError("empty_folder", f"The folder {folder} holds no file.")
    for file in files:
        _check_file(file)


def _check_file(file: Path) -> None:
    # A pipe or a device would be read for ever.
    if not file.is_file():
        raise BadRequestError("bad_file", f"{file} is not a file that can be read to its end.")
    if not os.access(file, os.R_OK):
        raise BadRequestError("unreadable", f"{file} can't be read: you have no permission.")


def _parent(path: str) -> str | None:
    parent = str(PurePosixPath(path).parent)
    return None if parent == "." else parent


def _is_image(value: Any) -> bool:
    is_pillow = _is_of(value, "PIL") and hasattr(value, "save")
    return is_pillow or isinstance(value, mlflow.Image)


def _is_of(value: Any, package: str) -> bool:
    """Tell whether a value's class, or one that it is made from, is of a package."""
    return any(kind.__module__.partition(".")[0] == package for kind in type(value).__mro__)
