"""What is done beside the rounds of the worker, each in a thread of its own: none waits for another one."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from driftline.errors import StoreError
from driftline_store.client import connect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings
    from driftline_alerts.lead import Lead
    from driftline_alerts.trouble import Trouble

_BEAT: Final = 0.5
"""Seconds between two looks whether we lead."""
_PATIENCE: Final = 15.0
"""Seconds between two times that it is done, if nobody wakes us."""


@dataclass(frozen=True)
class Errand:
    """Something to be done again and again, while we lead.

    Attributes:
        name: for people.
        do: it, with a client of the store; raises DriftlineError where it has to be done again.
        without_store: what to do instead while the store is away; raises the same.
    """

    name: str
    do: Callable[[Client], None]
    without_store: Callable[[], None] = lambda: None


@dataclass
class Errands:
    """All of them, from ``with`` to its end.

    Attributes:
        settings: with the store.
        stop: set at the end, so that what waits does not.
    """

    settings: Settings
    errands: Sequence[Errand]
    lead: Lead
    trouble: Trouble
    stop: threading.Event
    _news: list[threading.Event] = field(default_factory=list)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for errand in self.errands:
                news = threading.Event()
                self._news.append(news)
                thread = threading.Thread(target=self._work, args=(errand, news), name=errand.name)
                thread.start()
                stack.callback(thread.join)
                stack.callback(news.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for news in self._news:
            news.set()
        self._stack.close()

    def wake(self) -> None:
        """There may be something to do."""
        for news in self._news:
            news.set()

    def _work(self, errand: Errand, news: threading.Event) -> None:
        client: Client | None = None

        def forget(_: Exception) -> None:
            nonlocal client
            if client is not None:
                client.close()
            client = None  # a store that was restarted may have another address

        def do() -> None:
            nonlocal client
            try:
                client = client or connect(self.settings)
                errand.do(client)
            except StoreError:
                errand.without_store()
                raise

        while not self.stop.is_set():
            news.wait(_PATIENCE)
            if not self.lead.is_held():
                self.stop.wait(_BEAT)  # the news stay
                continue
            news.clear()
            if not self.stop.is_set():
                self.trouble.tried(errand.name, do, forget)
                if not self.lead.is_held():
                    news.set()  # what was left undone is done once we lead again
        if client is not None:
            client.close()
