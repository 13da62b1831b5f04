"""What an alert does when: told by what its rule says at one moment after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alert_support import MINUTE, NOW, rule, step_of
from driftline_alerts.actions import Action
from driftline_alerts.evaluate import Outcome, Verdict
from driftline_alerts.rule import DRIFT
from driftline_alerts.state import acknowledged, decide
from driftline_alerts.transition import Known, Transition, take
from driftline_store.metrics_query import Reading

if TYPE_CHECKING:
    from driftline_alerts.rule import Rule
    from driftline_alerts.transition import Key

BAD, GOOD, HOLD, NOTHING = Verdict.BREACH, Verdict.OK, Verdict.HOLD, Verdict.NO_DATA
UNCOMPARED = Verdict.NO_BASELINE


@dataclass
class Alerts:
    """The alerts of one rule, minute by minute."""

    rule: Rule
    at: datetime = NOW
    pause: timedelta = MINUTE
    known: dict[Key, Known] = field(default_factory=dict)

    def look(self, *, critical: bool = False, minutes: float = 1, **verdicts: Verdict) -> list[Transition]:
        """What changes at the next look, by feature."""
        self.at += minutes * MINUTE
        outcomes = [self._outcome(name, verdict, critical=critical) for name, verdict in verdicts.items()]
        steps = decide(outcomes, [self.rule], self.known, self.at, self.pause)
        for step in steps:
            take(self.known, step)
        return steps

    def states(self, **verdicts: Verdict) -> list[str]:
        """The new states at the next look; those that nobody is told of in brackets."""
        return [
            step.state if step.is_news else f"({step.state})"
            for step in self.look(critical=False, minutes=1, **verdicts)
        ]

    def _outcome(self, name: str, verdict: Verdict, *, critical: bool) -> Outcome:
        values = {BAD: 9.0, GOOD: 1.0, HOLD: 2.8, NOTHING: None, UNCOMPARED: 9.0}
        reading = Reading(self.rule.definition, values[verdict], 30, None, None, (self.at, self.at))
        severity = "critical" if critical else self.rule.severity
        return Outcome(self.rule, (("feature", name),), verdict, reading, 3.0, severity)


def alerts(**values: Any) -> Alerts:
    return Alerts(rule(group_by="feature", **values))


def test_an_alert_fires_once_and_is_over_once() -> None:
    one = alerts()
    (fired,) = one.look(a=BAD)
    assert (fired.state, fired.started, fired.value, fired.threshold, fired.n) == ("firing", one.at, 9.0, 3.0, 30)
    assert one.look(a=BAD) == []
    (over,) = one.look(a=GOOD)
    assert (over.state, over.started, over.incident, over.value) == ("resolved", fired.started, fired.incident, 1.0)
    assert one.look(a=GOOD) == []


def test_a_breach_must_last_as_long_as_the_rule_says() -> None:
    one = alerts(**{"for": "3m"})
    began = one.at + MINUTE
    (pending,) = one.look(a=BAD)
    assert (pending.state, pending.is_news) == ("pending", False)
    assert [one.states(a=BAD) for _ in range(3)] == [[], [], ["firing"]]
    (known,) = one.known.values()
    assert (known.last.started, known.last.why) == (began, "for 3 min")
    assert known.last.incident == pending.incident, "one incident from its first sign on"
    other = alerts(**{"for": "3m"})
    assert [other.states(a=verdict) for verdict in (BAD, BAD, GOOD, BAD)] == [
        ["(pending)"],
        [],
        ["(calm)"],
        ["(pending)"],
    ]


def test_between_the_limits_nothing_begins_and_nothing_ends() -> None:
    one = alerts(recover=2)
    assert [one.states(a=verdict) for verdict in (HOLD, BAD, HOLD, GOOD)] == [[], ["firing"], [], ["resolved"]]


def test_an_alert_that_becomes_critical_is_news_once() -> None:
    one = alerts(critical=6)
    one.look(a=BAD)
    (worse,) = one.look(a=BAD, critical=True)
    assert (worse.state, worse.detail.severity, worse.is_news) == ("firing", "critical", True)
    assert one.look(a=BAD, critical=True) == []
    assert one.look(a=BAD) == [], "less bad is no news"


def test_an_alert_that_flaps_must_stay_right_for_longer_each_time() -> None:
    one = alerts()
    assert one.states(a=BAD) == ["firing"]
    assert one.states(a=GOOD) == ["resolved"], "the first time it is over at once"
    assert one.states(a=BAD) == ["firing"]
    assert one.states(a=GOOD) == ["(recovering)"]
    assert one.states(a=BAD) == ["(firing)"]
    assert one.states(a=GOOD) == ["(recovering)"]
    assert [one.states(a=GOOD) for _ in range(5)] == [[], [], [], [], ["resolved"]]
    assert one.states(a=BAD) == ["firing"]
    assert one.states(a=GOOD) == ["(recovering)"]
    assert [one.states(a=GOOD) for _ in range(10)] == [[]] * 9 + [["resolved"]]
    assert one.look(minutes=400, a=GOOD) == []
    assert [one.states(a=verdict) for verdict in (BAD, GOOD)] == [["firing"], ["resolved"]], (
        "six hours later it counts no more"
    )


def test_what_becomes_critical_while_it_recovers_is_news_and_stays_critical_until_it_is_over() -> None:
    one = alerts(critical=6)
    for verdict in (BAD, GOOD, BAD, GOOD):
        one.look(a=verdict)
    (worse,) = one.look(a=BAD, critical=True)
    assert (worse.state, worse.is_news, worse.detail.severity) == ("firing", True, "critical")
    (better,) = one.look(a=GOOD)
    assert (better.state, better.detail.severity) == ("recovering", "critical")
    (again,) = one.look(a=BAD)
    assert (again.state, again.is_news, again.detail.severity) == ("firing", False, "critical")


@pytest.mark.parametrize("lasts", ["5m", "15m"])
def test_segments_that_fire_together_are_one_incident_however_long_a_breach_must_last(lasts: str) -> None:
    one = alerts(**{"for": lasts})
    fired = [step for _ in range(20) for step in one.look(a=BAD, b=BAD, c=BAD) if step.state == "firing"]
    assert (len(fired), len({step.incident for step in fired})) == (3, 1)


def test_a_breach_that_was_not_seen_to_last_begins_anew() -> None:
    one = alerts(**{"for": "5m"})
    assert one.states(a=BAD) == ["(pending)"]
    assert one.states(a=NOTHING) == ["(calm)"]
    assert one.states(a=BAD) == ["(pending)"]
    assert one.states() == ["(calm)"], "nor is there a segment"
    one.look(a=BAD)
    assert [step.state for step in one.look(minutes=600, a=BAD)] == ["pending"], "we were away"
    assert [one.states(a=BAD) for _ in range(5)] == [[], [], [], [], ["firing"]]


def test_who_looks_once_an_hour_still_sees_that_a_breach_lasts() -> None:
    one = alerts(**{"for": "5m"})
    one.pause = timedelta(hours=1)
    assert [step.state for step in one.look(minutes=60, a=BAD)] == ["pending"]
    assert [step.state for step in one.look(minutes=60, a=BAD)] == ["firing"]


def test_an_hour_of_flapping_is_few_messages() -> None:
    one = alerts()
    news = [step for n in range(240) for step in one.look(minutes=0.25, a=BAD if n % 2 else GOOD) if step.is_news]
    assert len(news) <= 4


@pytest.mark.parametrize(
    ("no_data", "changes"), [("keep", []), ("resolve", [("resolved", "nothing comes any more")]), ("fire", [])]
)
def test_what_no_data_means_to_an_alert_that_fires(no_data: str, changes: list[tuple[str, str]]) -> None:
    one = alerts(no_data=no_data)
    one.look(a=BAD)
    assert [(step.state, step.why) for step in one.look(a=NOTHING)] == changes


@pytest.mark.parametrize("no_data", ["keep", "resolve", "fire"])
def test_without_a_baseline_nothing_begins_and_nothing_ends(no_data: str) -> None:
    one = alerts(no_data=no_data, **{"for": "2m"})
    assert one.states(a=UNCOMPARED) == []
    assert [one.states(a=verdict) for verdict in (BAD, UNCOMPARED)] == [["(pending)"], ["(calm)"]]
    assert [one.states(a=verdict) for verdict in (BAD, BAD, BAD, UNCOMPARED)] == [["(pending)"], [], ["firing"], []]


@pytest.mark.parametrize("no_data", ["keep", "resolve", "fire"])
def test_a_segment_that_is_not_looked_at_any_more_ends_its_alert(no_data: str) -> None:
    one = alerts(no_data=no_data)
    one.look(a=BAD)
    (over,) = one.look()
    assert (over.state, over.why) == ("resolved", "nothing has come for 24 h")
    assert math.isnan(over.value)


def test_no_data_fires_if_the_rule_says_so() -> None:
    one = alerts(no_data="fire")
    (fired,) = one.look(a=NOTHING)
    assert (fired.state, fired.why) == ("firing", "nothing comes any more")
    assert math.isnan(fired.value)


def test_segments_that_fire_together_are_one_incident_and_later_ones_another() -> None:
    one = alerts()
    first = one.look(a=BAD, b=BAD)
    joined = one.look(minutes=5, a=BAD, b=BAD, c=BAD)
    assert len({step.incident for step in first + joined}) == 1
    (later,) = one.look(minutes=10, a=BAD, b=BAD, c=BAD, d=BAD)
    assert later.incident not in {step.incident for step in first}
    one.look(a=GOOD, b=GOOD, c=GOOD, d=GOOD)
    (again,) = one.look(a=BAD)
    assert again.incident not in {first[0].incident, later.incident}


def found_by_drift(**changes: Any) -> Transition:
    """What drift detection told of the metric of the rule, of a part of feature a."""
    step = step_of(state="acknowledged", environment="prod", feature="a", prompt_version="v2")
    return replace(step, **{"rule": f"{DRIFT}latency p95 (d1)", "incident": "d1"} | changes)


def test_what_drift_detection_has_told_and_a_rule_says_too_is_one_incident() -> None:
    for lasts in ({}, {"for": "2m"}):
        one = alerts(**lasts)
        take(one.known, found_by_drift())
        fired = [step for _ in range(4) for step in one.look(a=BAD) if step.state == "firing"]
        assert [step.incident for step in fired] == ["d1"]
        assert {step.incident for step in one.look(a=GOOD)} == {"d1"}


def test_a_metric_that_moved_beside_it_is_known_too() -> None:
    one = alerts()
    step = step_of()
    detail = step.detail.model_copy(update={"side": "below", "beside": {"latency_p95": "Latency p95 rose"}})
    take(one.known, found_by_drift(metric="quality", detail=detail))
    assert [step.incident for step in one.look(a=BAD)] == ["d1"]


def test_what_drift_detection_has_not_told_is_an_incident_of_its_own() -> None:
    below = step_of().detail.model_copy(update={"side": "below"})
    others = {
        "another place": found_by_drift(segment=(("environment", "prod"), ("feature", "b"))),
        "another metric": found_by_drift(metric="quality"),
        "the other direction": found_by_drift(detail=below),
        "long ago": found_by_drift(at=NOW - timedelta(hours=25)),
        "over": found_by_drift(state="resolved"),
        "no finding": found_by_drift(rule="another rule"),
    }
    for why, step in others.items():
        one = alerts()
        take(one.known, step)
        fired = [step for step in one.look(a=BAD) if step.state == "firing"]
        assert [step.incident == "d1" for step in fired] == [False], why


def test_two_who_act_on_the_same_state_take_the_same_step() -> None:
    one, other = alerts(), alerts()
    other.at += timedelta(seconds=1)
    assert one.look(a=BAD)[0].id == other.look(a=BAD)[0].id
    assert one.look(a=GOOD)[0].id == other.look(a=GOOD)[0].id


def test_a_clock_that_was_set_back_does_not_hide_the_latest_state() -> None:
    one = alerts()
    (fired,) = one.look(a=BAD)
    (over,) = one.look(minutes=-5, a=GOOD)
    assert over.at > fired.at


def test_an_alert_whose_rule_is_gone_or_asks_something_else_is_over() -> None:
    one = alerts()
    one.look(a=BAD)
    for rules in ([], [rule(group_by="model")], [rule(group_by="feature", metric="latency_p99")]):
        (over,) = decide([], rules, one.known, one.at, MINUTE)
        assert (over.state, over.is_news) == ("resolved", True)
        assert "removed or changed" in over.why
        assert math.isnan(over.value)
    found_by_drift = replace(step_of(), rule=f"{DRIFT}quality (abc)")
    assert decide([], [], {found_by_drift.key: Known(found_by_drift)}, one.at, MINUTE) == []


def test_somebody_acknowledges_what_fires_and_what_comes_later_is_news_again() -> None:
    one = alerts(critical=6)
    first = one.look(a=BAD, b=BAD)
    action = Action("acknowledge", "anna", incident=first[0].incident, why="on it", at=one.at + MINUTE)
    steps = acknowledged([action], one.known, one.at + 2 * MINUTE)
    assert [(step.state, step.actor, step.why, step.is_news) for step in steps] == [
        ("acknowledged", "anna", "on it", True)
    ] * 2
    for step in steps:
        take(one.known, step)
    assert acknowledged([action], one.known, one.at + 3 * MINUTE) == [], "once"
    one.at += 3 * MINUTE
    (worse,) = one.look(a=BAD, b=HOLD, critical=True)
    assert (worse.state, worse.actor) == ("firing", "driftline")
    take(one.known, worse)
    assert acknowledged([action], one.known, one.at + MINUTE) == [], "that was about what was known then"
    assert one.states(a=GOOD, b=GOOD) == ["resolved", "resolved"]
