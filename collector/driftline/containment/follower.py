"""A thread that looks every few seconds what is contained, so that nobody else has to wait for it."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from driftline.containment.source import source_of
from driftline.containment.state import here
from driftline.errors import DriftlineError
from driftline.threads import start_apart

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftline.containment.source import Source
    from driftline.containment.state import Contained, State
    from driftline.settings import Settings

_log = logging.getLogger("driftline")

_LATER: Final = 5.0
"""Seconds to the next look while the settings cannot be read."""


class Follower:
    """Knows what is contained for this process.

    What cannot be read leaves what was known as it is, until that is stale; then nothing is contained.

    Args:
        settings: gives those in use, at each look; may raise ``SettingsError``.

    Attributes:
        contained: by feature; replaced as a whole.
        until: when that is stale, by the monotonic clock.
        is_running: whether there is no need to start it.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self.contained: Mapping[str, Contained] = {}
        self.until = 0.0
        self._source: Source | None = None
        self._place = ""
        self._state: State | None = None
        self._seen = 0.0
        self._trouble = ""
        self.after_fork()

    def after_fork(self) -> None:
        """Begin anew in a child process, which has no thread yet; what was known holds on."""
        self.is_running = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin to look, unless somebody does; never waits for what is found."""
        if not self._lock.acquire(blocking=False):
            return  # another thread is starting it
        try:
            if not self.is_running:
                self.is_running = True
                start_apart(threading.Thread(target=self._run, name="driftline-guard", daemon=True))
        except RuntimeError as error:  # the interpreter exits, or the system has no thread left
            _log.warning("driftline: guard() cannot look what is contained, so nothing is: %s", error)
        finally:
            self._lock.release()

    def look(self) -> float:
        """Look once.

        Returns:
            Seconds to the next look.
        """
        try:
            settings = self._settings()
        except Exception as error:  # noqa: BLE001 - telemetry never raises into the application
            self._say(str(error))
            return _LATER
        trouble = ""
        try:
            self._read(settings.guard_place)
        except DriftlineError as error:
            trouble = str(error)
        except Exception as error:  # noqa: BLE001 - the thread has to survive whatever it meets
            trouble = f"{type(error).__name__}: {error}"
        self._conclude(settings, trouble)
        return float(settings.guard_seconds)

    def _run(self) -> None:
        while True:
            time.sleep(self.look())

    def _read(self, place: str) -> None:
        if self._source is None or place != self._place:
            self._state = None
            self._source = source_of(place)
            self._place = place
        state = self._source.read()
        if state is None:
            return
        if self._state is None:
            # Clocks may differ, so they are compared only where there is nothing else to go by.
            age = max((datetime.now(UTC) - state.at).total_seconds(), 0.0)
            self._seen = time.monotonic() - age
        elif state.at != self._state.at:
            self._seen = time.monotonic()
        self._state = state

    def _conclude(self, settings: Settings, trouble: str) -> None:
        """Have it known what is contained now."""
        contained: Mapping[str, Contained] = {}
        if self._state is not None and self._source is not None:
            self.until = self._seen + settings.guard_stale_seconds
            if time.monotonic() < self.until:
                service, environment = str(settings.service_name), str(settings.environment)
                contained = here(self._state.contained, service=service, environment=environment)
            else:
                old = f"{self._source.name} was last written more than {settings.guard_stale_seconds:g} s ago"
                trouble = f"{trouble or old}, so nothing is contained; is the alert worker running?"
        self._tell(contained)
        self.contained = contained
        self._say(trouble)

    def _tell(self, contained: Mapping[str, Contained]) -> None:
        """Log what begins and what ends."""
        for feature in contained.keys() - self.contained.keys():
            one = contained[feature]
            _log.warning("driftline: %s is contained (incident %s): %s", feature, one.incident, one.why)
        for feature in self.contained.keys() - contained.keys():
            _log.warning("driftline: %s is not contained any more", feature)

    def _say(self, trouble: str) -> None:
        """Log trouble when it begins or changes, and when it is over: once."""
        if trouble != self._trouble:
            if trouble:
                _log.warning("driftline: guard(): %s", trouble)
            else:
                _log.info("driftline: guard() knows again what is contained")
        self._trouble = trouble
