"""``drift`` in alerts.yaml: what drift detection does differently with some streams."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from drift_world import START, World, scores, segment
from driftline_alerts.drift.segments import LEVELS
from driftline_alerts.drift.stream import ANCHORS, Part, StreamKey
from driftline_alerts.drift.tuning import DriftRule, Tuning
from driftline_alerts.plain import briefly
from driftline_store.monitored import MONITORED

V5 = segment("production", "support", "gpt", "answer", "5")
SEARCH = segment("production", "search", "gpt", "find", "1")


def rule(**values: Any) -> DriftRule:
    return DriftRule.model_validate(values)


def key(metric: str = "quality", of: tuple[tuple[str, str], ...] = V5) -> StreamKey:
    return StreamKey(metric, "judge" if metric == "quality" else "", of)


def test_the_first_rule_that_matches_decides() -> None:
    tuning = Tuning(
        (
            rule(metrics="quality", where={"feature": "support"}, min_change=0.05, severity="warning"),
            rule(where={"feature": "support"}, tolerance="10%"),
            rule(metrics=["latency_p95", "quality"], min_ratio="30%"),
        )
    )
    quality = tuning.monitored(key())
    assert (quality.least_effect.absolute, quality.tolerance) == (0.05, 0.0)
    assert tuning.monitored(key("error_rate")).tolerance == 0.1
    assert tuning.monitored(key("latency_p95", SEARCH)).least_effect.relative == 0.3
    assert tuning.monitored(key("error_rate", SEARCH)) == MONITORED["error_rate"]
    assert tuning.monitored(key("quality", V5[: len(LEVELS[0])])).least_effect.relative == 0.3, "of no feature alone"
    assert tuning.monitored(key("quality", ANCHORS)) == MONITORED["quality"], "the judge's own"


def test_an_incident_is_as_grave_as_the_gravest_of_its_metrics_unless_somebody_says_otherwise() -> None:
    slower, worse = key("latency_p95"), key("quality")
    assert Tuning().severity([slower]) == "warning"
    assert Tuning().severity([slower, worse]) == "critical"
    assert Tuning().severity([key("requests")]) == "critical"
    said = Tuning((rule(metrics="quality", where={"feature": "search"}, severity="info"), rule(severity="critical")))
    assert said.severity([slower]) == "critical"
    assert said.severity([key("quality", SEARCH)]) == "info"


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ((), "everything"),
        ((("environment", "production"),), "environment production"),
        ((("environment", "production"), ("feature", "")), "environment production"),
        ((("environment", "production"), ("feature", "search")), "feature search"),
        (
            (("environment", "a"), ("feature", "b"), ("model", "c"), ("prompt_name", "d"), ("prompt_version", "e")),
            "feature b, prompt_version e, model c",
        ),
    ],
)
def test_a_headline_names_first_what_tells_most(segment: tuple[tuple[str, str], ...], said: str) -> None:
    assert briefly(segment) == said


def test_what_is_not_watched_is_not_looked_at() -> None:
    tuning = Tuning((rule(metrics="quality", where={"feature": "search"}, watch=False),))
    parts = [Part(key(of=of), {20: 1}, START, START) for of in (V5, SEARCH)]
    assert [part.key.segment for part in tuning.watched(parts)] == [V5]


@pytest.mark.parametrize(("min_change", "messages"), [(None, 1), (0.25, 0)])
def test_a_change_smaller_than_somebody_wants_to_know_calls_nobody(min_change: float | None, messages: int) -> None:
    world = World(tuning=Tuning((rule(min_change=min_change),)))
    world.stream("quality", V5, scores(0.9), 200)
    world.pass_time(30)
    world.stream("quality", V5, scores(0.75), 200)
    assert len(world.pass_time(12)) == messages


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"metrics": "qualty"}, "not watched for drift; did you mean 'quality'"),
        ({"metrics": "spend"}, "not watched for drift"),
        ({"where": {"service": "shop"}}, "segments of drift detection have environment"),
        ({"where": {"featur": "x"}}, "no dimension"),
        ({"tolerance": 2}, "at most 100%"),
        ({"min_change": -1}, "greater than or equal to 0"),
        ({"watch": "no"}, "valid boolean"),
    ],
)
def test_mistakes_say_what_is_expected(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        rule(**values)
