"""What is read of the sums by arrival: every series of counts, of all leaves and minutes, a statement for each table.

A series is what one or several metrics are made of, such as the requests, or the bins of latency. Flags that are of the
same total share its series. A count's key and its series travel as one number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from driftline_alerts.drift.segments import LEAF
from driftline_alerts.drift.stream import VOLUMES
from driftline_store.metrics import METRICS
from driftline_store.monitored import MONITORED

_KEYS: Final = 1 << 16
_MIDDLE: Final = _KEYS // 2
"""Keys are Int16: the first one of a series stands for -32,768."""


@dataclass(frozen=True)
class Series:
    """Counts by key.

    Attributes:
        name: stands in snapshots, so that its number may change.
        counts: SQL over rows ``m`` of the sums: a map, or a single number, whose key is 0.
        is_map: which of the two.
    """

    name: str
    counts: str
    is_map: bool = False


JUDGED_LEAF: Final = "judged, uniform sample"
JUDGED_BASE: Final = "judged, base sample"
ANCHORED: Final = "anchors"
HITS: Final = "hits "
"""Begins the name of a flag's series, before the metric's."""

_FLAGS: Final = [one for one in MONITORED.values() if one.kind == "flag"]
_LOGS: Final = [one for one in MONITORED.values() if one.kind == "log"]

_SUMS: Final = (
    *(Series(n_label, n) for n_label, n in {one.definition.n_label: one.n for one in _FLAGS}.items()),
    *(Series(HITS + one.metric, one.hits) for one in _FLAGS),
    *(Series(one.metric, one.histogram, is_map=True) for one in _LOGS),
)
_JUDGED: Final = (
    Series(JUDGED_LEAF, "sumMap(m.uniform_levels)", is_map=True),
    Series(JUDGED_BASE, "sumMap(m.base_levels)", is_map=True),
)
# As if 1 - score were half of what the judge thinks worse of it than people did, and a half more.
_ANCHORS: Final = (
    Series(ANCHORED, "sumMap(map(toInt16(floor(10.5 + 10 * (m.score - m.given))), toInt64(1)))", is_map=True),
)

SERIES: Final = (*_SUMS, *_JUDGED, *_ANCHORS)
NUMBER: Final = {one.name: number for number, one in enumerate(SERIES)}
TOTAL_OF: Final = {one.metric: NUMBER[one.definition.n_label] for one in _FLAGS}
"""Number of the series that says how many there were, by flag metric."""

assert all(METRICS[name].n_label in NUMBER for name in VOLUMES)  # noqa: S101  they are flags' totals as well


def packed(series: int, key: int) -> int:
    """Series and key as one number."""
    return series * _KEYS + key + _MIDDLE


def unpacked(number: int) -> tuple[int, int]:
    """Series and key of ``packed``."""
    series, key = divmod(number, _KEYS)
    return series, key - _MIDDLE


def statements(*, time: str = "m.at", until: bool = False) -> tuple[str, ...]:
    """The queries for rows of (Unix time, evaluator, fingerprint, leaf…, packed keys, counts); as one they take longer.

    Their parameters are ``since`` and, if asked for, ``until``, in seconds of Unix time.

    Args:
        time: SQL for the begin of the interval that is summed up, of the minute ``m.at``.
        until: whether they end before a moment.
    """
    at = "m.at >= toDateTime({since:Int64}, 'UTC')" + (" AND m.at < toDateTime({until:Int64}, 'UTC')" * until)
    by_arrival = f"m.resolution = 'arrival' AND {at}"
    # Rows of evaluations bear no minute. Those of partitions long past are not looked at.
    anchors = """(
        SELECT toStartOfMinute(toDateTime(e.at, 'UTC')) AS at, e.name AS name, e.evaluator AS evaluator,
            assumeNotNull(e.score) AS score, a.score AS given
        FROM evaluations AS e INNER JOIN (SELECT id, score FROM anchors FINAL) AS a ON a.id = e.unit_id
        WHERE e.unit = 'anchor' AND e.source = 'judge' AND e.score IS NOT NULL
            AND e.at >= toDateTime({since:Int64}, 'UTC')
    )"""
    whole = "m.criterion = '' AND m.run = '' AND m.unit != 'anchor'"
    return (
        _select(time, _SUMS, "llm_rollups", by_arrival),
        _select(time, _JUDGED, "judged_rollups", f"{by_arrival} AND {whole}", judged=True),
        _select(time, _ANCHORS, anchors, at, judged=True, leaf=("''",) * len(LEAF)),
    )


def _select(
    time: str, series: tuple[Series, ...], source: str, where: str, *, judged: bool = False, leaf: tuple[str, ...] = ()
) -> str:
    judge = ("toString(m.name)", "toString(m.evaluator)") if judged else ("''", "''")
    keys = (f"toInt64(toUnixTimestamp({time}))", *judge, *(leaf or tuple(f"toString(m.{name})" for name in LEAF)))
    names = [f"k{number}" for number in range(len(keys))]
    by = ", ".join(f"{sql} AS {name}" for sql, name in zip(keys, names, strict=True))
    keys_of, counts_of = _columns(series)
    return (
        f"SELECT {by}, {keys_of} AS keys, {counts_of} AS counts\nFROM {source} AS m\nWHERE {where}\n"
        f"GROUP BY {', '.join(names)}"
    )


def _columns(series: tuple[Series, ...]) -> tuple[str, str]:
    """SQL for an array of packed keys, and for one of their counts; 0 where a number is."""
    numbers = [one for one in series if not one.is_map]
    keys = [f"[{', '.join(f'toInt32({packed(NUMBER[one.name], 0)})' for one in numbers)}]"] if numbers else []
    counts = [f"[{', '.join(f'toInt64({one.counts})' for one in numbers)}]"] if numbers else []
    for one in series:
        if one.is_map:
            keys.append(f"arrayMap(k -> toInt32(k + {packed(NUMBER[one.name], 0)}), mapKeys({one.counts}))")
            counts.append(f"mapValues({one.counts})")
    return f"arrayConcat({', '.join(keys)})", f"arrayConcat({', '.join(counts)})"
