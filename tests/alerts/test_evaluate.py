"""Verdicts per segment, against the real store."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alert_support import MINUTE, NOW, put, put_requests, put_scores, rule
from driftline_alerts import evaluate as module
from driftline_alerts.evaluate import Outcome, Verdict, evaluate, window_name
from driftline_store.metrics_query import query_metrics

if TYPE_CHECKING:
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
    assert only(client, one).verdict is Verdict.NO_DATA
    put(client, NOW - timedelta(hours=2), requests=19, calls=19, cost=0.1)
    assert only(client, one).verdict is Verdict.NO_DATA  # fewer than min_n
    put(client, NOW - timedelta(hours=2), requests=1, calls=1, cost=0)
    assert only(client, one).verdict is Verdict.BREACH
    client.command("TRUNCATE TABLE llm_rollups")
    put(client, NOW - timedelta(hours=2), requests=100, calls=100, cost=0)
    put(client, requests=100, calls=100, cost=9)
    assert only(client, one).verdict is Verdict.NO_DATA  # every multiple of 0 is 0


def test_totals_are_compared_over_equal_times(client: Client) -> None:
    put(client, NOW - timedelta(hours=5), requests=240)
    put(client, requests=24)
    surge = rule(metric="requests", window="1h", baseline="24h", above="2x", min_n=1)
    found = only(client, surge)
    assert found.verdict is Verdict.BREACH
    assert found.threshold == pytest.approx(20)
    half = rule(metric="requests", window="1h", baseline="24h", below="0.5x", min_n=1)
    assert only(client, half).verdict is Verdict.OK


def test_equal_questions_share_one_statement(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def spy(client: Client, names: list[str], **rest: Any) -> Any:
        asked.append((names, rest["until"] - rest["since"], rest["by"]))
        return query_metrics(client, names, **rest)

    monkeypatch.setattr(module, "query_metrics", spy)
    by = {"group_by": "feature"}
    evaluate(client, [rule(**by), rule(name="e", metric="error_rate", above=0.1, **by), rule(name="all")], NOW)
    assert asked == [
        (["error_rate", "latency_p95"], timedelta(minutes=15), ("feature",)),
        (["latency_p95"], timedelta(minutes=15), ()),
    ]


@pytest.mark.parametrize(("hours", "name"), [(0.25, "15 min"), (1, "1 h"), (24, "24 h"), (168, "7 days")])
def test_window_names(hours: float, name: str) -> None:
    assert window_name(timedelta(hours=hours)) == name
