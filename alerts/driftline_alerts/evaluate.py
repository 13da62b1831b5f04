"""All rules at one moment: which segments breach, which are fine, and where there is no data."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Final

from driftline_alerts.readings import Asked, ask
from driftline_store.grouping import Segment
from driftline_store.metrics import OTHER
from driftline_store.metrics_query import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.readings import Read
    from driftline_alerts.rule import Rule, Severity

__all__ = ["Outcome", "Segment", "Verdict", "evaluate", "window_name"]

_VERSION: Final = "prompt_version"
_ANY: Final = "requests"
"""Any metric has all segments of which there are rows."""
_WEEK: Final = timedelta(days=7)
_REMEMBERED: Final = timedelta(hours=24)
"""How long a segment is looked at of which nothing comes any more: longer than a quiet night, and short enough that a
prompt version that was rolled back does not fire for days."""


class Verdict(Enum):
    """What a rule says about a segment."""

    BREACH = "breach"
    OK = "ok"
    HOLD = "hold"
    """Between the limit and the one of recovery: what fires goes on, what does not fire stays calm."""
    NO_DATA = "no data"
    NO_BASELINE = "no baseline"
    """Nothing to compare with, or too little: what fires goes on, what does not fire stays calm."""


@dataclass(frozen=True)
class Outcome:
    """A rule's verdict on one segment.

    Attributes:
        reading: of the window.
        threshold: of the limit that is broken, else the rule's first, in the metric's unit; None where a relative rule
            has nothing to compare with.
        severity: of the limit that is broken, else the rule's.
        baseline: what a relative rule compares with; a total is scaled to the window's length.
    """

    rule: Rule
    segment: Segment
    verdict: Verdict
    reading: Reading
    threshold: float | None
    severity: Severity
    baseline: Reading | None = None


def evaluate(client: Client, rules: Iterable[Rule], now: datetime) -> list[Outcome]:
    """Judge every rule on the windows that end at ``now``.

    Segments without a row for so long as ``remembered`` says are left out: nothing is known about them.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    rules = list(rules)
    read = ask(client, [one for rule in rules for one in (*asked(rule, now), *_seen(rule, now))])
    return [outcome for rule in rules for outcome in judge(rule, now, read)]


def asked(rule: Rule, now: datetime) -> list[Asked]:
    """What a rule has to read: its window, and where it compares with another time, that."""
    since, where = now - rule.window, tuple(rule.where.items())
    spans = [(since, now)]
    if isinstance(rule.baseline, timedelta):
        spans.append((since - rule.baseline, since))
    elif rule.baseline == "last week":
        spans.append((since - _WEEK, now - _WEEK))
    return [Asked(rule.metric, rule.dimensions, where, span, latest=(since, now)) for span in spans]


def remembered(rule: Rule) -> timedelta:
    """For how long a segment of which nothing comes is looked at: as far back as a count is compared with."""
    longest = max(rule.window, _REMEMBERED)
    if not rule.counts_nothing or rule.baseline is None:
        return longest
    return max(longest, rule.baseline if isinstance(rule.baseline, timedelta) else _WEEK)


def _seen(rule: Rule, now: datetime) -> list[Asked]:
    """What tells which segments there were lately, where the window does not."""
    if not rule.group_by or remembered(rule) == rule.window:
        return []
    since = now - remembered(rule)
    return [Asked(_ANY, rule.dimensions, tuple(rule.where.items()), (since, now), latest=(since, now))]


def judge(rule: Rule, now: datetime, read: Read) -> list[Outcome]:
    """A rule's verdicts on what was read."""
    window, *before = (read(one) for one in asked(rule, now))
    if rule.baseline == "other version":
        before = [_other_versions(window)]
    baselines = before[0] if before else {}
    expected = [] if rule.group_by else [tuple(rule.where.items())]
    if rule.counts_nothing:
        expected += baselines
    expected += (segment for one in _seen(rule, now) for segment in read(one))
    if missing := [segment for segment in expected if segment not in window]:
        value = 0.0 if rule.counts_nothing else None
        nothing = Reading(rule.definition, value, 0, None, None, (now - rule.window, now))
        window = {**window, **dict.fromkeys(missing, nothing)}
    return [_outcome(rule, segment, reading, baselines.get(segment)) for segment, reading in window.items()]


def _other_versions(window: Mapping[Segment, Reading]) -> dict[Segment, Reading]:
    """For each segment, of those that differ in the prompt version alone, the one with most n."""
    alike: dict[Segment, list[tuple[Segment, Reading]]] = defaultdict(list)
    for segment, reading in window.items():
        if (_VERSION, OTHER) not in segment:  # which is not one version
            alike[_without_version(segment)].append((segment, reading))
    for group in alike.values():
        group.sort(key=lambda one: one[1].n, reverse=True)
    found = {}
    for segment in window:
        others = (reading for other, reading in alike[_without_version(segment)][:2] if other != segment)
        if most := next(others, None):
            found[segment] = most
    return found


def _without_version(segment: Segment) -> Segment:
    return tuple(pair for pair in segment if pair[0] != _VERSION)


def _outcome(rule: Rule, segment: Segment, reading: Reading, baseline: Reading | None) -> Outcome:
    if baseline is not None:
        baseline = _scaled(baseline, rule)
    if reading.value is None and rule.counts_nothing:
        reading = replace(reading, value=0.0)
    level = baseline.value if baseline is not None and baseline.n >= rule.min_n else None
    threshold = rule.limit.threshold(level)
    # A version that is not used may never be again, so to wait for it would be to wait for ever.
    is_alone = threshold is None and rule.baseline == "other version"
    if reading.value is None or reading.n < rule.window_n or is_alone:
        return Outcome(rule, segment, Verdict.NO_DATA, reading, threshold, rule.severity, baseline)
    if threshold is None:
        return Outcome(rule, segment, Verdict.NO_BASELINE, reading, threshold, rule.severity, baseline)
    if rule.breaches(reading.value, threshold):
        beyond = rule.critical.threshold(level) if rule.critical else None
        if beyond is not None and rule.breaches(reading.value, beyond):
            return Outcome(rule, segment, Verdict.BREACH, reading, beyond, "critical", baseline)
        return Outcome(rule, segment, Verdict.BREACH, reading, threshold, rule.severity, baseline)
    back = rule.recover.threshold(level) if rule.recover else None
    verdict = Verdict.HOLD if back is not None and rule.breaches(reading.value, back) else Verdict.OK
    return Outcome(rule, segment, verdict, reading, threshold, rule.severity, baseline)


def _scaled(baseline: Reading, rule: Rule) -> Reading:
    """A total over a longer time, as what it would be over the window."""
    if baseline.value is None or rule.definition.over_time != "total":
        return baseline
    start, end = baseline.window
    return replace(baseline, value=baseline.value * (rule.window / (end - start)))


def window_name(window: timedelta) -> str:
    """A whole number of minutes as ``15 min``, ``24 h`` or ``7 days``."""
    minutes = round(window.total_seconds() / 60)
    if minutes % 1440 == 0 and minutes > 1440:
        return f"{minutes // 1440} days"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
