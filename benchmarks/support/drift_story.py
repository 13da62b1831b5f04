"""A project in which something happens: a bad version, its recovery, a change of the mix, a level that is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift.events import told
from driftline_alerts.drift.finding import OVER
from support.drift_watch import Watch
from support.drift_world import DAY_HOURS, Leaf, World, rhythm, time_of

if TYPE_CHECKING:
    from driftline_alerts.drift.finding import Finding

DAYS: Final = 84
_HEALTHY, _BAD, _MENDED, _MIXED, _UNMIXED, _FAILING, _ACCEPTED = (
    day * DAY_HOURS for day in (30, 44, 47, 56, 60, 68, 70)
)
_HOUR: Final = 9
SUPPORT: Final = (("environment", "production"), ("feature", "support"))
OLD: Final = ("production", "support", "gpt-5", "answer", "4")
NEW: Final = (*OLD[:-1], "5")
SEARCH: Final = ("production", "search", "mini", "find", "1")


def story(seed: int) -> dict[str, Any]:
    """What was told of it, and whether that is right."""
    rng, hours = np.random.default_rng(seed), DAYS * DAY_HOURS
    at = np.arange(hours)
    has_new, is_bad, is_mixed = at >= _BAD + _HOUR, (at >= _BAD + _HOUR) & (at < _MENDED + _HOUR), _is_in(at, _MIXED)
    leaves = [
        Leaf(OLD, rhythm(hours, 20_000) * np.where(has_new, 0.5, 1.0)),
        Leaf(NEW, rhythm(hours, 20_000) * np.where(has_new, 0.5, 0.0), {"quality": np.where(is_bad, 2.5, 1.0)}),
        # Search is worse than support, and has three times its traffic for some days.
        Leaf(
            SEARCH,
            rhythm(hours, 5_000) * np.where(is_mixed, 12.0, 1.0),
            {"error_rate": np.where(at >= _FAILING + _HOUR, 3.0, 1.0)},
            quality=0.75,
        ),
    ]
    event = told("prompt answer 5", time_of(_BAD + _HOUR), segment=SUPPORT)
    watch = Watch(World(leaves, rng, swing=0.25))
    early = watch.run(0, _HEALTHY)
    healthy = watch.run(_HEALTHY, _BAD)
    bad = watch.run(_BAD, _MIXED, [event])
    mixed = watch.run(_MIXED, _FAILING)
    failing = watch.run(_FAILING, _ACCEPTED)
    accepted = [one for one in failing if one.metric == "error_rate" and one.kind == "opened"]
    for one in accepted:
        watch.accept(one.incident)
    after = watch.run(_ACCEPTED, hours)
    return {
        "expected": {
            "nothing is found in the two weeks before": not healthy,
            "the bad version is found, once, where it is": [_where(one) for one in _opened(bad)] == [NEW],
            "the old version is named as unaffected": all(_values(OLD) in one.unaffected for one in _opened(bad)),
            "recovery is declared after it was mended": any(
                one.kind == "recovered" and one.at >= time_of(_MENDED) for one in bad
            ),
            "a change of the mix is told as that": [one.is_mix for one in _opened(mixed) if one.metric == "quality"]
            == [True],
            "errors of search are found where they are": [_where(one) for one in accepted] == [SEARCH],
            "after it was accepted nothing more is told": not after,
        },
        "told": [
            f"day {_day(one):.1f} {one.kind}: {one.headline}"
            for one in (*early, *healthy, *bad, *mixed, *failing, *after)
        ],
    }


def _is_in(at: np.ndarray[Any, np.dtype[np.int64]], begin: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    found: np.ndarray[Any, np.dtype[np.bool_]] = (at >= begin + _HOUR) & (at < _UNMIXED + _HOUR)
    return found


def _opened(found: list[Finding]) -> list[Finding]:
    return [one for one in found if one.kind not in OVER]


def _where(finding: Finding) -> tuple[str, ...]:
    return tuple(value for _, value in finding.segment)


def _values(leaf: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    names = ("environment", "feature", "model", "prompt_name", "prompt_version")
    return tuple(zip(names, leaf, strict=True))


def _day(finding: Finding) -> float:
    return (finding.at - time_of(0)).total_seconds() / 86400
