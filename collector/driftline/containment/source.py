"""Where it is read what is contained: a file, or an endpoint that serves it."""

from __future__ import annotations

import contextlib
import http.client
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from driftline.bus.address import authorization, parts_of, shown
from driftline.containment.state import parse
from driftline.errors import DriftlineError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from driftline.containment.state import State

_SECONDS: Final = 5.0
"""Longest wait for the endpoint, at each step."""
_MOST_BYTES: Final = 1_000_000
_PATH: Final = "/guard"
_SCHEMES: Final = ("http://", "https://")


class Source(Protocol):
    """What can be read again and again."""

    name: str
    """For people, without a password."""

    def read(self) -> State | None:
        """What it says now, or None while that is what was read last.

        Raises:
            DriftlineError: it cannot be read, or is none of ours.
        """


class FileSource:
    """A file that is replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.name = f"the file {path}"
        self._path = path
        self._known: tuple[int, int, int] | None = None

    def read(self) -> State | None:
        """See ``Source``."""
        try:
            with self._path.open("rb") as file:
                at = os.fstat(file.fileno())
                found = (at.st_mtime_ns, at.st_ino, at.st_size)
                if found == self._known:
                    return None
                data = file.read(_MOST_BYTES)
        except FileNotFoundError:
            raise DriftlineError(
                f"{self.name} does not exist; the alert worker writes it if alerts.yaml says what contains a "
                "feature, or the setting 'guard' has to name another one"
            ) from None
        except OSError as error:
            raise DriftlineError(f"{self.name} cannot be read: {error.strerror}; let us read it") from None
        state = _parsed(data, self.name)
        self._known = found
        return state


class EndpointSource:
    """An address that serves the text, such as the receiver's."""

    def __init__(self, url: str) -> None:
        parts = parts_of(url, "what 'guard' follows must be a file or", "guard")
        self._parts = parts if parts.path.strip("/") else parts._replace(path=_PATH)
        self.name = shown(self._parts)
        self._etag = ""

    def read(self) -> State | None:
        """See ``Source``."""
        try:
            status, etag, data = _get(self._parts, self._etag)
        except (OSError, http.client.HTTPException):
            # Its kind may be another one at each look, and each would be logged.
            raise DriftlineError(f"{self.name} gives no answer; is a receiver running there?") from None
        if status == 304 and self._etag:
            return None
        if status != 200:
            raise DriftlineError(
                f"{self.name} answered {status} instead of what is contained; correct the setting 'guard', or see the "
                "log of the receiver there"
            )
        state = _parsed(data, self.name)
        self._etag = etag
        return state


def source_of(place: str) -> Source:
    """The source that a setting names.

    Raises:
        SettingsError: it is no address that can be used.
    """
    return EndpointSource(place) if place.startswith(_SCHEMES) else FileSource(Path(place))


def _parsed(data: bytes, name: str) -> State:
    try:
        return parse(data.decode("utf-8", "replace"))
    except ValueError as error:
        raise DriftlineError(f"{name} does not say what is contained: {error}") from None


def _get(parts: SplitResult, etag: str) -> tuple[int, str, bytes]:
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    with contextlib.closing(kind(parts.hostname or "", parts.port, timeout=_SECONDS)) as connection:
        headers = authorization(parts) | ({"if-none-match": etag} if etag else {})
        connection.request("GET", parts.path, headers=headers)
        with contextlib.closing(connection.getresponse()) as answer:
            return answer.status, answer.getheader("etag", ""), answer.read(_MOST_BYTES)
