"""Verdicts per segment, against the real store."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import MagicMock

import pytest

from alert_support import MINUTE, NOW, put, put_requests, put_scores, rule
from driftline_alerts import readings as module
from driftline_alerts.alerts_file import default_rules
from driftline_alerts.evaluate import Outcome, Verdict, evaluate, judge, window_name
from driftline_store.grouping import Grouping
from driftline_store.metrics import METRICS
from driftline_store.metrics_query import Reading
from driftline_store.metrics_sets import Answer, query_sets

if TYPE_CHECKING:
    from driftline_alerts.evaluate import Segment
    from driftline_alerts.readings import Asked
    from driftline_alerts.rule import Rule
    from driftline_store.client import Client


def verdicts(client: Client, *rules: Rule) -> dict[tuple[str, ...], str]:
    return {
        (outcome.rule.name, *(value for _, value in outcome.segment)): outcome.verdict.value
        for outcome in evaluate(client, rules, NOW)
    }


def only(client: Client, one: Rule) -> Outcome:
    (outcome,) = evaluate(client, [one], NOW)
    return outcome


def test_each_segment_is_judged_by_itself(client: Client) -> None:
    put_requests(client, 5.0, 30, feature="search", model="a")
    put_requests(client, 1.0, 30, feature="search", model="b")
    put_requests(client, 9.0, 30, feature="chat", model="a")
    put_requests(client, 9.0, 19, feature="chat", model="b")
    grouped = rule(group_by=["model", "feature"])
    assert verdicts(client, grouped) == {
        ("slow", "search", "a"): "breach",
        ("slow", "search", "b"): "ok",
        ("slow", "chat", "a"): "breach",
        ("slow", "chat", "b"): "no data",
    }
    filtered = rule(group_by="model", where={"feature": "search"})
    assert verdicts(client, filtered) == {("slow", "search", "a"): "breach", ("slow", "search", "b"): "ok"}
    assert verdicts(client, rule(group_by="model", where={"feature": "' OR 1 = 1 --"})) == {}


def test_only_the_window_counts(client: Client) -> None:
    put_requests(client, 9.0, 30, at=NOW - 20 * MINUTE)
    put_requests(client, 1.0, 30, at=NOW - 14 * MINUTE)
    assert verdicts(client, rule()) == {("slow",): "ok"}
    assert verdicts(client, rule(window="30m")) == {("slow",): "breach"}


def test_too_few_and_none_are_no_data(client: Client) -> None:
    assert only(client, rule()).verdict is Verdict.NO_DATA
    put_requests(client, 9.0, 19)
    assert only(client, rule()).verdict is Verdict.NO_DATA
    assert only(client, rule(min_n=19)).verdict is Verdict.BREACH
    assert only(client, rule(metric="satisfaction", below=0.5, min_n=0)).verdict is Verdict.NO_DATA


def test_the_absence_of_requests_can_be_asked_for(client: Client) -> None:
    quiet = rule(metric="requests", below=1, min_n=0)
    assert only(client, quiet).verdict is Verdict.BREACH
    put_requests(client, 1.0, 1)
    assert only(client, quiet).verdict is Verdict.OK
    assert only(client, rule(metric="requests", below=10)).verdict is Verdict.NO_DATA


def test_rates_and_quality_carry_their_interval(client: Client) -> None:
    put(client, requests=200, request_errors=20)
    errors = only(client, rule(metric="error_rate", above="5%"))
    assert (errors.verdict, errors.threshold, errors.reading.n) == (Verdict.BREACH, 0.05, 200)
    assert [errors.reading.low, errors.reading.high] == pytest.approx([0.0656, 0.1494], abs=1e-3)
    put_scores(client, [0.7, 0.9] * 50)
    quality = only(client, rule(metric="quality", below=0.85, min_n=100))
    assert quality.verdict is Verdict.BREACH
    # Wilson's for 100 answers over a design effect of (1 + 1.92) / (16 + 1.92).
    assert [quality.reading.value, quality.reading.low, quality.reading.high] == pytest.approx(
        [0.8, 0.7665, 0.8297], abs=1e-3
    )


COST = {"metric": "cost_per_request", "window": "1h", "baseline": "24h"}


@pytest.mark.parametrize(("now", "verdict"), [(0.021, "breach"), (0.019, "ok")])
def test_a_factor_multiplies_the_value_before_the_window(client: Client, now: float, verdict: str) -> None:
    put(client, NOW - timedelta(hours=24, minutes=30), requests=100, calls=100, cost=0.5)
    put(client, NOW - timedelta(hours=2), requests=100, calls=100, cost=1.5)
    put(client, NOW - timedelta(hours=26), requests=100, calls=100, cost=900)  # too old
    put(client, NOW - MINUTE, requests=100, calls=100, cost=100 * now)
    found = only(client, rule(above="2x", **COST))
    assert found.verdict.value == verdict
    assert found.baseline is not None
    assert [found.threshold, found.baseline.value, found.baseline.n] == pytest.approx([0.02, 0.01, 200])


def test_without_a_baseline_a_factor_says_nothing(client: Client) -> None:
    one = rule(above="2x", **COST)
    put(client, requests=100, calls=100, cost=9)
    assert only(client, one).verdict is Verdict.NO_BASELINE
    put(client, NOW - timedelta(hours=2), requests=19, calls=19, cost=0.1)
    assert only(client, one).verdict is Verdict.NO_BASELINE  # fewer than min_n
    put(client, NOW - timedelta(hours=2), requests=1, calls=1, cost=0)
    assert only(client, one).verdict is Verdict.BREACH
    client.command("TRUNCATE TABLE llm_rollups")
    put(client, NOW - timedelta(hours=2), requests=100, calls=100, cost=0)
    put(client, requests=100, calls=100, cost=9)
    assert only(client, one).verdict is Verdict.NO_BASELINE  # every multiple of 0 is 0
    client.command("TRUNCATE TABLE llm_rollups")
    assert only(client, one).verdict is Verdict.NO_DATA


def test_totals_are_compared_over_equal_times(client: Client) -> None:
    put(client, NOW - timedelta(hours=5), requests=240)
    put(client, requests=24)
    surge = rule(metric="requests", window="1h", baseline="24h", above="2x", min_n=1)
    found = only(client, surge)
    assert found.verdict is Verdict.BREACH
    assert found.threshold == pytest.approx(20)
    half = rule(metric="requests", window="1h", baseline="24h", below="0.5x", min_n=1)
    assert only(client, half).verdict is Verdict.OK


FALLEN = {"metric": "quality", "window": "1h", "below": "0.05 less", "baseline": "last week", "min_n": 30}


def test_last_week_is_the_same_window_seven_days_ago(client: Client) -> None:
    put_scores(client, [0.9] * 40, at=NOW - timedelta(days=7, minutes=30))
    put_scores(client, [0.2] * 40, at=NOW - timedelta(days=7, minutes=61))  # before that window
    put_scores(client, [0.2] * 40, at=NOW - timedelta(days=7) + MINUTE)  # after it
    put_scores(client, [0.84] * 40)
    found = only(client, rule(**FALLEN))
    assert found.verdict is Verdict.BREACH
    assert found.threshold == pytest.approx(0.85)
    assert found.baseline is not None
    assert found.baseline.window == (NOW - timedelta(days=7, hours=1), NOW - timedelta(days=7))
    assert only(client, rule(**{**FALLEN, "below": "0.07 less"})).verdict is Verdict.OK
    assert only(client, rule(**{**FALLEN, "min_n": 41})).verdict is Verdict.NO_DATA


def test_a_version_is_compared_with_the_other_that_is_used_most(client: Client) -> None:
    for feature, version, seconds, n in (
        ("chat", "1", 1.0, 40), ("chat", "2", 1.5, 60), ("chat", "3", 4.0, 30), ("chat", "__other__", 0.1, 900),
        ("search", "2", 0.1, 900),
    ):  # fmt: skip
        put_requests(client, seconds, n, feature=feature, prompt_version=version)
    slower = rule(group_by=["feature", "prompt_version"], above="2x", baseline="other version")
    found = {outcome.segment: outcome for outcome in evaluate(client, [slower], NOW)}

    def told(feature: str, version: str) -> tuple[Verdict, int | None]:
        one = found[("feature", feature), ("prompt_version", version)]
        return one.verdict, one.baseline.n if one.baseline else None

    assert told("chat", "1") == (Verdict.OK, 60)
    assert told("chat", "2") == (Verdict.OK, 40)
    assert told("chat", "3") == (Verdict.BREACH, 60)
    assert told("chat", "__other__") == (Verdict.OK, 60)
    assert told("search", "2") == (Verdict.NO_DATA, None)


@pytest.mark.parametrize(
    ("errors", "verdict", "severity", "threshold"),
    [(1, "ok", "info", 0.05), (4, "hold", "info", 0.05), (8, "breach", "info", 0.05), (30, "breach", "critical", 0.2)],
)
def test_a_value_can_be_between_the_limits(errors: int, verdict: str, severity: str, threshold: float) -> None:
    limits = {"above": "5%", "critical": "20%", "recover": "2%", "severity": "info"}
    one = rule(metric="error_rate", **limits)
    reading = Reading(METRICS["error_rate"], errors / 100, 100, None, None, (NOW - timedelta(minutes=15), NOW))
    (found,) = judge(one, NOW, lambda _: {(): reading})
    assert (found.verdict.value, found.severity, found.threshold) == (verdict, severity, threshold)


def test_limits_that_a_baseline_moves_move_together() -> None:
    values = {NOW: 2.4, NOW - timedelta(hours=1): 1.0}
    one = rule(window="1h", baseline="24h", above="2x", critical="3x", recover="1.5x")

    def read(asked: Asked) -> dict[Segment, Reading]:
        return {(): Reading(METRICS["latency_p95"], values[asked.span[1]], 50, None, None, asked.span)}

    def verdict(now: float, before: float) -> tuple[str, str]:
        values.update({NOW: now, NOW - timedelta(hours=1): before})
        (found,) = judge(one, NOW, read)
        return found.verdict.value, found.severity

    assert verdict(2.4, 1) == ("breach", "warning")
    assert verdict(2.4, 0.7) == ("breach", "critical")
    assert verdict(2.4, 1.4) == ("hold", "warning")
    assert verdict(2.4, 2) == ("ok", "warning")


def test_a_difference_holds_where_a_factor_says_nothing() -> None:
    def read(asked: Asked) -> dict[Segment, Reading]:
        value = 0.04 if asked.span[1] == NOW else 0.0
        return {(): Reading(METRICS["error_rate"], value, 50, None, None, asked.span)}

    risen = {"metric": "error_rate", "window": "1h", "baseline": "24h"}
    assert judge(rule(above="3% more", **risen), NOW, read)[0].verdict is Verdict.BREACH
    assert judge(rule(above="5% more", **risen), NOW, read)[0].verdict is Verdict.OK
    assert judge(rule(above="2x", **risen), NOW, read)[0].verdict is Verdict.NO_BASELINE


def test_a_count_that_is_compared_with_before_sees_what_is_gone() -> None:
    before = {(("service", "shop"),): 900, (("service", "blog"),): 199}

    def read(asked: Asked) -> dict[Segment, Reading]:
        counts = {(("service", "new"),): 4} if asked.span[1] == NOW else before
        return {where: Reading(METRICS["requests"], n, n, None, None, asked.span) for where, n in counts.items()}

    gone = rule(metric="requests", below="0.5x", baseline="last week", window="1h", min_n=200, group_by="service")
    found = {outcome.segment[0][1]: outcome for outcome in judge(gone, NOW, read)}
    assert {name: outcome.verdict for name, outcome in found.items()} == {
        "shop": Verdict.BREACH, "blog": Verdict.NO_BASELINE, "new": Verdict.NO_BASELINE,
    }  # fmt: skip
    assert (found["shop"].reading.value, found["shop"].reading.n, found["shop"].threshold) == (0, 0, 450)


def test_a_segment_of_which_nothing_comes_is_looked_at_for_a_day(client: Client) -> None:
    put_requests(client, 9.0, 30, at=NOW - timedelta(hours=23), feature="chat")
    put_requests(client, 9.0, 30, at=NOW - timedelta(hours=25), feature="gone")
    put_requests(client, 9.0, 30, feature="search")
    put_requests(client, 9.0, 30, at=NOW - timedelta(hours=3), feature="search")
    assert verdicts(client, rule(group_by="feature")) == {("slow", "search"): "breach", ("slow", "chat"): "no data"}
    assert verdicts(client, rule(group_by="feature", where={"model": "a"})) == {}
    silent = rule(metric="requests", below=1, min_n=0, group_by="feature")
    assert verdicts(client, silent) == {("slow", "search"): "ok", ("slow", "chat"): "breach"}


def test_a_service_that_is_away_is_not_forgotten_at_an_hour_at_which_little_came_last_week(client: Client) -> None:
    (no_traffic,) = (one for one in default_rules() if one.name == "no traffic")
    week = timedelta(days=7)
    put(client, NOW - week - 10 * MINUTE, requests=99, service="quiet")
    put(client, NOW - week - 10 * MINUTE, requests=100, service="busy")
    put(client, NOW - timedelta(days=2), requests=100, service="silent")
    put(client, NOW - week - timedelta(days=1), requests=100, service="switched off")
    assert verdicts(client, no_traffic) == {
        ("no traffic", "quiet"): "no baseline",
        ("no traffic", "busy"): "breach",
        ("no traffic", "silent"): "no baseline",
    }


def test_all_rules_of_a_window_share_one_statement(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    put_requests(client, 9.0, 30, feature="chat")
    put_scores(client, [0.8] * 50, feature="chat")
    asked: list[tuple[list[str], float, str, int]] = []

    def spy(client: Client, names: list[str], **rest: Any) -> Any:
        length = (rest["until"] - rest["since"]) / timedelta(minutes=1)
        asked.append((names, length, rest["instrument"], len(rest["sets"])))
        return query_sets(client, names, **rest)

    monkeypatch.setattr(module, "query_sets", spy)
    by = {"group_by": "feature"}
    found = verdicts(
        client,
        rule(**by),
        rule(name="errors", metric="error_rate", above=0.1, **by),
        rule(name="all"),
        rule(name="chat", where={"feature": "chat"}),
        rule(name="none", where={"feature": "gone", "model": "a"}),
        rule(name="longer", window="1h"),
        rule(name="quality", metric="quality", below=0.85, **by),
    )
    assert asked == [
        (["error_rate", "latency_p95", "quality"], 15, "", 3),
        (["requests"], 1440, "", 1),  # which segments there were lately
        (["latency_p95"], 60, "", 1),
    ]
    assert found == {
        ("slow", "chat"): "breach", ("errors", "chat"): "ok", ("all",): "breach", ("chat", "chat"): "breach",
        ("none", "gone", "a"): "no data", ("longer",): "breach", ("quality", "chat"): "breach",
    }  # fmt: skip


def test_scores_of_each_judge_are_read_by_themselves_and_before_too(monkeypatch: pytest.MonkeyPatch) -> None:
    judges = {(): "new", (("feature", "chat"),): "old"}
    asked: list[tuple[list[str], timedelta, str]] = []

    def spy(_: object, names: list[str], **rest: Any) -> Answer:
        asked.append((names, NOW - rest["until"], rest["instrument"]))
        return Answer((rest["since"], rest["until"]), Grouping(rest["sets"]), defaultdict(list))

    monkeypatch.setattr(module, "query_sets", spy)
    monkeypatch.setattr(module, "current_instruments", lambda *_, **__: judges)
    rules = [rule(), rule(**FALLEN), rule(**FALLEN, where={"feature": "chat"})]
    evaluate(MagicMock(), rules, NOW)
    week, now = timedelta(days=7), timedelta(0)
    assert asked == [
        (["latency_p95"], now, ""),
        (["quality"], now, "new"), (["quality"], week, "new"), (["quality"], now, "old"), (["quality"], week, "old"),
    ]  # fmt: skip


@pytest.mark.parametrize(("hours", "name"), [(0.25, "15 min"), (1, "1 h"), (24, "24 h"), (168, "7 days")])
def test_window_names(hours: float, name: str) -> None:
    assert window_name(timedelta(hours=hours)) == name
