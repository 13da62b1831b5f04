"""Where a change is: the most specific segment that holds all that moved, and what beside it did not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.change import change
from driftline_alerts.drift.segments import LEVELS, contains, is_leaf
from driftline_alerts.drift.stream import ANCHORS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from driftline_alerts.drift.change import Located
    from driftline_alerts.drift.monitor import Monitor
    from driftline_alerts.evaluate import Segment

_MOVED: Final = 3.0
"""Standard errors of its mean that a leaf has moved by at least; it is no alarm, which there is already."""
_STILL: Final = 2.0
"""Standard errors within which a leaf that did not move is known."""
_FEWEST: Final = 30
_NEARLY: Final = 0.8
"""Share of the observations since a change that parts which did not move must have, for only the mix to have moved."""


@dataclass(frozen=True)
class Cause:
    """Where a change is.

    Attributes:
        segment: that holds all that moved.
        moved: the finest segments that did.
        unaffected: the finest ones in the same environment of which it is known that they did not.
        common: values that all that moved have in common and nothing unaffected has, beyond those of ``segment``; none
            where nothing is known to be unaffected.
        is_mix: whether no finer segment moved, so that only their shares have.
    """

    segment: Segment
    moved: tuple[Segment, ...] = ()
    unaffected: tuple[Segment, ...] = ()
    common: Segment = ()
    is_mix: bool = False


def cause(monitor: Monitor, located: Located, all_monitors: Iterable[Monitor]) -> Cause:
    """Where the change that a monitor has found is.

    Args:
        monitor: that has an alarm.
        located: its change.
        all_monitors: there are.
    """
    if monitor.key.segment == ANCHORS:
        return Cause(ANCHORS)
    leaves = [one for one in all_monitors if _is_kin(one, monitor)]
    verdicts = {one.key.segment: None if _is_older(one, located) else _verdict(one, located) for one in leaves}
    moved = tuple(segment for segment, has in verdicts.items() if has is True)
    unaffected = tuple(segment for segment, has in verdicts.items() if has is False)
    mine = [segment for segment in verdicts if contains(monitor.key.segment, segment)]
    if not any(verdicts[segment] for segment in mine):
        parts = [one for one in leaves if contains(monitor.key.segment, one.key.segment)]
        is_mix = not is_leaf(monitor.key.segment) and _is_mix(parts, verdicts, located)
        return Cause(monitor.key.segment, (), unaffected, (), is_mix)
    segment = _shared(moved)
    return Cause(segment, moved, unaffected, _common(moved, unaffected, segment))


def _is_older(leaf: Monitor, located: Located) -> bool:
    """Whether a leaf has an alarm about a change that was over and done before this one can have begun."""
    if not leaf.alarm or leaf.alarm.opened >= located.earliest:
        return False
    own = change(leaf)
    return own is not None and own.latest < located.earliest


def _is_mix(parts: Sequence[Monitor], verdicts: Mapping[Segment, bool | None], located: Located) -> bool:
    """Whether it is the parts' shares that moved: with their own levels as they were, these make most of the change.

    Ranks say nothing about that, as each part has its own; there nearly all parts must be known to have stayed.
    Requests without a model are no part: many a request has none because it failed, so that there an outcome would be
    taken for a mix.
    """
    counts = [_since(one, located)[0] for one in parts]
    whole = sum(counts)
    if not whole or not all(dict(one.key.segment)["model"] for one in parts):
        return False
    if parts[0].rule.kind == "log":
        known = sum(n for n, one in zip(counts, parts, strict=True) if verdicts[one.key.segment] is False)
        return known >= _NEARLY * whole
    usual = [one.panel[located.question].detector.mean for one in parts]
    expected = sum(n * level for n, level in zip(counts, usual, strict=True)) / whole
    return expected - located.before.mean >= located.change.effect / 2


def _since(leaf: Monitor, located: Located) -> tuple[float, float]:
    """Observations of a leaf since a change began elsewhere, and the sum of their y."""
    n, total = leaf.trail.columns(located.question)
    since = [at >= located.start for at in leaf.trail.begins]
    return float(n[since].sum()), float(total[since].sum())


def _is_kin(one: Monitor, monitor: Monitor) -> bool:
    mine, its = monitor.key, one.key
    return bool(
        one.panel
        and is_leaf(its.segment)
        and one.falls == monitor.falls
        and (its.metric, its.instrument, its.evaluator) == (mine.metric, mine.instrument, mine.evaluator)
        and its.segment[:1] == mine.segment[:1]
    )


def _verdict(leaf: Monitor, located: Located) -> bool | None:
    """Whether a leaf moved; None where that is not known."""
    detector = leaf.panel[located.question].detector
    count, summed = _since(leaf, located)
    if count < _FEWEST:
        return None
    known = detector.baseline + detector.pending
    known_n, known_total = float(known.sum()), float(known @ detector.levels.values)
    if not detector.is_frozen:
        known_n, known_total = known_n - count, known_total - summed
    if leaf.alarm:
        known_n, known_total = leaf.alarm.before.n, leaf.alarm.before.mean * leaf.alarm.before.n
    if known_n <= 0:
        return None
    before, after = known_total / known_n, summed / count
    variance = max(detector.variance, before * (1 - before) * 0.1, after * (1 - after) * 0.1)
    error = math.sqrt(variance * detector.overdispersion * (1 / count + 1 / known_n)) or 1e-9
    rise, half = after - before, max(located.change.effect, 0.0) / 2
    if rise / error >= _MOVED and rise >= half / 2:
        return True
    return False if rise + _STILL * error < half else None


def _shared(segments: Sequence[Segment]) -> Segment:
    """The finest segment of the lattice that contains them all."""
    sizes = [len(level) for level in LEVELS]
    first = segments[0]
    fitting = [size for size in sizes if all(other[:size] == first[:size] for other in segments)]
    return first[: fitting[-1]] if fitting else ()


def _common(moved: Sequence[Segment], unaffected: Sequence[Segment], segment: Segment) -> Segment:
    first = moved[0][len(segment) :] if unaffected else ()
    return tuple(
        pair
        for pair in first
        if pair[1] and all(pair in one for one in moved) and not any(pair in one for one in unaffected)
    )
