"""The page of alerts, run as Streamlit runs it, on a real store."""

from __future__ import annotations

import contextlib
import html
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import streamlit as st

from dashboard import seed
from dashboard.conftest import Page
from driftline_alerts.rule import build
from driftline_dashboard import access
from driftline_dashboard.alerts import rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from driftline_store.client import Client
    from store_fixtures import RunningStore

SECRET = "https://hooks.example/services/very-secret"


@pytest.fixture
def client(seeded: RunningStore) -> Iterator[Client]:
    """Of the seeded store; what a test asks for is forgotten after it."""
    with contextlib.closing(seeded.client()) as client:
        yield client
        for table in ("alert_actions", "drift_actions"):
            client.command(f"TRUNCATE TABLE {table}")


@pytest.fixture
def page(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(seeded.path, monkeypatch, at="alerts")


def press(page: Page, key: str) -> None:
    page.app.button(key=key).click()
    page.run()


def keys(page: Page) -> set[str]:
    return {str(button.key) for button in page.app.button}


def test_open_incidents_stand_above_the_gravest_first(page: Page) -> None:
    drift, rule = page.html.index("Judged quality of"), page.html.index("Quality 0.820, limit above 0.870")
    history = page.html.index("History<small>")
    assert drift < rule < history
    for fact in ("feature support-bot, prompt_version v2", "quality-drop", "412 judged answers", "nobody yet"):
        assert f"<dd><bdi>{fact}</bdi></dd>" in page.html
    assert "acknowledged by ada" in page.html[history:]


def test_names_of_others_are_escaped_everywhere(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="alerts", incident=seed.PAST)
    for raw in (seed.HOSTILE_QUESTION, seed.HOSTILE_FEATURE, "<b>busy</b>"):
        assert raw not in page.html
        assert html.escape(raw) in page.html
    assert not page.app.markdown


def test_a_button_says_first_what_will_happen(page: Page, client: Client) -> None:
    press(page, f"acknowledge-{seed.DRIFT}")
    assert "is told that dashboard looks after it" in page.html
    assert "in its next round, within 15 s while it runs" in page.html
    assert not keys(page) & {f"acknowledge-{seed.DRIFT}", f"silence-{seed.DRIFT}"}
    press(page, f"no-acknowledge-{seed.DRIFT}")
    assert client.query("SELECT count() FROM alert_actions").result_rows == [(0,)]
    assert f"acknowledge-{seed.DRIFT}" in keys(page)


def test_an_acknowledgement_is_asked_for_once_and_said_to_be(page: Page, client: Client) -> None:
    press(page, f"acknowledge-{seed.DRIFT}")
    press(page, f"yes-acknowledge-{seed.DRIFT}")
    stored = "SELECT action, incident, by FROM alert_actions"
    assert client.query(stored).result_rows == [("acknowledge", seed.DRIFT, "dashboard")]
    assert "dashboard acknowledged it at" in page.html
    assert "this waits for the alert worker" in page.html
    assert not keys(page) & {f"acknowledge-{seed.DRIFT}", f"yes-acknowledge-{seed.DRIFT}"}
    page.run()
    assert len(client.query(stored).result_rows) == 1


def test_a_silence_lasts_an_hour(page: Page, client: Client) -> None:
    press(page, f"silence-{seed.DRIFT}")
    press(page, f"yes-silence-{seed.DRIFT}")
    [(until,)] = client.query("SELECT until FROM alert_actions").result_rows
    assert timedelta(minutes=58) < until - datetime.now(UTC) <= timedelta(hours=1)
    assert "dashboard silenced it until" in page.html
    assert f"silence-{seed.DRIFT}" not in keys(page)


def test_only_what_drift_detection_found_can_be_accepted(page: Page, client: Client) -> None:
    assert [key for key in keys(page) if key.startswith("accept-")] == [f"accept-{seed.DRIFT}"]
    press(page, f"accept-{seed.DRIFT}")
    press(page, f"yes-accept-{seed.DRIFT}")
    stored = client.query("SELECT action, incident, by FROM drift_actions").result_rows
    assert stored == [("accept", seed.DRIFT, "dashboard")]
    assert "accepted it as the new normal" in page.html


def test_what_happened_is_told_step_by_step_and_stands_in_the_url(page: Page) -> None:
    press(page, f"history-{seed.PAST}")
    assert page.app.query_params["incident"] == seed.PAST
    body = page.html.split("<tbody>")[1].split("</tbody>")[0]
    told = [
        "wrong, but not for long enough",
        "fires:",
        "not told, 2 times",
        "on-call was told",
        "acknowledged:",
        "over:",
    ]
    places = [body.index(one) for one in told]
    assert places == sorted(places)
    assert ">ada</td>" in body
    assert "rolling back" in body
    assert "HTTP 503" in body
    press(page, f"history-{seed.PAST}")
    assert "incident" not in page.app.query_params


def test_the_worst_examples_and_the_segment_are_a_step_away(page: Page) -> None:
    links = {link.proto.label: link.proto.query_string for link in page.app.get("page_link")}
    assert links["Example 1"] == f"trace={seed.AGENT}&span={'2' * 16}"
    assert links["Health"] == ""


def test_filters_leave_out_what_is_about_something_else(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="alerts", feature="support-bot")
    assert "quality-drop" in page.html
    assert "Judged quality of" not in page.html
    assert "2 more are about something that the filters leave out" in page.html


def test_the_rules_in_force_are_shown_without_any_channel(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "alerts.yaml"
    file.write_text(
        "defaults: false\n"
        "rules: [{name: <b>mine</b>, metric: error_rate, window: 15m, above: 5%, for: 10m}]\n"
        f"channels:\n  ops: {{kind: slack, webhook_url: '{SECRET}'}}\n"
        "  two: {kind: slack, webhook_url: '${UNSET}'}\n"
        "routes: [{channels: nobody-knows}]\n"
    )
    monkeypatch.setenv("DRIFTLINE_ALERTS_FILE", str(file))
    page = Page(seeded.path, monkeypatch, at="alerts")
    assert "<td>&lt;b&gt;mine&lt;/b&gt;</td><td>Error rate above 5.0 %</td><td>15 min</td><td>10 min</td>" in page.html
    assert "very-secret" not in page.html
    assert "cannot be read" not in page.html


def test_a_file_that_is_wrong_is_told_about_below_the_incidents(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "alerts.yaml"
    file.write_text("rules: [{name: mine, metric: '<b>none</b>', window: 15m, above: 5%}]\n")
    monkeypatch.setenv("DRIFTLINE_ALERTS_FILE", str(file))
    page = Page(seeded.path, monkeypatch, at="alerts")
    assert "The rules cannot be read" in page.html
    assert "&lt;b&gt;none&lt;/b&gt;" in page.html
    assert "Open incidents: 2" in page.html


def test_without_any_alert_it_says_so(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(empty.path, monkeypatch, at="alerts")
    assert "No open incident" in page.html
    assert "None in this window" in page.html
    assert "Rules in force" in page.html


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({}, "dashboard"),
        ({"email": "somebody@example.com"}, "dashboard"),
        ({"is_logged_in": True, "email": "ada@example.com", "name": "Ada"}, "ada@example.com"),
        ({"is_logged_in": True, "name": "Ada"}, "Ada"),
        ({"is_logged_in": True}, "dashboard"),
    ],
)
def test_who_asks_is_who_has_logged_in(monkeypatch: pytest.MonkeyPatch, user: dict[str, object], name: str) -> None:
    monkeypatch.setattr(st, "user", user)
    assert access.who() == name


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"above": "5%", "critical": "20%"}, "Error rate above 5.0 % (critical: above 20.0 %)"),
        ({"above": "2x", "baseline": "24h"}, "Error rate above 2 × the 24 h before"),
        ({"above": "5% more", "baseline": "last week"},
         "Error rate more than 5.0 % points above the same time a week before"),
        ({"below": "5% less", "baseline": "other version", "group_by": ["prompt_version"]},
         "Error rate more than 5.0 % points below the other prompt version"),
    ],
)  # fmt: skip
def test_a_rule_says_in_words_when_it_fires(limits: dict[str, object], says: str) -> None:
    assert rules.fires_when(build({"name": "r", "metric": "error_rate", "window": "15m", **limits})) == says
