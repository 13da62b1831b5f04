"""What is contained, for applications that do not share the alert worker's disk."""

from __future__ import annotations

import hashlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

from driftline.receiver.refusals import RefusedError

if TYPE_CHECKING:
    from pathlib import Path


def serve(path: Path, known: str) -> Response:
    """Answer with a file's content, or 304 where the sender has it already. It may wait for the disk.

    Args:
        path: what the alert worker writes.
        known: the header ``If-None-Match``.

    Raises:
        RefusedError: there is no such file, or it cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise RefusedError(
            HTTPStatus.NOT_FOUND,
            "nothing here says what is contained; run the alert worker on this machine, with 'containment' in "
            "alerts.yaml",
        ) from None
    except OSError as error:
        raise RefusedError(
            HTTPStatus.SERVICE_UNAVAILABLE, f"the receiver cannot read what is contained ({error.strerror})"
        ) from None
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if known == etag:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(content, headers=headers, media_type="application/json")
