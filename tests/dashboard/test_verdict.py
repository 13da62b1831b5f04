"""The sentence on top of Health names what fails, where, in which version, since when and by how much."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest

from driftline_alerts.detail import Detail
from driftline_alerts.drift.finding import Finding
from driftline_alerts.transition import Transition
from driftline_dashboard import text
from driftline_dashboard.drift.drift_data import LATE, Watch
from driftline_dashboard.health.open_alerts import Alert
from driftline_dashboard.health.verdict import healthy, unhealthy, unwatched
from driftline_dashboard.text import same_day
from driftline_dashboard.view import View

NOW = datetime.now(UTC)
SINCE, FOUND = NOW - timedelta(minutes=40), NOW - timedelta(minutes=30)
PAUSE = timedelta(seconds=15)
SEGMENT = {"environment": "production", "feature": "support-bot"}


def alert(rule: str, where: dict[str, str], detail: Detail, **changed: Any) -> Alert:
    """An alert that fires; changes go to its last step, and ``finding`` beside it."""
    told: dict[str, Any] = {"id": "s", "incident": "i", "state": "firing", "at": FOUND, "started": SINCE}
    told |= {"metric": "quality", "value": 0.82, "threshold": 0.87, "n": 412} | changed
    finding = told.pop("finding", None)
    return Alert(Transition(rule=rule, segment=tuple(where.items()), detail=detail, **told), finding)


LIMIT = Detail(side="below", window_minutes=60)
RULE = alert("quality-drop", {"feature": "faq"}, LIMIT)


def drift(**changed: Any) -> Alert:
    """What drift detection found; changes go to the alert, its detail and its finding."""
    told: dict[str, Any] = dict.fromkeys(("segment", "place"), ())
    told |= dict.fromkeys(("started", "earliest", "latest"), SINCE) | {"at": FOUND}
    told |= {"incident": "i2", "kind": "opened", "metric": "quality", "about": "quality", "n": 800}
    told |= {"falls": True, "before": 0.9, "after": 0.6}
    finding = Finding.model_validate(told | {name: changed[name] for name in ("common", "changed") if name in changed})
    names = ("severity", "is_judges", "low", "high")
    of_detail: dict[str, Any] = {name: changed[name] for name in names if name in changed}
    detail = Detail.model_validate({"side": "below", "window_minutes": 60, "severity": "critical"} | of_detail)
    metric, value, before = changed.get("of", ("quality", 0.6, 0.9))
    figures = {"metric": metric, "value": value, "threshold": before}
    return alert("drift: quality (i2)", changed.get("where", SEGMENT), detail, **figures, finding=finding)


THE_QUALITY_FELL = "the judged quality fell from 0.900 to 0.600"
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
        ({"changed": ("prompt_version v4 -> v5",)},
         FELL + ", environment production, as found at {found}; at that time: prompt_version v4 -> v5"),
        ({"where": {}, "is_judges": True},
         THE_QUALITY_FELL + " since {since}, as found at {found}; it is the judge that changed"),
        ({"where": {}, "low": 0.55, "high": 0.65},
         THE_QUALITY_FELL + " (0.550 to 0.650) since {since}, as found at {found}"),
        ({"where": {"feature": "x" * 90}}, "%s… (30 more characters)'s judged quality fell" % ("x" * 60)),
    ],
)  # fmt: skip
def test_it_names_what_where_since_when_and_by_how_much(changed: dict[str, Any], said: str) -> None:
    times = {"since": same_day(SINCE), "found": same_day(FOUND)}
    assert unhealthy([drift(**changed)]).startswith(f"Unhealthy: {said.format(**times)}")


def test_a_limit_that_was_passed_is_told_as_such() -> None:
    said = f"Unhealthy: faq's judged quality was 0.820, below its limit of 0.870, since {same_day(SINCE)}"
    assert unhealthy([RULE]) == f"{said}, as found at {same_day(FOUND)}"
    acknowledged = alert("quality-drop", {"feature": "faq"}, LIMIT, state="acknowledged")
    assert unhealthy([acknowledged]) == said, "its figures are those of before it was acknowledged"


def test_what_changed_is_told_in_the_visitor_s_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "visitor_zone", lambda: timezone(timedelta(hours=2)))
    said = unhealthy([drift(changed=(f"deploy ({SINCE:%H:%M} UTC)",))])
    assert said.endswith(f"at that time: deploy ({same_day(SINCE)})")


def test_the_gravest_leads_and_of_equals_what_drift_detection_found() -> None:
    assert unhealthy([RULE, drift()]).endswith("; and 1 more open alert")
    for severity in ("critical", "warning"):
        assert "support-bot's" in unhealthy([RULE, drift(severity=severity), RULE])
    assert unhealthy([RULE, drift(severity="info"), RULE]).startswith("Unhealthy: faq's")
    assert unhealthy([RULE, drift(severity="info"), RULE]).endswith("; and 2 more open alerts")


def watch(**changed: Any) -> Watch:
    known: dict[str, Any] = {"monitors": 340, "features": 12, "learning": 3, "suspicious": 0, "small": 0, "alarms": 0}
    return Watch(**known | {"looked": NOW, "runs": False, "found": 0, "heat": pd.DataFrame()} | changed)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "Healthy: 12 features, 340 monitors, nothing found in 24 h; still learning: 3"),
        ({"learning": 0, "features": 1, "suspicious": 2, "found": 1},
         "Healthy: 1 feature, 340 monitors, 1 found and over in 24 h; suspicious: 2"),
        ({"monitors": 0}, "No alert is open; drift detection has seen no stream yet"),
    ],
)  # fmt: skip
def test_where_nothing_is_wrong_it_says_what_nothing_was_found_in(changed: dict[str, Any], said: str) -> None:
    assert healthy(watch(**changed), View()) == said


def test_within_filters_it_tells_nothing_of_what_lies_outside() -> None:
    said = healthy(watch(), View(filters=(("feature", "faq"),)))
    assert said == "Healthy within the filters: no alert is open"


def test_where_no_worker_looks_it_is_not_watched_and_says_what_to_do() -> None:
    last = NOW - LATE - PAUSE
    start = "no alert worker has looked. Start driftline alert, or driftline up"
    assert unwatched(watch(looked=last), NOW, PAUSE) == ""
    late = watch(looked=last - timedelta(seconds=1))
    assert unwatched(late, NOW, PAUSE) == f"Not watched since {same_day(last - timedelta(seconds=1))}: {start}"
    assert unwatched(watch(looked=None), NOW, PAUSE) == f"Not watched: {start}"


def test_a_worker_that_runs_and_does_not_look_for_drift_is_not_taken_for_a_dead_one() -> None:
    late = watch(looked=NOW - timedelta(days=3), runs=True)
    assert "Not watched for drift since" in unwatched(late, NOW, PAUSE)
    assert "drift detection is off (the setting drift) or waits" in unwatched(late, NOW, PAUSE)
    assert "its first look takes a few minutes" in unwatched(watch(looked=None, runs=True), NOW, PAUSE)
