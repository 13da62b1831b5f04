"""Looks for steps among those that are stored. What one search reads is bounded, and it says how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import streamlit as st
from clickhouse_connect.driver.exceptions import DatabaseError

from driftline.errors import DriftlineError
from driftline_dashboard.data import Period, period
from driftline_dashboard.store import LIMITS, reading
from driftline_dashboard.traces.search_sql import statement_of
from driftline_dashboard.traces.search_terms import Cursor
from driftline_dashboard.widgets import answers_data
from driftline_store.examples import texts
from driftline_store.labels import micros
from driftline_store.metrics_query import current_instrument

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_dashboard.traces.search_terms import Search
    from driftline_dashboard.view import View
    from driftline_dashboard.widgets.answers_data import Answer
    from driftline_store.examples import Key, Texts

PAGE: Final = 30
MOST_SAVED: Final = 500
MOST_READ: Final = 5_000_000
"""Steps that one search looks through; it takes some seconds then."""
MOST_TEXTS: Final = 500_000
"""The same for one that reads their texts, or adds up costs."""

_TIMEOUT: Final = 159
_DURING: Final = """\
start >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') AND start < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"""
_REACH: Final = f"""\
SELECT count(), min(start)
FROM (SELECT start FROM llm_spans WHERE {_DURING} ORDER BY start DESC LIMIT {{most:UInt64}})"""


class TooMuchError(DriftlineError):
    """A search took too long and was ended."""


@dataclass(frozen=True)
class Found:
    """A page of what a search has found.

    Attributes:
        answers: in the search's order.
        looked_at: steps that were looked through.
        reach: the time down to which they were looked through, where that is not all of the window; else None.
        after: where the next page begins; None where nothing is left of what was looked through.
    """

    answers: tuple[Answer, ...]
    looked_at: int
    reach: datetime | None
    after: Cursor | None


@st.cache_data(ttl=600, max_entries=50, show_spinner=False)
def search(view: View, wanted: Search, as_of: datetime) -> Found:
    """One page of the steps that a search is for.

    Raises:
        TooMuchError: it took too long.
        StoreError: the store cannot be reached or fails.
    """
    with reading("the steps that are searched for") as client:
        return look(client, view, wanted, as_of)


def look(client: Client, view: View, wanted: Search, as_of: datetime) -> Found:
    """``search`` without a cache.

    Raises:
        TooMuchError: it took too long.
        clickhouse_connect.driver.exceptions.Error: the store failed a query.
    """
    span, looked_at, is_cut = _slice(client, view, wanted, as_of)
    judge = _judge(client, view, as_of)
    rows = _keys(client, statement_of(view, wanted, span, judge), PAGE + 1)
    shown = rows[:PAGE]
    starts = {(trace, step): start for trace, step, start, _ in shown}  # one that two workers stored is there twice
    of_requests = wanted.of == "requests"
    answers = answers_data.steps(client, list(starts), list(starts.values()), judge, of_requests=of_requests)
    after = None
    if len(rows) > PAGE:
        trace, step, start, value = shown[-1]
        after = Cursor(value, start, trace, step)
    return Found(tuple(answers), looked_at, span.since if is_cut else None, after)


def found_texts(view: View, wanted: Search, as_of: datetime) -> tuple[list[Key], dict[Key, Texts]]:
    """The steps that a search is for, at most ``MOST_SAVED``, and what was said in them.

    Raises:
        TooMuchError, StoreError: as ``search``.
    """
    with reading("the steps that are searched for") as client:
        span, _, _ = _slice(client, view, wanted, as_of)
        rows = _keys(client, statement_of(view, wanted, span, _judge(client, view, as_of)), MOST_SAVED)
        keys = list(dict.fromkeys((trace, step) for trace, step, _, _ in rows))
        return keys, texts(client, keys)


def _slice(client: Client, view: View, wanted: Search, as_of: datetime) -> tuple[Period, int, bool]:
    """The time that is looked through, how many steps it has, and whether there is more of the window before it."""
    span = period(view, as_of)
    until = span.until
    if wanted.before is not None and wanted.order == "newest":
        until = min(until, wanted.before.start + timedelta(microseconds=1 if wanted.before.trace_id else 0))
    is_dear = bool(wanted.words or wanted.cost or wanted.order == "dearest")
    most = MOST_TEXTS if is_dear else MOST_READ
    parameters = {"since": micros(span.since), "until": micros(max(until, span.since)), "most": most}
    count, first = client.query(_REACH, parameters=parameters, settings=LIMITS).result_rows[0]
    is_cut = count == most
    return Period(first if is_cut else span.since, max(until, span.since)), count, is_cut


def _judge(client: Client, view: View, as_of: datetime) -> str:
    """Whose scores count: the instrument of the whole window, however far back one looks."""
    span = period(view, as_of)
    return current_instrument(client, since=span.since, until=span.until, where=view.where)


def _keys(client: Client, asked: tuple[str, dict[str, Any]], most: int) -> list[tuple[str, str, datetime, float]]:
    """Trace, span, start and what they are ordered by, in the order that the statement ``asked`` wants."""
    statement, parameters = asked
    try:
        return client.query(statement, parameters=parameters | {"page": most}, settings=LIMITS).result_rows  # type: ignore[return-value]
    except DatabaseError as error:
        if error.code != _TIMEOUT:
            raise
        raise TooMuchError(
            f"the search was ended after {LIMITS['max_execution_time']} s; choose a shorter window, or ask for more, "
            "such as a feature, a user or a class of errors"
        ) from None
