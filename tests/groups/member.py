"""An ingest process that stops itself once, as SIGSTOP at the worst moment would.

member.py            as driftline ingest
member.py claim      stops before it claims its first spans on the bus
member.py insert     stops after the claim, before the spans are inserted
member.py done       stops after they are inserted, before the bus is told
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from driftline.bus import SPANS_TOPIC, kafka_client
from driftline.bus.kafka_consumer import KafkaBusConsumer
from driftline.bus.sqlite_consumer import SqliteConsumer
from driftline.bus.sqlite_file import SqliteFile
from driftline.settings import load
from driftline_cli.part import run_part
from driftline_processors import ingest_worker
from driftline_processors.ingest import Ingest
from driftline_processors.targets import TARGETS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

SESSION_SECONDS = 4.0
"""Less than half of what users have, with the same code: how long others wait for a member that sleeps or died.

A lease on a SQLite bus is as long as users': whoever is stopped while it renews one keeps everybody from writing.
"""

_at_the_bus = threading.RLock()
"""Held by a thread while it uses the SQLite bus, and by the one that stops the process: nobody sleeps on its lock."""


def pausing(method: Callable[..., Any], *, when: Callable[..., bool]) -> Callable[..., Any]:
    """The method, with one stop of the whole process before the first call for which ``when`` holds."""
    paused = False

    def pause_first(self: Any, *arguments: Any, **options: Any) -> Any:
        nonlocal paused
        if not paused and when(self):
            paused = True
            with _at_the_bus:
                os.kill(os.getpid(), signal.SIGSTOP)
                time.sleep(0.5)  # another thread may take the signal, and until then this one would go on
        return method(self, *arguments, **options)

    return pause_first


def one_at_a_time(use: Callable[..., Any]) -> Callable[..., Any]:
    """The way to a bus file, for one thread of this process at a time."""

    @contextlib.contextmanager
    def use_alone(self: SqliteFile) -> Iterator[sqlite3.Connection]:
        with _at_the_bus, use(self) as connection:
            yield connection

    return use_alone


def waits(consumer: SqliteConsumer) -> bool:
    state = consumer._look()
    return consumer._topic == SPANS_TOPIC and state.next > state.done


def pause_at(point: str) -> None:
    SqliteFile.read = one_at_a_time(SqliteFile.read)  # type: ignore[method-assign]
    vars(ingest_worker)["TARGETS"] = TARGETS[:1]  # the spans, so that there is one worker to stop
    if point == "claim":
        SqliteConsumer._claim = pausing(SqliteConsumer._claim, when=waits)  # type: ignore[method-assign]
        KafkaBusConsumer._claim = pausing(  # type: ignore[method-assign]
            KafkaBusConsumer._claim, when=lambda consumer: consumer._topic == SPANS_TOPIC
        )
    elif point == "insert":
        Ingest._store = pausing(  # type: ignore[method-assign]
            Ingest._store, when=lambda ingest: ingest.target.topic == SPANS_TOPIC
        )
    elif point == "done":
        for consumer in (SqliteConsumer, KafkaBusConsumer):
            consumer.done = pausing(  # type: ignore[method-assign]
                consumer.done, when=lambda consumer: consumer._topic == SPANS_TOPIC
            )


if __name__ == "__main__":
    kafka_client.SESSION_SECONDS = SESSION_SECONDS
    if sys.argv[1]:
        pause_at(sys.argv[1])
    run_part(ingest_worker.run, load())
