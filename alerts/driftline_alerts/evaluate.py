"""All rules at one moment: which segments breach, which are fine, and where there is no data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

from driftline_store.metrics import DIMENSIONS, METRICS
from driftline_store.metrics_query import Reading, current_instrument, query_metrics, readings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta

    import pandas as pd
    from clickhouse_connect.driver.client import Client

    from driftline_alerts.rule import Rule

Segment = tuple[tuple[str, str], ...]
"""Dimensions and their values, coarse to fine; empty for everything."""


class Verdict(Enum):
    """What a rule says about a segment."""

    BREACH = "breach"
    OK = "ok"
    NO_DATA = "no data"


@dataclass(frozen=True)
class Outcome:
    """A rule's verdict on one segment.

    Attributes:
        reading: of the window.
        threshold: in the metric's unit; None where a relative rule has nothing to compare with.
        baseline: of the time before the window, for relative rules; a total is scaled to the window's length.
    """

    rule: Rule
    segment: Segment
    verdict: Verdict
    reading: Reading
    threshold: float | None
    baseline: Reading | None = None


@dataclass(frozen=True)
class _Question:
    """What one statement can answer for many rules."""

    since: datetime
    until: datetime
    by: tuple[str, ...]
    where: Segment
    latest: tuple[datetime, datetime]
    """The window whose judge counts, so that a baseline is compared with scores of the same instrument."""


def evaluate(client: Client, rules: Iterable[Rule], now: datetime) -> list[Outcome]:
    """Judge every rule on the windows that end at ``now``; one statement per window and set of segments.

    Segments without a row in the window are left out: nothing is known about them.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    rules = list(rules)
    asked: dict[_Question, set[str]] = {}
    for rule in rules:
        for question in _questions(rule, now):
            asked.setdefault(question, set()).add(rule.metric)
    frames = {question: _ask(client, question, names) for question, names in asked.items()}
    return [outcome for rule in rules for outcome in _judge(rule, now, frames)]


def _questions(rule: Rule, now: datetime) -> list[_Question]:
    since = now - rule.window
    where = tuple(rule.where.items())
    windows = [(since, now)]
    if rule.baseline is not None:
        windows.append((since - rule.baseline, since))
    return [_Question(start, end, rule.group_by, where, latest=(since, now)) for start, end in windows]


def _ask(client: Client, question: _Question, names: Iterable[str]) -> pd.DataFrame:
    instrument = None
    if question.until != question.latest[1] and any(METRICS[name].is_judged for name in names):
        since, until = question.latest
        instrument = current_instrument(client, since=since, until=until, where=dict(question.where))
    return query_metrics(
        client,
        sorted(names),
        since=question.since,
        until=question.until,
        by=question.by,
        where=dict(question.where),
        instrument=instrument,
    )


def _judge(rule: Rule, now: datetime, frames: Mapping[_Question, pd.DataFrame]) -> list[Outcome]:
    window, *before = (_by_segment(rule, question, frames[question]) for question in _questions(rule, now))
    baselines = before[0] if before else {}
    return [_verdict(rule, segment, reading, baselines.get(segment)) for segment, reading in window.items()]


def _by_segment(rule: Rule, question: _Question, frame: pd.DataFrame) -> dict[Segment, Reading]:
    values = readings(frame, rule.metric, since=question.since, until=question.until)
    groups = frame[list(rule.group_by)].to_dict("records") if rule.group_by else [{}] * len(values)
    return {_segment(rule, group): reading for group, reading in zip(groups, values, strict=True)}


def _segment(rule: Rule, group: Mapping[Any, Any]) -> Segment:
    both = {**rule.where, **group}
    return tuple((name, str(both[name])) for name in DIMENSIONS if name in both)


def _verdict(rule: Rule, segment: Segment, reading: Reading, baseline: Reading | None) -> Outcome:
    if baseline is not None:
        baseline = _scaled(baseline, rule)
    threshold = _threshold(rule, baseline)
    value = reading.value
    if value is None and rule.min_n == 0 and rule.definition.is_count:
        value, reading = 0.0, replace(reading, value=0.0)  # asked for: nothing seen is truly 0
    if value is None or threshold is None or reading.n < rule.min_n:
        verdict = Verdict.NO_DATA
    else:
        verdict = Verdict.BREACH if rule.breaches(value, threshold) else Verdict.OK
    return Outcome(rule, segment, verdict, reading, threshold, baseline)


def _scaled(baseline: Reading, rule: Rule) -> Reading:
    """A total over a longer time, as what it would be over the window."""
    if baseline.value is None or rule.definition.over_time != "total":
        return baseline
    start, end = baseline.window
    return replace(baseline, value=baseline.value * (rule.window / (end - start)))


def _threshold(rule: Rule, baseline: Reading | None) -> float | None:
    if not rule.limit.relative:
        return rule.limit.number
    if baseline is None or not baseline.value or baseline.n < rule.min_n:
        return None  # no multiple of 0 or of nothing says anything
    return rule.limit.number * baseline.value


def window_name(window: timedelta) -> str:
    """A whole number of minutes as ``15 min``, ``24 h`` or ``7 days``."""
    minutes = round(window.total_seconds() / 60)
    if minutes % 1440 == 0 and minutes > 1440:
        return f"{minutes // 1440} days"
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"
