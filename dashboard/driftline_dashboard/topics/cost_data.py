"""What the page of cost asks of the store beside the metrics of its window: days, spenders, models and prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd
import streamlit as st

from driftline_dashboard.data import minute, period
from driftline_dashboard.store import LIMITS, reading
from driftline_store.filters import filtered
from driftline_store.labels import micros
from driftline_store.metrics_query import query_metrics
from driftline_store.statement import STATEMENT, runnable

if TYPE_CHECKING:
    from driftline_dashboard.view import View

DAYS: Final = 35
"""Days before today that are read: this month's, and four whole weeks."""
MOST: Final = 10
"""Users or sessions that are listed."""
_TTL: Final = 120
_USED: Final = ("calls", "spend", "input_tokens", "output_tokens", "unpriced_calls")

Who = Literal["user_id", "session_id"]

# Later rows of a trace are differences, so sums are its totals.
_SPENDERS: Final = """\
SELECT {who} AS who, sum(is_first), toFloat64(sum(cost)), sum(unpriced_calls)
FROM llm_traces
WHERE start >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
    AND start < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC') AND who != ''{conditions}
GROUP BY who
ORDER BY sum(cost) DESC, who
LIMIT {most}"""

# The seller that a model has where none is named comes first.
_PRICES: Final = """\
SELECT model, argMin(toFloat64(input), provider), argMin(toFloat64(output), provider)
FROM model_prices FINAL
WHERE known AND from_tokens = 0 AND from_minute = 0 AND valid_from <= today() AND valid_to >= today() AND output > 0
GROUP BY model
ORDER BY model
LIMIT 5000"""


@dataclass(frozen=True)
class Price:
    """USD per million tokens, of short inputs, without caching."""

    input: float
    output: float

    def of(self, input_tokens: float, output_tokens: float) -> float:
        """What so many tokens cost, in USD."""
        return (self.input * input_tokens + self.output * output_tokens) / 1e6


def days(view: View, as_of: datetime) -> pd.DataFrame:
    """Spend of each day (UTC) of the last ``DAYS`` and of today, a row for each that has calls.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    return _days(view, minute(as_of))


def spenders(view: View, as_of: datetime, who: Who) -> pd.DataFrame:
    """Who spent most in the window, by what has settled.

    Returns:
        ``who``, the id of a user or a session as it is stored; ``requests``; ``spend`` of calls with a known price, in
        USD; and ``unpriced_calls``. With the statement that it is the answer to.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    return _spenders(view, minute(as_of), who)


@st.cache_data(ttl=_TTL, max_entries=100, show_spinner=False)
def models(view: View, as_of: datetime) -> pd.DataFrame:
    """Calls, spend and tokens of each model that was called in the window, the most called first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span = period(view, as_of)
    with reading("the models") as client:
        frame = query_metrics(client, _USED, since=span.since, until=span.until, by=("model",), where=view.where)
    return frame[frame["calls__n"] > 0].sort_values("calls__n", ascending=False, ignore_index=True)


@st.cache_data(ttl=600, max_entries=1, show_spinner=False)
def prices() -> dict[str, Price]:
    """Today's prices of the models that answer in words.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    with reading("the prices") as client:
        rows = client.query(_PRICES, settings=LIMITS).result_rows
    return {str(model): Price(asked, said) for model, asked, said in rows}


@st.cache_data(ttl=_TTL, max_entries=100, show_spinner=False)
def _days(view: View, as_of: datetime) -> pd.DataFrame:
    since = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC) - timedelta(days=DAYS)
    with reading("the days") as client:
        return query_metrics(
            client, ("spend", "unpriced_calls"), since=since, until=as_of, where=view.where, step=timedelta(days=1)
        )


@st.cache_data(ttl=_TTL, max_entries=100, show_spinner=False)
def _spenders(view: View, as_of: datetime, who: Who) -> pd.DataFrame:
    span = period(view, as_of)
    of_segment, bound = filtered(view.where)
    parameters: dict[str, Any] = {"since": micros(span.since), "until": micros(span.until)} | bound
    conditions = "".join(f"\n    AND {one}" for one in of_segment)
    query = _SPENDERS.format(who=who, conditions=conditions, most=MOST)
    with reading("who spends most") as client:
        rows = client.query(query, parameters=parameters, settings=LIMITS).result_rows
    frame = pd.DataFrame(rows, columns=["who", "requests", "spend", "unpriced_calls"])
    frame.attrs[STATEMENT] = runnable(query, parameters)
    return frame
