"""Rows per bucket onto a full grid of buckets, so that a gap shows as a gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from driftline_store.metrics import METRICS

if TYPE_CHECKING:
    from datetime import timedelta

    from driftline_dashboard.data import Period


TOTALS: Final = frozenset(name for name, metric in METRICS.items() if metric.is_count) | {"spend"}
"""Metrics that add up over time, so that half a bucket shows half of them."""


def on_grid(frame: pd.DataFrame, name: str, span: Period, step: timedelta) -> pd.DataFrame:
    """One metric of one segment on every bucket of the period.

    Buckets without data are NaN; of a count, where nothing seen is 0, they are 0 from the first data on. A first
    or last bucket that the period cuts is left out where it would mislead: of totals, which would seem to fall,
    always, and of the rest when less than half of it is there, because it is mostly noise. Where there is nothing
    else yet it stays, since no point at all would say that there is no data.

    Args:
        frame: of ``query_metrics`` with a step, of one segment.
        name: of the metric.
        span: the period.
        step: length of a bucket.
    """
    seconds = int(step.total_seconds())
    since, until = int(span.since.timestamp()), int(span.until.timestamp())
    first, last = since // seconds * seconds, (until - 1) // seconds * seconds
    metric = METRICS[name]
    enough = seconds if name in TOTALS else seconds / 2
    late = seconds if first + seconds - since < enough else 0
    early = seconds if until - last < enough else 0
    starts = _starts(first + late, last - early, seconds)
    if not frame.loc[frame["bucket"].isin(starts), name].notna().any():
        starts = _starts(first, last, seconds)
    columns = [name, f"{name}__n", f"{name}__low", f"{name}__high"]
    grid = frame.set_index("bucket")[columns].reindex(starts)
    if metric.is_count:
        seen = grid[name].notna().cummax()
        grid[name] = grid[name].where(grid[name].notna() | ~seen, 0.0)
    return grid.rename_axis("bucket").reset_index()


def _starts(first: int, last: int, seconds: int) -> pd.DatetimeIndex:
    """Buckets from the first to the last, both in Unix seconds."""
    return pd.to_datetime(np.arange(first, last + 1, seconds), unit="s", utc=True)
