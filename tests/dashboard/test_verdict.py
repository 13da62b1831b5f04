"""The sentence on top of Health names what fails, where, in which version, since when and by how much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from driftline_alerts.detail import Detail
from driftline_alerts.drift.finding import Finding
from driftline_dashboard.drift.drift_data import Watch
from driftline_dashboard.health.open_alerts import Alert
from driftline_dashboard.health.verdict import healthy, unhealthy
from driftline_dashboard.text import same_day
from driftline_dashboard.view import View

NOW = datetime.now(UTC)
SINCE = NOW - timedelta(minutes=40)
SEGMENT = {"environment": "production", "feature": "support-bot"}
RULE = Alert("quality-drop", {"feature": "faq"}, "quality", 0.82, 0.87, 412, SINCE, Detail(
    side="below", window_minutes=60), "i1", None)  # fmt: skip


def drift(**changed: Any) -> Alert:
    """What drift detection found; changes go to the alert, its detail and its finding."""
    told: dict[str, Any] = dict.fromkeys(("segment", "place"), ())
    told |= dict.fromkeys(("at", "started", "earliest", "latest"), SINCE)
    told |= {"incident": "i2", "kind": "opened", "metric": "quality", "about": "quality", "n": 800}
    told |= {"falls": True, "before": 0.9, "after": 0.6}
    finding = Finding.model_validate(told | {name: changed[name] for name in ("common", "changed") if name in changed})
    of_detail: dict[str, Any] = {name: changed[name] for name in ("severity", "is_judges") if name in changed}
    detail = Detail.model_validate({"side": "below", "window_minutes": 60, "severity": "critical"} | of_detail)
    metric, value, before = changed.get("of", ("quality", 0.6, 0.9))
    where = changed.get("where", SEGMENT)
    return Alert("drift: quality (i2)", where, metric, value, before, 800, SINCE, detail, "i2", finding)


FELL = "support-bot's judged quality fell from 0.900 to 0.600 since {since}"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"where": SEGMENT | {"model": "gpt-5-mini", "prompt_name": "", "prompt_version": "v5"}},
         FELL + ", prompt version v5, model gpt-5-mini, environment production"),
        ({"common": (("prompt_version", "v5"),)},
         FELL + ", prompt version v5, environment production"),
        ({"where": {"environment": "production"}, "of": ("error_rate", 0.31, 0.02)},
         "production's error rate rose from 2.0 % to 31.0 % since {since}"),
        ({"where": {}, "of": ("requests", 0.0, 40.0)}, "the requests fell from 40 to 0 a minute since {since}"),
        ({"changed": ("prompt_version v4 -> v5 (14:02 UTC)",)},
         FELL + ", environment production; at that time: prompt_version v4 -> v5 (14:02 UTC)"),
        ({"where": {}, "is_judges": True},
         "the judged quality fell from 0.900 to 0.600 since {since}; it is the judge that changed"),
        ({"where": {"feature": "x" * 90}}, "%s… (30 more characters)'s judged quality fell" % ("x" * 60)),
    ],
)  # fmt: skip
def test_it_names_what_where_since_when_and_by_how_much(changed: dict[str, Any], said: str) -> None:
    assert unhealthy([drift(**changed)]).startswith(f"Unhealthy: {said.format(since=same_day(SINCE))}")


def test_a_limit_that_was_passed_is_told_as_such() -> None:
    since = same_day(SINCE)
    assert unhealthy([RULE]) == f"Unhealthy: faq's judged quality is 0.820, below its limit of 0.870, since {since}"


def test_the_gravest_leads_and_of_equals_what_drift_detection_found() -> None:
    assert unhealthy([RULE, drift()]).endswith("; and 1 more open alert")
    for severity in ("critical", "warning"):
        assert "support-bot's" in unhealthy([RULE, drift(severity=severity), RULE])
    assert unhealthy([RULE, drift(severity="info"), RULE]).startswith("Unhealthy: faq's")
    assert unhealthy([RULE, drift(severity="info"), RULE]).endswith("; and 2 more open alerts")


def watch(**changed: Any) -> Watch:
    known: dict[str, Any] = {"monitors": 340, "features": 12, "learning": 3, "suspicious": 0, "small": 0, "alarms": 0}
    return Watch(**known | {"looked": NOW, "found": 0, "heat": pd.DataFrame()} | changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "Healthy: 12 features, 340 monitors, nothing found in 24 h; still learning: 3"),
        ({"learning": 0, "features": 1, "suspicious": 2, "found": 1},
         "Healthy: 1 feature, 340 monitors, 1 found and over in 24 h; suspicious: 2"),
        ({"looked": None}, "No alert is open. Drift detection has not looked at anything yet: driftline alert runs it"),
    ],
)  # fmt: skip
def test_where_nothing_is_wrong_it_says_what_nothing_was_found_in(changed: dict[str, Any], said: str) -> None:
    assert healthy(watch(**changed), View(), NOW) == said


def test_it_says_when_nothing_has_looked_for_long() -> None:
    late = watch(looked=NOW - timedelta(minutes=16))
    assert "drift detection last looked at" in healthy(late, View(), NOW)
    assert "last looked" not in healthy(watch(looked=NOW - timedelta(minutes=14)), View(), NOW)
