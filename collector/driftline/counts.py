"""What became of everything that the application handed over."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stats:
    """Spans and feedback events of this process; ``emitted`` is the sum of the four after it.

    Attributes:
        emitted: handed over by the application.
        exported: on the bus.
        dropped: lost, because there was no room in memory or on disk, or because the record was unusable.
        spooled: on disk, until the bus takes them; after the process's end another one sends them.
        pending: in memory.
        recovered: what other processes had left on disk and this one has put on the bus.
    """

    emitted: int = 0
    exported: int = 0
    dropped: int = 0
    spooled: int = 0
    pending: int = 0
    recovered: int = 0


FATES = ("emitted", "exported", "dropped", "spooled", "recovered")


class Counts:
    """Counters of spans and of events, shared by the threads that move them.

    Attributes:
        changed: guards them, and is notified when one changes.
        spans, events: number of records by fate.
        ever_spooled: records that went to disk, wherever they are now.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin at zero, with a lock that nobody holds."""
        self.changed = threading.Condition()
        self.spans = dict.fromkeys(FATES, 0)
        self.events = dict.fromkeys(FATES, 0)
        self.ever_spooled = 0

    def add(self, fate: str, spans: int, events: int) -> None:
        """Note that records met a fate."""
        with self.changed:
            self.spans[fate] += spans
            self.events[fate] += events
            if fate == "spooled":
                self.ever_spooled += spans + events
            self.changed.notify_all()

    def move(self, from_fate: str, to_fate: str, spans: int, events: int) -> None:
        """Note that records left one fate for another."""
        with self.changed:
            for counted, number in ((self.spans, spans), (self.events, events)):
                counted[from_fate] -= number
                counted[to_fate] += number
            self.changed.notify_all()

    def stats(self) -> Stats:
        """All of it, spans and events together."""
        with self.changed:
            total = {fate: self.spans[fate] + self.events[fate] for fate in FATES}
        return Stats(**total, pending=total["emitted"] - total["exported"] - total["dropped"] - total["spooled"])
