"""Where artifacts are kept: looked at before the start, and answered for when it fails.

A folder needs nothing. For S3 and what speaks its protocol, MLflow uses boto3, which
takes credentials, region and endpoint from the environment (AWS_…, MLFLOW_S3_…).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from baton_contract.errors import BadRequestError, NotFoundError, PublicError, UnavailableError

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
READ_SECONDS = 30
ATTEMPTS = 3
_PERMANENT = {
    "NoSuchBucket": "there is no such bucket",
    "InvalidAccessKeyId": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "AccessDenied": "the credentials may not list it",
    "InvalidBucketName": "that is no name of a bucket",
    "404": "there is no such bucket",
    "403": "the credentials may not use it",
}
_UNFIT = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST)
"""What the operating system says of paths that the person chose."""


class ArtifactsError(Exception):
    """Artifacts can't be kept where the settings say; the text says why."""


def check(destination: str) -> None:
    """Make sure that artifacts can be kept at ``destination``, a folder or an address.

    Raises ArtifactsError when it can't be used as it is; a store that only does not
    answer now is logged, as tracking goes on without it.
    """
    parts = urlsplit(destination)
    if parts.scheme == "s3":
        _limit_waiting()
        _check_bucket(parts.netloc, parts.path.strip("/"))
        from baton_hub.tracking import bucket

        bucket.use()
    elif parts.scheme in ("", "file"):
        _check_folder(Path(parts.path))


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArtifactsError(
            f"the folder {folder} for artifacts can't be made ({error.strerror})."
        ) from error
    # Only asked: a disk that is full now ends no start, as most goes on without it.
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        raise ArtifactsError(
            f"the folder {folder} for artifacts can't be written to. Give it to the account "
            "that MLflow runs as, or set BATON_MLFLOW_ARTIFACTS to another one."
        )


def _limit_waiting() -> None:
    """Have boto3 give up after seconds: its own patience is minutes, in which a client hangs."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.session import get_session
    except ImportError as error:
        raise ArtifactsError("artifacts in S3 need boto3: install jupyter-baton[s3].") from error
    session = get_session()
    session.set_default_client_config(
        Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        )
    )
    boto3.setup_default_session(botocore_session=session)


def _check_bucket(bucket: str, prefix: str) -> None:
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        HTTPClientError,
        ParamValidationError,
    )
    from mlflow.store.artifact.s3_artifact_repo import _get_s3_client

    place = f"the bucket {bucket!r} for artifacts can't be used:"
    try:
        _get_s3_client().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except ClientError as error:
        if reason := _PERMANENT.get(_code(error)):
            raise ArtifactsError(f"{place} {reason}.") from error
        log.warning("%s it answered %s. Trying again at each upload.", place, _code(error))
    except HTTPClientError as error:
        log.warning("%s it does not answer (%s).", place, type(error).__name__)
    except ParamValidationError as error:
        # Its own text has two lines, and one of them a pattern.
        reason = "that is no name of a bucket, as in s3://bucket/path"
        raise ArtifactsError(f"{place} {reason}.") from error
    except BotoCoreError as error:
        # No credentials, no region, a broken endpoint: what the environment lacks.
        raise ArtifactsError(f"{place} {str(error).rstrip('.')}.") from error
    except ValueError as error:
        raise ArtifactsError(f"{place} {error}.") from error


def answer_failures(app: Any) -> None:
    """Have MLflow's app answer 503 with a sentence where its artifact store fails.

    ``app`` is MLflow's FastAPI application, with Flask's mounted in it; both are told
    by their own means. Without this the answer is a 500 and a traceback in the log.
    """
    from mlflow.server import app as flask
    from starlette.requests import Request
    from starlette.responses import Response

    from baton_hub.tracking.app import render_error

    async def over_asgi(_: Request, error: Exception) -> Response:
        return render_error(_failure(error))

    def over_wsgi(error: Exception) -> tuple[bytes, int, dict[str, str]]:
        response = render_error(_failure(error))
        return bytes(response.body), response.status_code, dict(response.headers)

    for kind in _failures():
        app.add_exception_handler(kind, over_asgi)
        flask.register_error_handler(kind, over_wsgi)


def _failures() -> list[type[Exception]]:
    kinds: list[type[Exception]] = [OSError]
    with contextlib.suppress(ImportError):
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        kinds += [Boto3Error, BotoCoreError, ClientError]
    return kinds


def _failure(error: Exception) -> PublicError:
    if isinstance(error, FileNotFoundError) or _code(error) in ("NoSuchKey", "404"):
        return NotFoundError("no_such_artifact", "There is no such artifact. Nothing was changed.")
    if isinstance(error, OSError) and error.errno in _UNFIT:
        return BadRequestError(
            "unfit_path",
            "An artifact can't have this path: a part of it is too long, or is a folder where "
            "it should be a file, or the other way round. Nothing was changed.",
        )
    # The whole error may name addresses and requests; it is for operations.
    log.error("The artifact store failed: %s: %s", type(error).__name__, error)
    return UnavailableError(
        "artifacts_unavailable",
        f"The place where artifacts are kept can't be used at the moment: {_reason(error)}. "
        "Metrics, parameters and tags are not affected. Please try again later, and tell "
        "your operations team if it goes on.",
    )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return (error.strerror or type(error).__name__).lower()
    # boto3 says "failed to upload" and why only in what it was raised from.
    code = _code(error) or _code(error.__context__)
    return _PERMANENT.get(code) or code or "it does not answer"


def _code(error: BaseException | None) -> str:
    response = getattr(error, "response", None) or {}
    return str((response.get("Error") or {}).get("Code", ""))
