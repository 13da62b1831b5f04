"""The file that tells applications which features are contained: replaced as a whole, and confirmed now and then."""

from __future__ import annotations

import contextlib
import tempfile
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

    def put(self, contained: tuple[Contained, ...], now: datetime) -> None:
        """Say what is contained; the disk is touched only where that is new or due to be confirmed.

        Args:
            contained: all of it.
            now: aware.

        Raises:
            DriftlineError: it cannot be written; put it again.
        """
        known = self._written
        if known is not None and known.contained == contained and known.at <= now < known.at + BEAT:
            return
        state = State(now, contained)
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
