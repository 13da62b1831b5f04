"""Pages as Streamlit builds them, without a browser: their statements, and the memory of the process."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import psutil
import streamlit as st
from streamlit.runtime.caching import cache_utils
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from driftline_dashboard import data, store
from support.dashboard_store import APP

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline_dashboard.places import Place

_ASKS: Final = frozenset({"query", "query_df", "query_np", "query_arrow", "raw_query", "command"})
_PATIENCE: Final = 120

# What is cached grows old by the clock of the pages, which need not be that of the wall.
cache_utils.TTLCACHE_TIMER = lambda: data.moment().timestamp()


@dataclass
class Counted:
    """A client of the store that notes how long each statement took, in seconds."""

    client: Any
    seconds: list[float] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.client, name)
        return self._timed(found) if name in _ASKS else found

    def _timed(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return ask(*arguments, **options)
            finally:
                self.seconds.append(time.perf_counter() - began)

        return timed


def counted() -> Counted:
    """Let the dashboard of this process ask through a client that counts."""
    client = Counted(store._client())  # noqa: SLF001  there is no other way to its only connection
    store._client = lambda: client  # type: ignore[assignment]  # noqa: SLF001
    return client


def statements(client: Counted, place: Place) -> tuple[int, float]:
    """Build a page that nobody has looked at: how many statements, and their seconds together."""
    st.cache_data.clear()
    client.seconds.clear()
    page(place).run()
    return len(client.seconds), sum(client.seconds)


def page(place: Place) -> AppTest:
    """A page for one visitor, not yet built."""
    found = AppTest.from_file(str(APP), default_timeout=_PATIENCE)
    if not place.is_first:
        found._page_hash = calc_hash(place.path)  # noqa: SLF001  its own way knows only pages that are files
    return found


def memory(place: Place, refreshes: int) -> list[float]:
    """Resident MB of this process at each tenth of so many refreshes of one visitor's page, five seconds apart.

    Raises:
        RuntimeError: the page fails.
    """
    now = [data.moment()]
    data.moment = lambda: now[0]
    st.cache_data.clear()
    visitor, process = page(place), psutil.Process()
    found = []
    for number in range(1, refreshes + 1):
        now[0] += timedelta(seconds=data.REFRESH_SECONDS)
        visitor.run()
        if visitor.exception:
            raise RuntimeError(f"the page of {place.title} fails: {visitor.exception[0].value}")
        if number % max(1, refreshes // 10) == 0:
            gc.collect()
            found.append(process.memory_info().rss / 1e6)
    return found
