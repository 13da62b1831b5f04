"""Which step of the requests fails most: the newest steps of the window by feature and name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
import streamlit as st

from driftline_dashboard.data import minute, period
from driftline_dashboard.store import LIMITS, reading
from driftline_store.filters import filtered
from driftline_store.labels import micros
from driftline_store.metrics_interval import wilson
from driftline_store.statement import STATEMENT, runnable

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_dashboard.view import View

MOST_READ: Final = 200_000
MOST_ROWS: Final = 40
_COLUMNS: Final = (
    *("feature", "step", "kind", "runs", "failed", "p95", "share", "failing_trace", "failing_span"),
    *("steps_read", "first"),
)

_STEPS: Final = """\
WITH
    sample AS (
        SELECT trace_id, span_id, start, duration, is_error, is_request, is_call, tool_name, name, {dimensions}
        FROM llm_spans
        WHERE start >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')
            AND start < fromUnixTimestamp64Micro({{until:Int64}}, 'UTC')
        ORDER BY start DESC LIMIT {{most:UInt64}}
    ),
    wholes AS (SELECT trace_id, max(duration) AS whole FROM sample WHERE is_request GROUP BY trace_id)
SELECT feature, step, kind, sum(runs) AS all_runs, sum(failures) AS all_failures,
    quantileTDigestMerge(0.95)(took), sumIf(seconds, whole > 0) / sumIf(whole, whole > 0) AS share,
    argMaxIf(trace_id, failed_at, failures > 0), argMaxIf(failing, failed_at, failures > 0),
    (SELECT count() FROM sample) AS steps_read, (SELECT min(start) FROM sample) AS first
FROM (
    SELECT trace_id, feature, if(tool_name != '', tool_name, name) AS step,
        multiIf(tool_name != '', 'tool', is_call, 'call', 'step') AS kind, count() AS runs,
        countIf(is_error) AS failures, quantileTDigestState(0.95)(duration) AS took, sum(duration) AS seconds,
        argMaxIf(span_id, start, is_error) AS failing, maxIf(start, is_error) AS failed_at
    FROM sample
    WHERE NOT is_request{conditions}
    GROUP BY trace_id, feature, step, kind
) AS steps
LEFT JOIN wholes ON wholes.trace_id = steps.trace_id
GROUP BY feature, step, kind
ORDER BY all_failures DESC, all_runs DESC, feature, step LIMIT 500"""


@dataclass(frozen=True)
class Steps:
    """Steps that requests are made of.

    Attributes:
        frame: a row for each feature and step, those that surely fail most first; ``failed`` is a share, ``low`` and
            ``high`` its 95 % interval (Wilson), ``p95`` in seconds, ``share`` that of the time of the requests that
            had it, what is within it included; ``failing_trace`` and ``failing_span`` are its latest failure.
        steps_read: how many they were counted from.
        first: when the first of them began, where there are more in the window; else None.
    """

    frame: pd.DataFrame
    steps_read: int
    first: datetime | None


def failing(view: View, as_of: datetime) -> Steps:
    """The steps of the view's requests; asked once a minute.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    return _failing(view, minute(as_of))


@st.cache_data(ttl=120, max_entries=20, show_spinner=False)
def _failing(view: View, as_of: datetime) -> Steps:
    span = period(view, as_of)
    of_segment, bound = filtered(view.where)
    parameters: dict[str, Any] = {"since": micros(span.since), "until": micros(span.until), "most": MOST_READ} | bound
    statement = _STEPS.format(
        dimensions=", ".join(dict.fromkeys(("feature", *view.where))),
        conditions="".join(f" AND {one}" for one in of_segment),
    )
    with reading("the steps of requests") as client:
        rows = client.query(statement, parameters=parameters, settings=LIMITS).result_rows
    frame = _ranked(pd.DataFrame(rows, columns=pd.Index(_COLUMNS)))
    read = int(rows[0][-2]) if rows else 0
    first = rows[0][-1] if read == MOST_READ else None
    frame = frame.drop(columns=["steps_read", "first"])
    frame.attrs[STATEMENT] = runnable(statement, parameters)
    return Steps(frame, read, first)


def _ranked(frame: pd.DataFrame) -> pd.DataFrame:
    runs = frame["runs"].to_numpy(np.float64)
    share = frame["failed"].to_numpy(np.float64) / runs
    low, high = wilson(share, runs)
    ranked = frame.assign(failed=share, low=low, high=high)
    return ranked.sort_values(["low", "runs"], ascending=False, ignore_index=True)
