"""Keeps applications, and who else is to know, up to date about what is contained."""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from driftline.errors import DriftlineError, StoreError
from driftline_alerts import containment_hook
from driftline_alerts.containment import contained
from driftline_alerts.errands import Errand
from driftline_alerts.transition import latest
from driftline_store.client import STATEMENT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.containment import Containment
    from driftline_alerts.guard_file import GuardFile

_PAUSE: Final = 5.0
"""Seconds between two looks whether what was said is to be confirmed."""
_LONGEST: Final = 2 * STATEMENT_SECONDS + 60
"""Seconds that we stand for what was said after we led. The store can be slow in one of our statements, and hang in the
next until that fails."""


class Containing:
    """As alerts.yaml says.

    Args:
        containment: what is contained, and by what; None: nothing is.
        file: that applications follow.
    """

    def __init__(self, containment: Containment | None, file: GuardFile) -> None:
        self._containment = containment
        self._file = file
        self._standing = _Standing(file)

    def errands(self) -> Iterable[Errand]:
        """None where nothing is contained, unless a file is left of a time when something was."""
        if self._containment:
            yield Errand("containment", partial(self._contain, self._containment), self._standing.begin)
        elif self._file.exists():
            yield Errand("containment", lambda _: self._release(), self._release)

    def _contain(self, containment: Containment, client: Client) -> None:
        with self._standing:
            self._say(containment, client)

    def _say(self, containment: Containment, client: Client) -> None:
        now = datetime.now(UTC)
        found = contained((one.last for one in latest(client, now).values()), containment)
        try:
            self._file.put(found, now)
        finally:  # neither has to wait for the other
            if containment.webhook:
                containment_hook.tell(client, containment.webhook, found, lambda: datetime.now(UTC))

    def _release(self) -> None:
        self._file.put((), datetime.now(UTC))


class _Standing:
    """Stands for what was said until the store answers, as no alert can change while it is away.

    It does so in a thread of its own, as a store that hangs holds up everything else. It ends where another worker has
    written the file, and by itself if we do not lead again.
    """

    def __init__(self, file: GuardFile) -> None:
        self._file = file
        self._is_over = threading.Event()

    def __enter__(self) -> None:
        self.begin()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or not issubclass(kind, StoreError):
            self._is_over.set()

    def begin(self) -> None:
        """From now on, whatever was begun before."""
        self._is_over.set()
        self._is_over = threading.Event()
        told = self._is_over, time.monotonic() + _LONGEST
        threading.Thread(target=self._confirm, args=told, name="containment file", daemon=True).start()

    def _confirm(self, is_over: threading.Event, until: float) -> None:
        while not is_over.is_set() and time.monotonic() < until:
            with contextlib.suppress(DriftlineError):  # the errand meets it too, and says so
                if not self._file.confirm(datetime.now(UTC)):
                    return
            is_over.wait(_PAUSE)
