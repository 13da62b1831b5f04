"""Which prices are in force: those that everybody has, and the user's file, read again when it changes."""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from driftline.errors import SettingsError
from driftline_processors.prices.file import FilePriceBook, read_price_file
from driftline_processors.prices.table import default_book

if TYPE_CHECKING:
    from driftline.settings import Settings
    from driftline_processors.prices.book import PriceBook

logger = logging.getLogger(__name__)


def price_book(settings: Settings) -> PriceBook:
    """The prices in force; cheap enough to be asked for at each batch.

    A file that has become wrong is complained about, and what it said before stays in force.

    Raises:
        SettingsError: the file is wrong and was never right since this process started.
    """
    named = str(settings.prices_file)
    return _file(Path(named).expanduser()).book() if named else default_book()


class _File:
    """A price file and what it said last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: object = None
        self._book: FilePriceBook | None = None

    def book(self) -> FilePriceBook:
        state = self._state()
        if self._book is None or state != self._seen:
            self._book = self._read()
            self._seen = state
        return self._book

    def _state(self) -> object:
        try:
            found = self._path.stat()
        except OSError as error:
            return error.errno
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self) -> FilePriceBook:
        try:
            return read_price_file(self._path, default_book())
        except SettingsError as error:
            if self._book is None:
                raise
            logger.error("%s; the prices that it had before stay in force", error)  # noqa: TRY400  a sentence says it
            return self._book


@cache
def _file(path: Path) -> _File:
    return _File(path)
