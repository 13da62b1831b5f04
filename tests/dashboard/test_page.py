"""The page's logic, run as Streamlit runs it, on a real store."""

from __future__ import annotations

import contextlib
import html
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from dashboard import seed
from dashboard.conftest import Page, charts
from driftline_dashboard import data
from driftline_dashboard.view import View
from driftline_dashboard.widgets import answers
from driftline_dashboard.widgets.answers_data import Answer
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value
from driftline_store.metrics_query import read_one
from store_fixtures import running_store

if TYPE_CHECKING:
    from pathlib import Path

    from streamlit.testing.v1.element_tree import Button

    from driftline_store.client import Client
    from store_fixtures import RunningStore


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """One moment for the page and for what it is compared with."""
    now = datetime.now(UTC).replace(microsecond=0)
    monkeypatch.setattr(data, "moment", lambda: now)
    return now


def openers(page: Page) -> list[Button]:
    """The buttons that open an answer, from the newest on."""
    return [button for button in page.app.button if str(button.key).startswith("open-")]


def expected(store: RunningStore, name: str, now: datetime, **where: str) -> tuple[str, str]:
    span = data.period(View(), now)
    client = store.client()
    reading = read_one(client, name, since=span.since, until=span.until, where=where)
    client.close()
    return format_value(METRICS[name], reading.value), f"n = {reading.n:,} {reading.metric.n_label}"


def test_every_tile_shows_what_the_metrics_layer_says(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime
) -> None:
    page = Page(seeded.path, monkeypatch)
    for name in data.TILES:
        value, basis = expected(seeded, name, frozen)
        assert f"<strong>{value}</strong>" in page.tile(name), name
        assert basis in page.tile(name), name
    for name in ("error_rate", "satisfaction", "fallback_rate", "quality"):
        assert "95 % interval" in page.tile(name)
    assert "of calls unpriced" in page.tile("cost_per_request")
    assert "of requests" in page.tile("quality")


def test_a_tile_compares_with_the_day_before(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    tile = Page(seeded.path, monkeypatch, feature="support-bot").tile("quality")
    assert "▼ −" in tile
    assert "worse" in tile
    assert re.search(r"from 0\.(89|90|91)\d", tile)


def test_the_url_filters(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime) -> None:
    page = Page(seeded.path, monkeypatch, feature="support-bot", prompt_version="v2")
    where = {"feature": "support-bot", "prompt_version": "v2"}
    value, basis = expected(seeded, "requests", frozen, **where)
    assert value in page.tile("requests")
    assert basis in page.tile("requests")
    assert page.app.selectbox(key="filter_feature").value == "support-bot"
    assert page.app.selectbox(key="filter_prompt_version").value == "v2"
    assert page.app.selectbox(key="filter_model").value is None


def test_choosing_a_filter_changes_the_url_and_the_numbers(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime
) -> None:
    page = Page(seeded.path, monkeypatch)
    page.app.selectbox(key="filter_model").set_value("gpt-4o")
    page.run()
    assert dict(page.app.query_params) == {"model": "gpt-4o"}
    assert expected(seeded, "requests", frozen, model="gpt-4o")[0] in page.tile("requests")
    page.app.selectbox(key="filter_model").set_value(None)
    page.run()
    assert dict(page.app.query_params) == {}
    assert expected(seeded, "requests", frozen)[0] in page.tile("requests")


def test_choosing_a_window_changes_the_url(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch)
    page.choose("Window", "7d")
    assert dict(page.app.query_params) == {"window": "7d"}
    assert "nothing in the 7 d before to compare with" in page.tile("quality")


def test_a_segment_without_data_says_so(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, feature="never seen")
    assert page.app.selectbox(key="filter_feature").value == "never seen"
    for name in ("error_rate", "latency_p95", "cost_per_request", "satisfaction", "fallback_rate", "quality", "spend"):
        assert "no data yet" in page.tile(name), name
        assert "n = 0 " in page.tile(name), name
    assert "nan" not in page.html.lower()


@pytest.mark.parametrize("value", ["x" * 201, "line\nbreak", "nul\0"])
def test_a_value_that_nobody_names_a_segment_is_no_filter(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime, value: str
) -> None:
    page = Page(seeded.path, monkeypatch, feature=value, window=value, unknown=value)
    assert expected(seeded, "requests", frozen)[0] in page.tile("requests")


def test_a_filter_is_never_sql(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, feature="' OR 1 = 1 --", model="\\'; DROP TABLE llm_rollups")
    assert "no data yet" in page.tile("error_rate")


def test_open_alerts_stand_above_and_resolved_ones_do_not(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch)
    assert "2 open alerts" in page.html
    assert "quality-drop" in page.html
    assert "feature support-bot · prompt version v2" in page.html
    assert "<b>0.820</b> against 0.870 (n = 412)" in page.html
    assert 'href="?feature=support-bot&amp;prompt_version=v2"' in page.html
    assert "&lt;b&gt;fell&lt;/b&gt;" in page.html


def test_an_answer_shows_the_cost_that_was_found_later_beside_the_reported_one(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, feature=seed.PRICED_LATER)
    [button] = openers(page)
    button.click()
    page.run()
    assert "cost $0.020 by file:0123abcd" in page.html
    assert "reported cost $0.030, 50% more than ours" in page.html


@pytest.mark.parametrize(
    ("ours", "reported", "said"),
    [
        (Decimal(1), 1.04, ""),
        (Decimal(1), 0.96, ""),
        (Decimal(1), 1.06, ", 6% more than ours"),
        (Decimal(2), 1.0, ", 50% less than ours"),
        (Decimal(0), 0.1, ", ours is none"),
        (Decimal(0), 0.0, ""),
    ],
)
def test_a_reported_cost_is_remarked_on_when_it_differs_by_more_than_5_percent(
    ours: Decimal, reported: float, said: str
) -> None:
    answer = Answer(
        *("t", "s", datetime.now(UTC), "f", "m", "v", 1.0, False, "", "", "", "", "", ""),
        cost=ours,
        reported_cost=reported,
    )
    assert answers._difference(answer) == said


def test_texts_of_others_are_escaped_everywhere(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, feature=seed.HOSTILE_FEATURE)
    [button] = openers(page)
    button.click()
    page.run()
    for raw in (seed.HOSTILE_QUESTION, seed.HOSTILE_FEATURE, "<i>bad</i>"):
        assert raw not in page.html
        assert html.escape(raw) in page.html
    # In the line and its title; question, answer, error, explanation.
    assert page.html.count(html.escape(seed.HOSTILE_QUESTION)) == 6
    # Markdown would render too, so nothing of it may be in a Markdown element.
    assert not any("pixel.png" in element.value for element in (*page.app.markdown, *page.app.caption))


def test_a_long_text_is_cut(empty: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime) -> None:
    client = empty.client()
    try:
        seed.hostile(client, frozen)
        client.command(
            "INSERT INTO llm_spans (trace_id, span_id, start, feature, is_request, input, output) "
            f"SELECT 'long', 'long', toDateTime64({frozen.timestamp() - 5}, 6, 'UTC'), 'long', true, "
            "repeat('a', 20000), 'short'"
        )
        page = Page(empty.path, monkeypatch, feature="long")
        openers(page)[0].click()
        page.run()
        assert "(14,000 more characters)" in page.html
        assert len(page.html) < 20_000
    finally:
        for table in ("llm_spans", "llm_rollups", "evaluations"):
            client.command(f"TRUNCATE TABLE {table}")
        client.close()


def listed(page: Page) -> list[str]:
    return page.html.split('<div class="dl-row">')[1:]


def test_answers_are_the_worst_judged_unless_somebody_chooses(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch)
    assert len(listed(page)) == 30
    assert all('<span class="dl-bad">0.000</span>' in row for row in listed(page))
    page.choose("Answers", "negative")
    assert listed(page)
    assert all('<span class="dl-bad">thumbs down</span>' in row for row in listed(page))
    assert page.app.query_params["answers"] == "negative"
    page.choose("Answers", "random")
    drawn = [button.key for button in openers(page)]
    assert len({button.label[:-3] for button in openers(page)}) > 10, "of the whole window"
    next(button for button in page.app.button if button.label == "Draw others").click()
    page.run()
    assert [button.key for button in openers(page)] != drawn


def test_without_scores_answers_are_the_newest_to_the_second(
    empty: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime
) -> None:
    with contextlib.closing(empty.client()) as client:
        try:
            seed.seed(client, seed.Traffic(frozen, hours=2, per_hour=60, judged=0.0), with_alerts=False)
            labels = [button.label for button in openers(Page(empty.path, monkeypatch))]
            query = "SELECT start FROM llm_spans WHERE is_request ORDER BY start DESC LIMIT 30"
            starts = [start.replace(tzinfo=UTC) for (start,) in client.query(query).result_rows]
            assert labels == [f"{start.day} {start:%b %H:%M:%S}" for start in starts]
        finally:
            for table in ("llm_spans", "llm_rollups", "evaluations"):
                client.command(f"TRUNCATE TABLE {table}")


def test_what_a_column_cuts_stands_in_its_title() -> None:
    answer = Answer(*("t", "s", datetime.now(UTC), 'f"', "m", "v", 1.0, False, "", "", "no", "long " * 40, "", ""))
    said = ("long " * 40).strip()
    row = answers.cells(answer)
    for title in (said, "f&quot;", "m", "v", "fallback: no"):
        assert f' title="{title}">' in row


def test_the_list_stands_still_until_somebody_asks_for_what_is_new(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime
) -> None:
    page = Page(seeded.path, monkeypatch, feature="support-bot", answers="newest")
    before = [button.key for button in openers(page)]
    assert not [button for button in page.app.button if button.label.endswith(" new")]
    client = seeded.client()
    traffic = seed.Traffic(frozen, hours=1, per_hour=60)
    seed.seed(client, traffic, random_seed=99, with_alerts=False)
    client.close()
    monkeypatch.setattr(data, "moment", lambda: frozen + timedelta(seconds=data.REFRESH_SECONDS))
    page.run()
    assert [button.key for button in openers(page)] == before
    [button] = [button for button in page.app.button if button.label.endswith(" new")]
    button.click()
    page.run()
    now = [each.key for each in openers(page)]
    assert button.label == f"Show {len(set(now) - set(before))} new"
    page.app.selectbox(key="filter_model").set_value("gpt-4o-mini")
    page.run()
    assert not [button for button in page.app.button if button.label.endswith(" new")], "other filters, another list"


def test_one_picture_a_version_and_one_of_the_errors(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = charts(Page(seeded.path, monkeypatch))
    assert len(specs) == 3
    first, second, errors = specs
    marks = [layer["mark"]["type"] for layer in first["layer"]]
    # Events, the other one in grey, the interval, the line, its points.
    assert marks == ["rule", "line", "area", "line", "circle"]
    assert [layer["encoding"].get("y", {}).get("scale") for layer in first["layer"]] == [
        layer["encoding"].get("y", {}).get("scale") for layer in second["layer"]
    ]
    assert errors["encoding"]["color"]["scale"]["domain"] == [
        "Timeouts", "Rate limits", "Content policy", "Server errors", "Other errors"
    ]  # fmt: skip


def test_splitting_by_feature_shows_all_features(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch)
    page.choose("Split by", "Feature")
    assert "By feature" in page.html
    for feature in ("support-bot", "search-summary", "ticket-triage"):
        assert f"</span>{feature}</td>" in page.html


def test_without_data_the_page_says_how_to_begin(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(empty.path, monkeypatch)
    assert "No data yet" in page.html
    assert "@observe" in page.app.code[0].value
    assert "dl-tile" not in page.html


def test_without_a_store_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(tmp_path, monkeypatch)
    assert "The store cannot be read" in page.html
    assert "driftline" in page.html
    assert "Traceback" not in page.html


def test_without_tables_one_sentence_says_what_to_do(
    seeded: RunningStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = seeded.client()
    client.command("CREATE DATABASE IF NOT EXISTS bare")
    client.close()
    endpoint = seeded.endpoint
    login = f"{endpoint.user}:{endpoint.password}"
    monkeypatch.setenv("DRIFTLINE_STORE", f"clickhouse://{login}@{endpoint.host}:{endpoint.port}/bare")
    page = Page(tmp_path, monkeypatch)
    assert "lacks a table" in page.html
    assert endpoint.password not in page.html


def test_numbers_are_compared_with_the_same_time_a_week_ago_once_that_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_store(tmp_path, prepared=True) as store, contextlib.closing(store.client()) as client:
        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        sums = [(now - timedelta(hours=2), 30), (now - timedelta(days=1, hours=2), 20), (now - timedelta(hours=49), 1)]
        put_requests(client, sums)
        page = Page(tmp_path, monkeypatch)
        assert "compared with the 24 h before" in page.html
        assert "from 20" in page.tile("requests")
        put_requests(client, [(now - timedelta(days=7, hours=2), 40), (now - timedelta(days=9), 1)])
        page = Page(tmp_path, monkeypatch)
        assert "compared with the same time a week ago" in page.html
        assert "from 40" in page.tile("requests")


@pytest.mark.parametrize(
    ("began", "said"),
    [
        (timedelta(hours=30), "compared with nothing yet: stored for 30 h only"),
        (timedelta(minutes=20), "compared with nothing yet: stored for 20 min only"),
        (timedelta(hours=48), "from 1,440"),
        (timedelta(hours=47, minutes=40), "from 1,420"),
    ],
)
def test_steady_traffic_is_no_rise_because_it_began_within_the_time_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frozen: datetime, began: timedelta, said: str
) -> None:
    now = frozen.replace(second=0)
    monkeypatch.setattr(data, "moment", lambda: now)
    with running_store(tmp_path, prepared=True) as store, contextlib.closing(store.client()) as client:
        put_requests(client, [(now - timedelta(minutes=1 + each), 1) for each in range(began // timedelta(minutes=1))])
        page = Page(tmp_path, monkeypatch)
        assert said in page.tile("requests")
        assert said.startswith("from") or "%" not in page.tile("requests").split("dl-change")[1]


def put_requests(client: Client, sums: list[tuple[datetime, int]]) -> None:
    """So many requests at each time, in sums of all resolutions."""
    begins: dict[str, dict[str, Any]] = {"minute": {}, "hour": {"minute": 0}, "day": {"minute": 0, "hour": 0}}
    rows = [
        [resolution, at.replace(**begin), "bot", requests]
        for at, requests in sums
        for resolution, begin in begins.items()
    ]
    client.insert("llm_rollups", rows, column_names=["resolution", "at", "feature", "requests"])
