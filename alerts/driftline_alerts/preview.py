"""What rules would have done: evaluated again over what is stored, moment by moment, with the worker's own steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from driftline_alerts.evaluate import evaluate
from driftline_alerts.state import decide
from driftline_alerts.transition import OPEN, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.evaluate import Segment
    from driftline_alerts.rule import Rule, Severity
    from driftline_alerts.transition import Key, Known, Transition


@dataclass(frozen=True)
class Episode:
    """One time that an alert fired, or nearly.

    Attributes:
        began: since when something was wrong.
        fired: when people would have been told; None where it did not last for long enough.
        ended: None where it goes on.
        severity: the highest.
        value: in the metric's unit, when it began.
        threshold: likewise.
        n: what the value is based on.
    """

    rule: str
    segment: Segment
    began: datetime
    fired: datetime | None
    ended: datetime | None
    severity: Severity
    value: float
    threshold: float
    n: int


def replay(
    client: Client, rules: Iterable[Rule], moments: Iterable[datetime], told: Callable[[datetime], object]
) -> list[Episode]:
    """What would have fired, with nothing firing at the beginning.

    What rules ask of Driftline itself is not stored for long, so those rules have to be left out.

    Args:
        client: of the store.
        rules: to try.
        moments: at which they are evaluated, ascending and evenly.
        told: called with each of them once it is done.

    Raises:
        StoreError: the store is away or fails a statement.
    """
    rules, moments = list(rules), list(moments)
    pause = moments[1] - moments[0] if len(moments) > 1 else timedelta(0)
    known: dict[Key, Known] = {}
    steps: list[Transition] = []
    for now in moments:
        for step in decide(evaluate(client, rules, now), rules, known, now, pause):
            take(known, step)
            steps.append(step)
        told(now)
    return sorted(_episodes(steps), key=lambda one: (one.rule, one.segment, one.began))


def moments(since: datetime, until: datetime, every: timedelta) -> list[datetime]:
    """Times in a range, ``every`` so long, that end with its end."""
    number = int((until - since) / every)
    return [until - every * left for left in reversed(range(number))]


def _episodes(steps: Iterable[Transition]) -> Iterator[Episode]:
    """The steps of each alert, in their order, as times that it was wrong."""
    going: dict[Key, Episode] = {}
    for step in steps:
        episode = going.get(step.key)
        if episode is None:
            figures = (step.detail.severity, step.value, step.threshold, step.n)
            episode = Episode(step.rule, step.segment, step.started, None, None, *figures)
        if step.state in OPEN and episode.fired is None:
            episode = replace(episode, fired=step.at)
        if step.detail.severity == "critical":
            episode = replace(episode, severity="critical")
        going[step.key] = episode
        if step.state in {"calm", "resolved"}:
            yield replace(going.pop(step.key), ended=step.at)
    yield from going.values()
