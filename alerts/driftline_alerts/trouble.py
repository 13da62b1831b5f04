"""Trouble that passes, such as a store that is away: told once when it begins or changes, and once when it is over."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from driftline.errors import DriftlineError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Fault:
    """What was wrong with something the last time.

    Attributes:
        words: that tell it from other faults.
        text: for people who may not read the log.
        at: when it failed last, Unix time in seconds.
        since: when it began, by the monotonic clock; None where it is over.
    """

    words: str
    text: str
    at: float
    since: float | None

    @property
    def seconds(self) -> float:
        """How long it has lasted; 0 where it is over."""
        return 0.0 if self.since is None else time.monotonic() - self.since


class Trouble:
    """What is wrong at the moment; for all threads of the worker, so that they say the same thing once."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._lock = threading.Lock()

    def faults(self) -> dict[str, Fault]:
        """The last fault of each thing that ever failed."""
        with self._lock:
            return dict(self._faults)

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
            if self._is_new(what, str(error), str(error)):
                logger.warning("alerts wait: %s", error)
            on_failure(error)
            return None
        except Exception as error:
            # Nobody foresaw it; but who stopped here would watch nothing and tell nobody.
            # Its words may hold secrets, such as an address with a token.
            if self._is_new(what, repr(error), f"{type(error).__name__}, see the log of the alert worker"):
                logger.exception("alerts wait: the %s failed; please report this", what)
            on_failure(error)
            return None
        if self._is_over(what):
            logger.info("alerts go on: what was wrong with the %s is over", what)
        return result

    def _is_over(self, what: str) -> bool:
        with self._lock:
            fault = self._faults.get(what)
            if fault is None or fault.since is None:
                return False
            self._faults[what] = replace(fault, since=None)
            return True

    def _is_new(self, what: str, words: str, text: str) -> bool:
        with self._lock:
            lasting = {name: fault for name, fault in self._faults.items() if fault.since is not None}
            since = lasting[what].since if what in lasting else time.monotonic()
            self._faults[what] = Fault(words, text, time.time(), since)
            return words not in [fault.words for fault in lasting.values()]
