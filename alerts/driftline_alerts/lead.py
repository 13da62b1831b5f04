"""Whether this worker leads: one thread asks the bus, however long a round takes, and all others ask that thread."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final, Self

from driftline.bus.leader import Leadership
from driftline.errors import DriftlineError
from driftline_alerts.trouble import Trouble
from driftline_store.client import STATEMENT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

_VALID: Final = 4.0
"""Seconds for which an answer of the bus is believed: leases last some ten."""
_BEAT_SECONDS: Final = 1.0
"""How often the bus is asked."""
_HANGS: Final = 2 * STATEMENT_SECONDS + 60
"""Seconds without a sign of life after which the main loop is taken to hang. The store can be slow in one of its
statements, and hang in the next until that fails."""


class Lead:
    """The last answer of the bus, as long as it is fresh.

    Attributes:
        losses: how often another worker may have led after we did.
    """

    def __init__(self) -> None:
        self.losses = 0
        self._until = 0.0

    def note(self, *, held: bool) -> None:
        """Take down what the bus says."""
        if self._until and not (held and self.is_held()):
            self.losses += 1
        self._until = time.monotonic() + _VALID if held else 0.0

    def is_held(self) -> bool:
        """Whether we led a moment ago."""
        return time.monotonic() < self._until


class Candidate:
    """Competes for the lead in a thread of its own, from ``with`` to its end.

    It steps back while the main loop shows no life, so that a worker that hangs is followed by another one.

    Args:
        bus_url: where it competes.
        lead: is told the outcome.

    Attributes:
        trouble: with the bus, or with the main loop.

    Raises:
        SettingsError: the URL cannot be used.
    """

    def __init__(self, bus_url: str, lead: Lead) -> None:
        self.trouble = Trouble()
        self._leadership = Leadership(bus_url, group="alerts")  # our thread's alone, once that has begun
        self._lead = lead
        self._lived = time.monotonic()
        self._failure: Exception | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lead", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def beat(self) -> None:
        """The main loop lives.

        Raises:
            Exception: what ended our thread, as nobody would ever lead again.
        """
        if self._failure is not None:
            raise self._failure
        self._lived = time.monotonic()

    def _run(self) -> None:
        try:
            while not self._ended.is_set():
                self._lead.note(held=self._tried("round", self._lives) and self._tried("bus", self._leadership.held))
                self._ended.wait(_BEAT_SECONDS)
        except Exception as error:  # noqa: BLE001  the main loop raises it
            self._failure = error
        finally:
            self._lead.note(held=False)
            self._leadership.close()

    def _tried(self, what: str, question: Callable[[], bool]) -> bool:
        """The answer; where there is none somebody else may lead."""
        return self.trouble.tried(what, question, lambda _: self._leadership.leave()) is True

    def _lives(self) -> bool:
        if time.monotonic() - self._lived > _HANGS:
            raise DriftlineError(
                f"a round has not gone on for {_HANGS / 60:.0f} minutes, so that another worker may lead meanwhile; "
                "look at the store, and restart this worker if the store answers"
            )
        return True
