"""From what is new in the leaves to the counts of streams at every level of the lattice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.segments import LEVELS, is_leaf, lineage, parent
from driftline_alerts.drift.series import ANCHORED, HITS, JUDGED_BASE, JUDGED_LEAF, NUMBER, TOTAL_OF, unpacked
from driftline_alerts.drift.stream import ANCHORS, VOLUMES, StreamKey
from driftline_alerts.drift.window import Fresh, Leaf
from driftline_store.metrics import METRICS
from driftline_store.monitored import MONITORED, NO, YES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from driftline_alerts.evaluate import Segment

Owed = dict[tuple[str, Leaf], int]
"""Hits, by flag metric and leaf, that came before what they are of: they count with the next of these."""

Counts = dict[StreamKey, dict[int, int]]

_QUALITY: Final = "quality"
_UNIFORM, _BASE, _ANCHORED = NUMBER[JUDGED_LEAF], NUMBER[JUDGED_BASE], NUMBER[ANCHORED]
_VOLUME_OF: Final = {NUMBER[METRICS[name].n_label]: name for name in VOLUMES}
_WATCHED_OF: Final = {NUMBER[one.metric]: one.metric for one in MONITORED.values() if one.metric in NUMBER}


@dataclass(frozen=True, slots=True)
class _Counted:
    """Counts of a metric in a leaf, at the finest segment that they count in.

    Attributes:
        rises: whether they count in the segments above as well.
    """

    metric: str
    counts: dict[int, int]
    segment: Segment
    rises: bool = True


def observations(fresh: Iterable[Fresh], owed: Owed) -> Counts:
    """The counts of every stream but volumes.

    Args:
        fresh: what is new.
        owed: is changed: hits beyond what there is to be hit are added, and those that find it now are taken off.
    """
    by_leaf: dict[Leaf, dict[int, dict[int, int]]] = {}
    for one in fresh:
        of_leaf = by_leaf.setdefault(one.leaf, {})
        for number, count in one.counts.items():
            series, key = unpacked(number)
            counts = of_leaf.setdefault(series, {})
            counts[key] = counts.get(key, 0) + count
    stays: Counts = {}
    rising: dict[int, Counts] = {len(level): {} for level in LEVELS}
    for leaf, series_of in by_leaf.items():
        evaluator, fingerprint, *_ = leaf
        for counted in _of_leaf(leaf, series_of, owed):
            key_of = StreamKey(counted.metric, fingerprint, counted.segment, evaluator)
            _add(rising[len(counted.segment)] if counted.rises else stays, key_of, counted.counts)
    return _risen(rising) | stays


def _risen(rising: Mapping[int, Counts]) -> Counts:
    """All levels, each with what comes up from the one below it."""
    found: Counts = {}
    for length in sorted(rising, reverse=True):
        for key, counts in rising[length].items():
            if above := parent(key.segment):
                _add(rising[len(above)], replace(key, segment=above), counts)
        found |= rising[length]
    return found


def _add(to: Counts, key: StreamKey, counts: Mapping[int, int]) -> None:
    known = to.setdefault(key, {})
    for number, count in counts.items():
        known[number] = known.get(number, 0) + count


def volumes(fresh: Iterable[Fresh]) -> dict[int, Counts]:
    """How many requests and calls came, by minute of arrival."""
    found: dict[int, Counts] = {}
    for one in fresh:
        for number, count in one.counts.items():
            series, key = unpacked(number)
            if metric := _VOLUME_OF.get(series):
                for segment in _lineage(one.leaf):
                    _add(found.setdefault(one.at, {}), StreamKey(metric, "", segment), {key: count})
    return found


def _of_leaf(leaf: Leaf, series_of: Mapping[int, dict[int, int]], owed: Owed) -> Iterator[_Counted]:
    segments = _lineage(leaf)
    if _ANCHORED in series_of:
        yield _Counted(_QUALITY, series_of[_ANCHORED], ANCHORS, rises=False)
    if not segments:
        return
    finest = segments[-1]
    for number, counts in series_of.items():
        if metric := _WATCHED_OF.get(number):
            yield _Counted(metric, counts, finest)
    yield from _judged(series_of, segments)
    for metric, total in TOTAL_OF.items():
        n = series_of.get(total, {}).get(0, 0)
        hits = series_of.get(NUMBER[HITS + metric], {}).get(0, 0)
        if counts := _flag(n, hits, (metric, leaf), owed):
            yield _Counted(metric, counts, finest)


def _judged(series_of: Mapping[int, dict[int, int]], segments: Sequence[Segment]) -> Iterator[_Counted]:
    """Of a leaf its uniform sample; of what lies above the base sample, as rates may be raised for single leaves."""
    above = [one for one in segments if not is_leaf(one)]
    if _UNIFORM in series_of and len(above) < len(segments):
        yield _Counted(_QUALITY, series_of[_UNIFORM], segments[-1], rises=False)
    if _BASE in series_of and above:
        yield _Counted(_QUALITY, series_of[_BASE], above[-1])


def _flag(n: int, hits: int, whose: tuple[str, Leaf], owed: Owed) -> dict[int, int]:
    if not n and not hits:
        return {}
    due = hits + owed.pop(whose, 0)
    if due > n:
        owed[whose] = due - n
    met = min(due, n)
    return {key: count for key, count in ((NO, n - met), (YES, met)) if count}


def _lineage(leaf: Leaf) -> tuple[Segment, ...]:
    return _segments(leaf[2:])


@lru_cache(maxsize=10_000)
def _segments(values: tuple[str, ...]) -> tuple[Segment, ...]:
    return tuple(lineage(values))
