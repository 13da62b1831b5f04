"""The card of an incident: what leads to its cause comes first, all of it is told once, and in the visitor's time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from driftline_alerts.detail import Detail
from driftline_alerts.transition import Transition
from driftline_dashboard import text
from driftline_dashboard.alerts import incident
from driftline_dashboard.alerts.incidents_data import Incident

BEGAN = datetime(2026, 3, 2, 1, 19, tzinfo=UTC)
FACTS = (
    ("Level", "0.951 \u2192 0.741 (0.604 to 0.879)"),
    ("Began between", "2026-03-02 01:15 UTC to 2026-03-02 01:21 UTC"),
    ("Based on", "43 judged answers since then"),
    ("As strong by chance", "at most once in 4,000 months"),
    ("Touched", "1,200 requests, 300 sessions, 41 users"),
    ("At that time", "prompt_version v4 -> v5 (01:18 UTC); share of model <b>: 0% -> 50%"),
)
REMARKS = (
    "Not affected: feature faq.",
    "All that moved has prompt_version v5, and nothing else has.",
    "The judge scores its anchors as before, so it is the answers that changed.",
)


@pytest.fixture(autouse=True)
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "visitor_zone", lambda: ZoneInfo("America/New_York"))


def card(facts: tuple[tuple[str, str], ...] = FACTS, rule: str = "drift: judged quality (3d9e)") -> str:
    detail = Detail(side="below", window_minutes=60, headline="It fell", facts=facts, sentences=REMARKS)
    step = Transition(
        id="1", incident="3d9e", rule=rule, segment=(("feature", "bot"),), state="firing",
        at=BEGAN + timedelta(minutes=9), started=BEGAN, metric="quality", value=0.741, threshold=0.951, n=43,
        detail=detail,
    )  # fmt: skip
    return incident.card(Incident("3d9e", (step,), (step,)))


def test_what_leads_to_the_cause_comes_first_and_nothing_is_left_out() -> None:
    said = card()
    begins = ("At that time", "All that moved", "Not affected", "Touched", "The judge", "Began", "As strong")
    assert [said.index(f"<li>{one}") for one in begins] == sorted(said.index(f"<li>{one}") for one in begins)
    assert said.count("<li>") == len(begins), "level and basis stand above"
    assert "&lt;b&gt;" in said


def test_a_long_list_of_changes_is_told_as_a_whole() -> None:
    changes = "; ".join(f"share of model {'m' * 60}{number}: 0% to 10%" for number in range(10))
    assert changes in card((("At that time", changes),))


def test_stored_times_are_told_in_the_visitor_s_zone() -> None:
    said = card()
    assert "Began between: 1 Mar 20:15 to 1 Mar 20:21" in said
    assert "v4 -&gt; v5 (1 Mar 20:18)" in said
    assert "UTC" not in said


@pytest.mark.parametrize("words", ["at 2026-99-99 01:15 UTC", "(25:00 UTC)", "01:15 UTC", "noon"])
def test_what_is_no_time_of_ours_stays_as_it_is(words: str) -> None:
    assert incident.in_zone(words, BEGAN) == words


def test_a_time_of_day_is_of_the_day_that_is_nearest() -> None:
    assert incident.in_zone("(23:50 UTC)", BEGAN) == "(1 Mar 18:50)"


def test_ends_that_read_the_same_are_not_told_beside_since_when_it_is_so() -> None:
    said = card((("Began between", "2026-03-02 01:19 UTC to 2026-03-02 01:19 UTC"),))
    assert "Began between" not in said
    assert "<dt>Since</dt><dd><bdi>1 Mar 20:19</bdi></dd>" in said


def test_an_alert_of_drift_detection_has_no_rule_s_name() -> None:
    assert "<dt>Rule</dt><dd><bdi>drift detection</bdi></dd>" in card()
    assert "3d9e" not in card()
    assert "<dt>Rule</dt><dd><bdi>errors</bdi></dd>" in card(rule="errors")
