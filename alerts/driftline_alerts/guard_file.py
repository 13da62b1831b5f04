"""The file that tells applications which features are contained: replaced as a whole, and confirmed now and then."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from driftline.containment.state import State, render
from driftline.errors import DriftlineError

if TYPE_CHECKING:
    from datetime import datetime

    from driftline.containment.state import Contained

BEAT: Final = timedelta(seconds=30)
"""How often it is written though nothing changes, so that applications know that somebody stands for it."""

_MODE: Final = 0o644
"""Applications may run as another user."""


class GuardFile:
    """Written by one process, the alert worker that leads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: State | None = None
        self._lock = threading.RLock()

    def exists(self) -> bool:
        """Whether there is one, as far as we may see."""
        try:
            return self._path.exists()
        except OSError:
            return False

    def put(self, contained: tuple[Contained, ...], now: datetime) -> None:
        """Say what is contained; the disk is touched only where that is new or due to be confirmed.

        Args:
            contained: all of it.
            now: aware.

        Raises:
            DriftlineError: it cannot be written; put it again.
        """
        with self._lock:
            known = self._written
            if known is None or known.contained != contained or not known.at <= now < known.at + BEAT:
                self._write(State(now, contained))

    def confirm(self, now: datetime) -> bool:
        """Say again what we said last, where that is due and nobody else has said anything since.

        Args:
            now: aware.

        Returns:
            Whether the file is as we wrote it.

        Raises:
            DriftlineError: it cannot be written; confirm it again.
        """
        with self._lock:
            if self._written is None or not self._holds(render(self._written)):
                return False
            self.put(self._written.contained, now)
            return True

    def _holds(self, text: str) -> bool:
        try:
            return self._path.read_bytes() == text.encode()
        except OSError:
            return False

    def _write(self, state: State) -> None:
        try:
            self._replace(render(state))
        except OSError as error:
            raise DriftlineError(
                f"what is contained cannot be written to {self._path}: {error.strerror}; let us write there, or name "
                "another file in the setting 'guard', for applications too"
            ) from None
        self._written = state

    def _replace(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=self._path.parent, prefix=f".{self._path.name}.", delete=False
        ) as file:
            new = Path(file.name)
            try:
                file.write(text)
                file.close()
                new.chmod(_MODE)
                new.replace(self._path)
            except BaseException:
                with contextlib.suppress(OSError):
                    new.unlink()
                raise
