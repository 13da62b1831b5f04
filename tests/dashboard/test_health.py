"""The first page tells what the filters are about, what lies outside of them, and nothing that is noise."""

from __future__ import annotations

import contextlib
import html
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from dashboard import seed
from dashboard.conftest import Page
from driftline_alerts.detail import Detail
from driftline_alerts.drift.finding import Finding
from driftline_alerts.drift.finding import write as write_finding
from driftline_alerts.transition import Transition, write
from driftline_dashboard.drift import drift_data
from driftline_dashboard.health import heat, verdict
from driftline_dashboard.health.open_alerts import open_alerts
from driftline_dashboard.view import View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_store.client import Client
    from store_fixtures import RunningStore

NOW = datetime.now(UTC).replace(microsecond=0)
BEGIN = NOW - timedelta(hours=5)


@pytest.fixture
def client(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Of the empty store, which the dashboard reads; it is empty again afterwards."""
    Page(empty.path, monkeypatch)
    with contextlib.closing(empty.client()) as client:
        yield client
        for table in ("alert_transitions", "drift_findings"):
            client.command(f"TRUNCATE TABLE {table}")


def step(name: str, state: str, minute: int, **changed: Any) -> Transition:
    told: dict[str, Any] = {"incident": "i1", "rule": "quality-drop", "segment": (("feature", "faq"),)}
    told |= {"started": BEGIN, "metric": "quality", "value": 0.6, "threshold": 0.9, "n": 800}
    told |= {"detail": Detail(side="below", window_minutes=60)} | changed
    return Transition(id=name, state=state, at=BEGIN + timedelta(minutes=minute), **told)  # type: ignore[arg-type]


def finding(metric: str, minute: int) -> Finding:
    times = dict.fromkeys(("at", "started", "earliest", "latest"), BEGIN + timedelta(minutes=minute))
    told = {"incident": "i1", "kind": "opened", "metric": metric, "about": metric, "segment": (), "place": ()}
    return Finding.model_validate(told | times | {"falls": True, "before": 0.9, "after": 0.6, "n": 800})


def test_what_is_open_is_the_last_step_of_each_alert_once(client: Client) -> None:
    other = {"rule": "other", "segment": (("environment", "x"), ("feature", "faq"))}
    write(client, [step("1", "firing", 0), step("2", "acknowledged", 2), step("3", "firing", 0, **other)])
    write(client, [step("2", "acknowledged", 2), step("4", "resolved", 2, **other)])
    assert [(one.step.id, one.step.state) for one in open_alerts(NOW)] == [("2", "acknowledged")]
    assert {one.step.id for one in open_alerts(BEGIN)} == {"1", "3"}, "as of a moment"


def test_an_alert_has_the_finding_that_its_figures_are_from(client: Client) -> None:
    write(client, [step("1", "firing", 3, rule="drift: quality (i1)")])
    for metric, minute in (("quality", 0), ("latency_p95", 3)):
        write_finding(client, finding(metric, minute))
    [found] = open_alerts(NOW)
    assert found.finding is not None
    assert (found.finding.metric, found.found) == ("quality", BEGIN)


def test_sentence_and_banner_keep_to_the_filters_and_count_what_lies_outside(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, feature="search-summary", window="7d")
    assert "Healthy within the filters: no alert is open" in page.html
    assert "Unhealthy" not in page.html
    assert '2 open alerts outside the filters: <a href="alerts?window=7d"' in page.html
    page = Page(seeded.path, monkeypatch, feature="support-bot")
    assert "1 open alert<" in page.html
    assert "1 more outside the filters" in page.html
    page = Page(seeded.path, monkeypatch, prompt_version="v2")
    assert "2 open alerts" in page.html, "one of them is about all versions"
    assert "outside the filters" not in page.html


def test_the_gravest_alert_stands_first_with_its_severity_and_leads_to_its_incident(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, window="7d", environment="production")
    first, second = page.html.split('<div class="dl-alert"')[1:3]
    assert 'dl-critical">critical</span><b>Drift: Quality</b>' in first
    assert f"incident={seed.DRIFT}" in first
    assert 'dl-warning">warning</span><b>quality-drop</b>' in second
    kept = "window=7d&amp;environment=production&amp;feature=support-bot&amp;prompt_version=v2"
    assert f'href="?{kept}"' in second
    assert f'href="alerts?{kept}&amp;incident=' in second


def test_where_nothing_looks_health_says_so_and_never_that_it_is_healthy(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict, "LATE", timedelta(days=-1))
    page = Page(seeded.path, monkeypatch, feature="search-summary")
    assert '<h2 class="dl-verdict"><span class="dl-warn">Not watched since' in page.html
    assert "Healthy" not in page.html
    page = Page(seeded.path, monkeypatch)
    assert "Unhealthy" in page.html, "what was found before stands"
    assert "Not watched since" in page.html


def row(feature: str, metric: str, evidence: float = 0.0, **changed: Any) -> dict[str, Any]:
    told = {"feature": feature, "metric": metric, "evidence": evidence, "state": "watching", "stream": "5" * 16}
    return told | {"monitors": 3, "learning": 0, "small": 0, "alarms": 0} | changed


def drawn(*rows: dict[str, Any]) -> str:
    return heat.table(pd.DataFrame(list(rows)), View())


def heads(table: str) -> list[str]:
    return re.findall("<th>([^<]*)</th>", table.partition("</thead>")[0])


def test_an_alarm_is_shown_also_where_another_monitor_has_more_evidence() -> None:
    assert ">alarm<" in drawn(row("faq", "quality", 3.0, state="small", small=1, alarms=1))
    assert ">small<" in drawn(row("faq", "quality", 0.4, state="suspicious", small=1))


def test_a_cell_leads_to_the_monitor_in_an_alarm(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = {"environment": "production", "feature": "faq"}
    told = [("1" * 16, "small", 5.0), ("2" * 16, "episode", 2.0), ("3" * 16, "watching", 0.1)]
    rows = [[stream, NOW, "quality", segment, state, evidence, 10.0] for stream, state, evidence in told]
    names = ["stream", "at", "metric", "segment", "state", "evidence", "n"]
    client.insert("drift_monitors", rows, column_names=names)
    try:
        [found] = drift_data.watch(View().window, NOW).heat.to_dict("records")
    finally:
        client.command("TRUNCATE TABLE drift_monitors")
    assert (found["stream"], found["state"], found["evidence"]) == ("2" * 16, "episode", 5.0)
    assert (found["monitors"], found["alarms"], found["small"]) == (3, 1, 1)


def test_columns_keep_their_order_and_quiet_ones_are_words() -> None:
    loud = [row("faq", "fallback_rate", 0.5), row("faq", "quality", 0.2), row("bot", "error_rate", 0.05)]
    table = drawn(*loud, row("bot", "latency_p95", learning=3))
    assert heads(table) == ["", "Quality", "Fallback rate"]
    assert heads(drawn(*reversed(loud))) == ["", "Quality", "Fallback rate"]
    assert table.index(">faq<") < table.index(">bot<"), "what tells something stands first"
    assert "Below 10 % of an alarm: Error rate; learning: Latency p95<" in table


def test_noise_changes_no_order() -> None:
    tables = [
        drawn(row("a", "quality", one), row("b", "quality", two), row("b", "error_rate", 0.3))
        for one, two in ((0.09, 0.01), (0.01, 0.09))
    ]
    assert [heads(table) for table in tables] == [["", "Error rate"]] * 2
    assert all(table.index(">b<") < table.index(">a<") for table in tables)
    assert drawn(row("a", "quality", 0.05)) == '<p class="dl-muted">Below 10 % of an alarm: Quality</p>'


def test_the_table_says_that_it_knows_of_the_feature_only(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "of the filters only the feature counts here"
    assert said in heading(Page(seeded.path, monkeypatch, model="gpt-4o-mini"))
    assert said not in heading(Page(seeded.path, monkeypatch, feature="support-bot"))


def heading(page: Page) -> str:
    return page.html.split('<div class="dl-h">Drift<small>')[1].split("</small>")[0]


def test_names_of_others_are_escaped_in_the_table() -> None:
    table = drawn(row(seed.HOSTILE_FEATURE, "quality", 1.0))
    assert seed.HOSTILE_FEATURE not in table
    assert html.escape(seed.HOSTILE_FEATURE) in table
