"""A view as of a moment: the URL leads to what somebody saw, and nothing on the page is of later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from dashboard import seed
from dashboard.conftest import Page
from driftline_alerts.detail import Detail
from driftline_alerts.transition import Transition
from driftline_dashboard import data
from driftline_dashboard.alerts.incidents_data import Incident
from driftline_dashboard.alerts.page import at_its_time
from driftline_dashboard.view import WINDOWS, View, from_url
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value
from driftline_store.metrics_query import read_one

if TYPE_CHECKING:
    from driftline_alerts.transition import State
    from store_fixtures import RunningStore

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EARLIER = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=10)
"""Before all that the seeded alerts and monitors tell."""


def earlier(store: RunningStore, monkeypatch: pytest.MonkeyPatch, at: str = "", moment: datetime = EARLIER) -> Page:
    return Page(store.path, monkeypatch, at=at, until=View(until=moment).to_url()["until"])


def keys(page: Page) -> set[str]:
    return {str(button.key) for button in page.app.button}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-03-02T12:00Z", "2026-03-02T12:00Z"),
        ("2026-03-02T12:00:05.9Z", "2026-03-02T12:00:05Z"),
        ("2026-03-02T12:00", "2026-03-02T12:00Z"),
        ("2026-03-02T13:30:00+01:30", "2026-03-02T12:00Z"),
    ],
)
def test_a_moment_in_a_url_is_kept_to_the_second_in_utc(written: str, kept: str) -> None:
    assert from_url({"until": written}).to_url() == {"until": kept}


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "2026-02-30T12:00Z",
        "1999-12-31T23:59Z",
        "0001-01-01T00:00+14:00",
        "9999-01-01T00:00Z",
        "x" * 999,
    ],
)
def test_what_is_no_moment_or_is_yet_to_come_is_ignored(written: str) -> None:
    assert from_url({"until": written, "window": "1h"}) == View(WINDOWS["1h"])


def test_every_number_is_of_the_time_before_the_moment(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = earlier(seeded, monkeypatch)
    client = seeded.client()
    found = read_one(client, "requests", since=EARLIER - timedelta(hours=24), until=EARLIER)
    client.close()
    assert f"<strong>{format_value(METRICS['requests'], found.value)}</strong>" in page.tile("requests")


def test_the_page_says_that_it_is_not_live_and_leads_back(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = earlier(seeded, monkeypatch)
    said = f"As of {EARLIER.day} {EARLIER:%b %H:%M}, not live"
    assert said in page.html
    assert "refreshes every" not in page.html
    page.app.button(key="back-to-now").click()
    page.run()
    assert dict(page.app.query_params) == {}
    assert "not live" not in page.html
    assert "refreshes every" in page.html


def test_a_moment_is_chosen_by_the_visitors_clock(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch)
    page.app.datetime_input(key="moment_chosen").set_value(EARLIER.replace(tzinfo=None))
    page.app.button(key="FormSubmitter:moment-form-Show this moment").click()
    page.run()
    assert dict(page.app.query_params) == View(until=EARLIER).to_url()
    assert "not live" in page.html


def test_the_moment_stays_when_a_filter_is_chosen_and_on_every_link(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = earlier(seeded, monkeypatch)
    until = View(until=EARLIER).to_url()
    page.app.selectbox(key="filter_model").set_value("gpt-4o")
    page.run()
    assert dict(page.app.query_params) == until | {"model": "gpt-4o"}
    links = [link.proto.query_string for link in page.app.get("page_link")]
    assert links
    assert all("until=" in link for link in links)


def test_what_began_later_was_not_open_then(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "open alert" not in earlier(seeded, monkeypatch).html
    assert "No open incident" in earlier(seeded, monkeypatch, "alerts").html
    assert "Nothing is watched yet" in earlier(seeded, monkeypatch, "drift").html


def test_what_is_over_by_now_was_open_then_and_nothing_can_be_done_about_it(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    then = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=5) + timedelta(minutes=15)
    page = earlier(seeded, monkeypatch, "alerts", moment=then)
    assert "Open incidents: 1" in page.html
    assert f"history-{seed.PAST}" in keys(page)
    assert not [key for key in keys(page) if key.startswith(("acknowledge-", "silence-", "accept-"))]


@pytest.mark.parametrize("at", ["quality", "latency", "cost", "errors", "traces", "compare", "label"])
def test_every_page_is_as_of_the_moment(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    moments: list[datetime] = []
    period = data.period

    def noted(view: View, as_of: datetime) -> data.Period:
        moments.append(as_of)
        return period(view, as_of)

    monkeypatch.setattr(data, "moment", lambda: pytest.fail("asked for the time of now"))
    monkeypatch.setattr(data, "period", noted)
    assert "not live" in earlier(seeded, monkeypatch, at).html
    assert {moment.replace(second=0) for moment in moments} <= {EARLIER}


def test_the_page_about_driftline_itself_is_of_now(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = earlier(seeded, monkeypatch, "system")
    assert "not live" not in page.html
    assert "all of Driftline, now" in page.html


def incident(began: datetime, ended: datetime, state: State) -> Incident:
    """Of the model m1."""
    detail = Detail(side="above", window_minutes=15)
    first = Transition(
        id="1", incident="i", rule="r", segment=(("model", "m1"),), state="firing", at=began, started=began,
        metric="error_rate", value=0.2, threshold=0.1, n=9, detail=detail,
    )  # fmt: skip
    last = replace(first, id="2", state=state, at=ended)
    return Incident("i", (first, last), (last,))


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("began", "ended", "state", "expected"),
    [
        (NOW - HOUR / 2, NOW - HOUR / 3, "firing", ("1h", None)),
        (NOW - 3 * HOUR, NOW - 2 * HOUR, "firing", ("24h", None)),
        (NOW - 240 * HOUR, NOW - 2 * HOUR, "firing", ("7d", NOW - 156 * HOUR)),
        (NOW - 3 * HOUR, NOW - 2.5 * HOUR, "resolved", ("1h", NOW - 2.5 * HOUR + timedelta(minutes=10))),
        (NOW - 9 * HOUR, NOW - 2 * HOUR, "resolved", ("24h", NOW - 2 * HOUR + timedelta(minutes=10))),
        (NOW - HOUR / 2, NOW - HOUR / 10, "resolved", ("1h", None)),
    ],
)
def test_an_incident_leads_to_a_view_with_its_begin(
    began: datetime, ended: datetime, state: State, expected: tuple[str, datetime | None]
) -> None:
    view = View(WINDOWS["7d"], (("feature", "f"),))
    found = at_its_time(view, incident(began, ended, state), NOW)
    assert (found.window.key, found.until) == expected
    span = data.period(found, found.until or NOW)
    assert span.since < began < span.until
    assert found.where == {"feature": "f", "model": "m1"}


def test_an_incident_that_is_over_links_to_its_time(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="alerts")
    links = [link.proto.query_string for link in page.app.get("page_link") if link.proto.label == "Show on Health"]
    assert any("until=" in link and "window=1h" in link for link in links)
    assert any("until=" not in link for link in links)
