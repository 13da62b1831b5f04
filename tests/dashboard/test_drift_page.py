"""The page of drift, the heat map and the events on Health, run as Streamlit runs them, on a real store."""

from __future__ import annotations

import contextlib
import html
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dashboard import seed
from dashboard.conftest import Page
from driftline_dashboard.drift import drift_data
from driftline_dashboard.drift.page import _share
from driftline_dashboard.view import DEFAULT, View

if TYPE_CHECKING:
    from store_fixtures import RunningStore


@pytest.fixture(scope="module")
def page(seeded: RunningStore) -> Page:
    """For tests that only look at it."""
    with pytest.MonkeyPatch.context() as patch:
        return Page(seeded.path, patch, at="drift")


def chart(page: Page, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.app.get("vega_lite_chart")[number].proto.spec)
    return found


def marks(spec: dict[str, Any]) -> list[str]:
    return [layer["mark"]["type"] for layer in spec["layer"]]


def test_monitors_are_counted_by_what_they_are_at(page: Page) -> None:
    for told in ("12 monitors", "<b>1</b> in an alarm", "<b>3</b> suspicious", "<b>1</b> learning", "<b>7</b> quiet"):
        assert told in page.html
    assert "false alarms in 30 days at most 1<" in page.html


def test_the_monitor_with_most_evidence_is_shown_with_its_promise(page: Page) -> None:
    facts = {
        "State": "alarm",
        "Normal level": "0.900",
        "Learned from": "4,100 judged answers",
        "Finds, half the time": "a drop of 0.05 in about 6 h",
        "Smallest found in a week": "0.03",
        "Wrong at most": "once in 100 months",
    }
    for label, fact in facts.items():
        assert f"<dt>{label}</dt><dd><bdi>{fact}</bdi></dd>" in page.html


def test_evidence_and_metric_stand_beside_each_other_with_events_start_and_normal_level(page: Page) -> None:
    evidence, metric = chart(page, 0), chart(page, 1)
    # Events, the estimated start, the evidence, and the line of an alarm.
    assert marks(evidence) == ["rule", "rule", "area", "line", "circle", "rule"]
    assert marks(metric) == ["rule", "rule", "rule", "area", "line", "circle"]
    assert "prompt version v1" in page.app.get("vega_lite_chart")[0].proto.alt
    assert "Its normal level is 0.900." in page.app.get("vega_lite_chart")[1].proto.alt


def test_what_was_found_can_be_acted_on_here(page: Page) -> None:
    keys = {str(button.key) for button in page.app.button}
    assert {f"accept-{seed.DRIFT}", f"silence-{seed.DRIFT}", f"acknowledge-{seed.DRIFT}"} <= keys
    assert "quality-drop" not in page.html, "an alert of a rule"


def test_names_of_others_are_escaped(page: Page) -> None:
    assert seed.HOSTILE_FEATURE not in page.html
    assert html.escape(seed.HOSTILE_FEATURE) in page.html
    assert not page.app.markdown


def test_a_link_shows_the_monitor_that_it_names(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="drift", monitor=seed.WATCHED)
    assert "Error rate<small>environment production</small>" in page.html
    assert "not worked out yet" in page.html
    page.app.button(key=f"go-Quality-{seed.SUSPECT}").click()
    page.run()
    assert page.app.query_params["monitor"] == seed.SUSPECT
    assert "prompt_version v2</small>" in page.html


def test_a_link_to_a_monitor_that_is_not_there_says_so_and_shows_no_other(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for parameters in (
        {"monitor": "e" * 16},
        {"monitor": "<b>"},
        {"monitor": seed.SUSPECT, "feature": "search-summary"},
    ):
        page = Page(seeded.path, monkeypatch, at="drift", **parameters)
        assert "not there any more, or not within these filters" in page.html
        assert not page.app.get("vega_lite_chart")
        assert '<div class="dl-monitor"><span>' in page.html, "there are others to choose from"


def test_filters_and_the_metric_choose_monitors(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="drift", feature="search-summary")
    assert page.html.count('<div class="dl-monitor"><span>') == 4
    page.app.selectbox(key="drift_metric").set_value("latency_p95")
    page.run()
    assert page.app.query_params["metric"] == "latency_p95"
    assert page.html.count('<div class="dl-monitor"><span>') == 1
    for nothing in ("' OR 1 = 1 --", "never seen"):
        assert "None of what is watched" in Page(seeded.path, monkeypatch, at="drift", feature=nothing).html


def test_the_course_reaches_from_the_window_s_begin_to_now(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    Page(seeded.path, monkeypatch, at="drift")
    now = datetime.now(UTC)
    course = drift_data.course(View(), now, seed.SUSPECT)
    assert len(course) == 31
    assert course["at"].iloc[-1] == now
    assert course["evidence"].is_monotonic_increasing
    late = drift_data.course(View(), now + timedelta(hours=22), seed.SUSPECT)
    assert late["at"].iloc[0] == now - timedelta(hours=2), "what was before begins it"
    assert drift_data.course(View(), now, "0" * 16).shape == (2, 3)
    assert drift_data.course(View(), now, "unknown").empty


def test_without_anything_watched_it_says_what_to_do(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(empty.path, monkeypatch, at="drift")
    assert "Nothing is watched yet" in page.html
    assert "driftline alert" in page.html


def test_a_worker_that_has_looked_and_seen_no_stream_is_told_from_one_that_never_looked(
    empty: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "has not looked at anything yet" in Page(empty.path, monkeypatch, at="drift").html
    with contextlib.closing(empty.client()) as client:
        client.command("INSERT INTO drift_snapshots (name, step, state) VALUES ('feed', 1, '')")
        try:
            assert "has seen no stream yet" in Page(empty.path, monkeypatch, at="drift").html
            watch = drift_data.watch(DEFAULT, datetime.now(UTC))
        finally:
            client.command("TRUNCATE TABLE drift_snapshots")
    assert watch.looked is not None
    assert datetime.now(UTC) - watch.looked < timedelta(minutes=1)
    assert (watch.monitors, watch.features, len(watch.heat), watch.runs) == (0, 0, 0, False)


def test_health_has_the_sentence_the_changes_and_the_heat_map_after_the_numbers(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch)
    name = html.escape(seed.HOSTILE_FEATURE)
    sentence = f"Unhealthy: {name}&#x27;s judged quality fell from 0.900 to 0.820 since "
    parts = [sentence, "prompt version v1 → v2 (support-bot)", "2 open alerts", 'data-metric="requests"', "dl-heat"]
    assert [page.html.index(part) for part in parts] == sorted(page.html.index(part) for part in parts)
    heat = page.html.split('class="dl-table dl-heat"')[1].split("</table>")[0]
    assert f'drift?feature=support-bot&amp;metric=quality&amp;monitor={seed.SUSPECT}"' in heat
    for cell in (">alarm<", ">20 %<", ">learns<"):
        assert cell in heat
    assert "Below 10 % of an alarm: Error rate, Latency p95<" in page.html
    assert Page(seeded.path, monkeypatch, feature="search-summary").html.count('<td class="dl-heat-2">') == 1


@pytest.mark.parametrize(
    ("evidence", "said"), [(0.0, "below 1 %"), (0.01, "1 %"), (2.5, "250 %"), (1e20, "over 1,000 times")]
)
def test_evidence_is_told_as_a_share_of_an_alarm(evidence: float, said: str) -> None:
    assert _share(evidence) == said
