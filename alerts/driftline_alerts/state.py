"""From what rules say at one moment to the steps that alerts take."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.detail import Detail
from driftline_alerts.digest import SHORT, digest
from driftline_alerts.evaluate import Verdict, remembered, window_name
from driftline_alerts.rule import DRIFT
from driftline_alerts.transition import OPEN, Transition, after, step_id, take

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from driftline_alerts.actions import Action
    from driftline_alerts.evaluate import Outcome
    from driftline_alerts.rule import Rule
    from driftline_alerts.transition import Key, Known, State

_TOGETHER: Final = timedelta(minutes=10)
"""Segments of a rule that begin to fire within so long of each other are one incident."""
_SAME: Final = timedelta(hours=24)
"""What is first in a rule's window so long after drift detection last told of the same metric is something new."""
_CALM: Final = timedelta(minutes=5)
"""How long an alert that was over once in ``REMEMBERED`` must be right again before it is over; each further time
doubles it."""
_CALMEST: Final = timedelta(hours=1)


def decide(
    outcomes: Iterable[Outcome],
    rules: Iterable[Rule],
    known: Mapping[Key, Known],
    now: datetime,
    pause: timedelta,
) -> list[Transition]:
    """The steps that are due.

    An alert whose rule is gone, or has other dimensions now, is resolved too: nothing could resolve it later.

    Args:
        outcomes: of all rules, at this moment.
        rules: those in force.
        known: of every alert.
        now: aware.
        pause: between two looks, as a rule.
    """
    round_ = _Round(now, dict(known), pause)
    by_name = {rule.name: rule for rule in rules}
    seen = set()
    for outcome in outcomes:
        seen.add((outcome.rule.name, outcome.segment))
        round_.judge(outcome)
    for key, one in known.items():
        if one.last.rule.startswith(DRIFT) or one.last.state in {"calm", "resolved"}:
            continue
        if not _belongs(one.last, by_name):
            round_.withdraw(one.last)
        elif key not in seen:
            round_.forget(one.last, by_name[one.last.rule])
    return round_.steps


def acknowledged(wanted: Iterable[Action], known: Mapping[Key, Known], now: datetime) -> list[Transition]:
    """The steps that people take: what fires, and they have seen since."""
    return [
        one.last.next("acknowledged", now, actor=action.by, why=action.why)
        for action in wanted
        if action.kind == "acknowledge"
        for one in known.values()
        if one.last.state in {"firing", "recovering"}
        and one.last.at <= action.at
        and action.concerns(one.last.incident, one.last.rule, one.last.segment)
    ]


@dataclass
class _Round:
    """One look at all rules."""

    now: datetime
    known: dict[Key, Known]
    pause: timedelta

    def __post_init__(self) -> None:
        self.steps: list[Transition] = []

    def judge(self, outcome: Outcome) -> None:
        """Let an alert follow what its rule says."""
        rule, key = outcome.rule, (outcome.rule.name, outcome.segment)
        before = self.known[key].last if key in self.known else None
        verdict = _VERDICTS[rule.no_data] if outcome.verdict is Verdict.NO_DATA else outcome.verdict
        why = _WHY.get(outcome.verdict, "")
        if verdict is Verdict.BREACH:
            self._breach(outcome, before, why)
        elif before is None:
            return
        elif before.state == "pending":  # also where there is nothing: that it lasts cannot be known
            self._take(_told(before.next("calm", self.now, why=why, is_news=False), outcome))
        elif verdict is Verdict.OK and before.state in OPEN:
            self._right_again(before, why, outcome)

    def forget(self, before: Transition, rule: Rule) -> None:
        """Nothing has come of a segment that was wrong for so long that it is not looked at any more."""
        gone, why = replace(before, value=math.nan, n=0), f"nothing has come for {window_name(remembered(rule))}"
        if before.state == "pending":
            self._take(gone.next("calm", self.now, why=why, is_news=False))
        else:
            self._right_again(gone, why)

    def withdraw(self, before: Transition) -> None:
        """Nothing watches it any more."""
        state: State = "calm" if before.state == "pending" else "resolved"
        detail = before.detail.withdrawn()
        gone = replace(before, value=math.nan, n=0, detail=detail)
        self._take(gone.next(state, self.now, why=detail.note, is_news=state == "resolved"))

    def _breach(self, outcome: Outcome, before: Transition | None, why: str) -> None:
        rule, state = outcome.rule, before.state if before else "calm"
        was = before.detail.severity if before else ""
        if before and state in OPEN and outcome.severity == "critical" != was:
            self._take(_told(before.next("firing", self.now, why="it has become critical"), outcome))
        elif before and state == "recovering":
            step = _told(before.next("firing", self.now, why="wrong again", is_news=False), outcome)
            self._take(_as_grave(step, before))
        elif before and state in OPEN:
            return
        elif rule.for_ and not self._is_pending(rule, before):
            self._take(self._begin(outcome, "pending", before, self.now, is_news=False, why=why))
        elif not (before and state == "pending"):
            self._take(self._begin(outcome, "firing", before, self.now, why=why))
        elif self.now - before.started >= rule.for_:
            lasted = why or f"for {window_name(rule.for_)}"
            self._take(self._begin(outcome, "firing", before, before.started, why=lasted))

    def _right_again(self, before: Transition, why: str, outcome: Outcome | None = None) -> None:
        times = self.known[before.key].times_over(self.now)
        calm = min(_CALM * 2 ** (times - 1), _CALMEST) if times else timedelta(0)
        since = before.at if before.state == "recovering" else self.now
        if self.now - since >= calm:
            step = before.next("resolved", self.now, why=why)
        elif before.state == "recovering":
            return
        else:
            words = f"it was over before, and was not: now it must stay right for {window_name(calm)}"
            step = before.next("recovering", self.now, why=words, is_news=False)
        self._take(_as_grave(_told(step, outcome), before))

    def _is_pending(self, rule: Rule, before: Transition | None) -> bool:
        """Whether it broke the limit lately: what did so before we were away says nothing."""
        longest = rule.for_ + _TOGETHER + self.pause
        return before is not None and before.state == "pending" and self.now - before.started < longest

    def _begin(
        self,
        outcome: Outcome,
        state: State,
        before: Transition | None,
        started: datetime,
        *,
        why: str,
        is_news: bool = True,
    ) -> Transition:
        key = (outcome.rule.name, outcome.segment)
        at = after(before, self.now)
        return Transition(
            id=step_id(key, state, before),
            incident=self._incident(outcome, at, before),
            rule=outcome.rule.name,
            segment=outcome.segment,
            state=state,
            at=at,
            started=min(started, at),
            metric=outcome.rule.metric,
            why=why,
            is_news=is_news,
            **_figures(outcome),
        )

    def _incident(self, outcome: Outcome, at: datetime, before: Transition | None) -> str:
        """That of segments of the rule which began just now, or of what drift detection has told of the same thing.

        Else the one that it is pending for, or a new one.
        """
        rule, key = outcome.rule, (outcome.rule.name, outcome.segment)
        open_ = [one.last for one in self.known.values() if one.last.state in OPEN]
        together = [one for one in open_ if one.rule == rule.name and self.now - one.started < _TOGETHER + rule.for_]
        drifts = [one for one in open_ if self.now - one.at < _SAME + rule.window and _is_of_drift(outcome, one)]
        if known := together or drifts:
            return min(known, key=lambda one: one.started).incident
        return before.incident if before and before.state == "pending" else digest(*key, str(at), length=SHORT)

    def _take(self, step: Transition) -> None:
        self.steps.append(step)
        take(self.known, step)


def _as_grave(step: Transition, before: Transition) -> Transition:
    """Until it is over, an alert is as grave as it was."""
    return replace(step, detail=step.detail.model_copy(update={"severity": before.detail.severity}))


def _is_of_drift(outcome: Outcome, step: Transition) -> bool:
    """Whether what breaks a rule is what drift detection found: the metric, the direction, and a place in common."""
    metric, place = outcome.rule.metric, dict(step.segment)
    is_metric = metric in step.detail.beside or (metric, Detail.of(outcome).side) == (step.metric, step.detail.side)
    is_place = all(place.get(name, value) == value for name, value in outcome.segment)
    return step.rule.startswith(DRIFT) and is_metric and is_place


_WHY: Final = {
    Verdict.NO_DATA: "nothing comes any more",
    Verdict.NO_BASELINE: "there is nothing to compare with any more",
}
_VERDICTS: Final = {"keep": Verdict.NO_DATA, "resolve": Verdict.OK, "fire": Verdict.BREACH}
"""What no data count as."""


def _told(step: Transition, outcome: Outcome | None) -> Transition:
    """The step with the figures of the moment."""
    return replace(step, **_figures(outcome)) if outcome else step


def _figures(outcome: Outcome) -> dict[str, Any]:
    reading = outcome.reading
    return {
        "value": math.nan if reading.value is None or outcome.verdict is Verdict.NO_DATA else reading.value,
        "threshold": math.nan if outcome.threshold is None else outcome.threshold,
        "n": reading.n,
        "detail": Detail.of(outcome),
    }


def _belongs(state: Transition, rules: Mapping[str, Rule]) -> bool:
    rule = rules.get(state.rule)
    if rule is None or rule.metric != state.metric:
        return False
    segment = dict(state.segment)
    return tuple(segment) == rule.dimensions and all(segment[name] == rule.where[name] for name in rule.where)
