"""Trouble that passes, such as a store that is away: told once when it begins or changes, and once when it is over."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, TypeVar

from driftline.errors import DriftlineError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Trouble:
    """What is wrong at the moment; for all threads of the worker, so that they say the same thing once."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def tried(self, what: str, action: Callable[[], T], on_failure: Callable[[Exception], None]) -> T | None:
        """Do something; None where it fails.

        Args:
            what: it is, in a word.
            action: to do.
            on_failure: called with the error.

        Raises:
            SettingsError: the action raised it: no waiting helps.
        """
        try:
            result = action()
        except SettingsError:
            raise
        except DriftlineError as error:
            if self._is_new(what, str(error)):
                logger.warning("alerts wait: %s", error)
            on_failure(error)
            return None
        except Exception as error:
            # Nobody foresaw it; but who stopped here would watch nothing and tell nobody.
            if self._is_new(what, repr(error)):
                logger.exception("alerts wait: the %s failed; please report this", what)
            on_failure(error)
            return None
        with self._lock:
            was_wrong = self._known.pop(what, None)
        if was_wrong:
            logger.info("alerts go on: what was wrong with the %s is over", what)
        return result

    def _is_new(self, what: str, words: str) -> bool:
        with self._lock:
            is_new = words not in self._known.values()
            self._known[what] = words
        return is_new
