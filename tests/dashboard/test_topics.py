"""The pages about one thing each, run as Streamlit runs them, on a real store."""

from __future__ import annotations

import contextlib
import html
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import pandas as pd
import pytest

import driftline
from dashboard import seed
from dashboard.conftest import Page, charts
from driftline_dashboard import data
from driftline_dashboard.topics import cost_data
from driftline_dashboard.topics.cost_data import Price
from driftline_dashboard.topics.table import TOPICS
from driftline_dashboard.view import View, from_url
from driftline_dashboard.widgets import points
from driftline_dashboard.widgets.next_steps import NEXT_STEPS
from driftline_store.distributions import query_counts
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value
from driftline_store.metrics_query import query_metrics, readings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftline_dashboard.topics.table import Topic
    from driftline_store.client import Client
    from store_fixtures import RunningStore


@pytest.fixture(scope="module", autouse=True)
def frozen() -> Iterator[datetime]:
    """One moment for the pages and for what they are compared with."""
    now = datetime.now(UTC).replace(microsecond=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "moment", lambda: now)
        yield now


@pytest.fixture(scope="module")
def standing(seeded: RunningStore, frozen: datetime) -> Iterator[Callable[[str], Page]]:
    """Pages that are only looked at: to build one takes a second."""
    with pytest.MonkeyPatch.context() as patch:
        yield cache(lambda at: Page(seeded.path, patch, at=at, split="feature"))


def ask(store: RunningStore, query: str, now: datetime) -> list[tuple[object, ...]]:
    """Rows of a query about the last 24 h before a moment; it says ``during`` where the time goes."""
    first, end = (int((now - ago).timestamp()) for ago in (timedelta(hours=24), timedelta()))
    during = (
        f"toStartOfMinute(start) >= toDateTime({first}, 'UTC') AND toStartOfMinute(start) < toDateTime({end}, 'UTC')"
    )
    with contextlib.closing(store.client()) as client:
        return [tuple(row) for row in client.query(query.replace("during", during)).result_rows]


def cells_of(page: Page, first: str) -> list[str]:
    """The row of a table that begins with a text, as text."""
    row = page.html.split(f"{html.escape(first)}</td>")[1].split("</tr>")[0]
    return [re.sub("<[^>]*>", " ", cell).strip() for cell in row.split("</td>")]


def forget_judging(client: Client) -> None:
    for table in ("evaluations", "llm_rollups", "judged_rollups"):
        client.command(f"TRUNCATE TABLE {table}")


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.place.path)
class TestEveryTopic:
    def test_its_tiles_are_the_metrics_layers_numbers_and_names_of_others_are_text(
        self, topic: Topic, seeded: RunningStore, standing: Callable[[str], Page], frozen: datetime
    ) -> None:
        page = standing(topic.place.path)
        span = data.period(View(), frozen)
        with contextlib.closing(seeded.client()) as client:
            frame = query_metrics(client, topic.tiles, since=span.since, until=span.until)
        for name in topic.tiles:
            [reading] = readings(frame, name, since=span.since, until=span.until)
            value = format_value(METRICS[name], reading.value) if reading.n else "no data yet"
            assert value in page.tile(name), name
            assert f"n = {reading.n:,} " in page.tile(name), name
        assert all(chart.proto.alt for chart in page.app.get("vega_lite_chart"))
        assert html.escape(seed.HOSTILE_FEATURE) in page.html
        for raw in (seed.HOSTILE_FEATURE, seed.HOSTILE_AGENT, seed.HOSTILE_QUESTION):
            assert raw not in page.html
        assert not page.app.markdown
        assert not page.app.code
        page.open_menus()
        statements = [code.value for code in page.app.code]
        assert len(statements) == len(page.app.get("download_button")) > 2
        assert all(statement.startswith("SET param_") for statement in statements)

    def test_a_segment_without_data_says_so(
        self, topic: Topic, seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = Page(seeded.path, monkeypatch, at=topic.place.path, feature="never seen")
        assert "no data yet" in page.tile(topic.tiles[0])
        assert not charts(page)
        assert "nan" not in page.html.lower()


@pytest.mark.parametrize(
    ("at", "names"),
    [
        ("cost", {"days", "spenders-user", "spenders-session", "instead"}),
        ("errors", {"error_class", "fallback_reason", "error_class-table", "fallback_reason-table"}),
    ],
)
def test_each_table_has_its_statement_and_its_numbers(
    standing: Callable[[str], Page], at: str, names: set[str]
) -> None:
    keys = set(standing(at).app.session_state._state.filtered_state)
    assert {f"data-{name}" for name in names} <= keys


def test_what_has_to_be_told_first_says_by_which_call(standing: Callable[[str], Page]) -> None:
    assert NEXT_STEPS.keys() <= METRICS.keys()
    said = " ".join(NEXT_STEPS.values())
    assert set(re.findall(r"driftline\.(\w+)", said)) <= set(driftline.__all__)
    tile = standing("quality").tile("failed_check_rate")
    assert "no data yet" in tile
    assert "driftline checks set" in tile


def test_without_any_data_a_topic_says_how_to_begin(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No data yet" in Page(empty.path, monkeypatch, at="latency").html


def test_the_heat_map_has_every_request_the_percentiles_and_the_limit_of_the_rule(
    seeded: RunningStore, standing: Callable[[str], Page], frozen: datetime
) -> None:
    page = standing("latency")
    [[requests]] = ask(seeded, "SELECT count() FROM llm_spans WHERE is_request AND during", frozen)
    span = data.period(View(), frozen)
    with contextlib.closing(seeded.client()) as client:
        counts = query_counts(client, ["latency"], since=span.since, until=span.until, step=View().window.step)
    assert int(counts["count"].sum()) == requests
    heat, lines, limit = charts(page)[0]["layer"]
    assert [heat["mark"]["type"], lines["mark"]["type"], limit["mark"]["type"]] == ["rect", "line", "rule"]
    assert lines["encoding"]["color"]["scale"]["domain"] == ["p50", "p95", "p99"]
    assert "dashed: limit of the rule slow answers: 3.00 s" in page.html


def test_the_slowest_come_first(seeded: RunningStore, standing: Callable[[str], Page], frozen: datetime) -> None:
    query = "SELECT duration FROM llm_traces WHERE during ORDER BY duration DESC LIMIT 30"
    found = [format_value(METRICS["latency_p95"], row[0]) for row in ask(seeded, query, frozen)]  # type: ignore[arg-type]
    rows = standing("latency").html.split('<div class="dl-row"><span ')[1:]
    assert [re.findall(r'"dl-num">([^<]+) s<', row)[0] + " s" for row in rows] == found


def test_a_class_of_errors_is_counted_and_has_its_examples_and_what_a_url_makes_up_is_as_if_it_were_not_there(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime
) -> None:
    page = Page(
        seeded.path, monkeypatch, at="errors", kind="error.rate_limit", point="now", split="<b>", metric="' OR 1 = 1"
    )
    assert "By feature" in page.html
    query = "SELECT countIf(error_class = 'rate_limit'), count() FROM llm_spans WHERE is_request AND during"
    [(errors, requests)] = ask(seeded, query, frozen)
    count, share, *_ = cells_of(page, "Rate limits")
    assert count == f"{errors:,}"
    assert share.split() == [*f"{errors / requests * 100:.1f} %".split(), *f"n = {requests:,}".split()]  # type: ignore[operator]
    rows = page.html.split('<div class="dl-row"><span ')[1:]
    # Examples are of the window to the second, sums of the minutes that begin in it.
    since = int((frozen - timedelta(hours=24)).timestamp())
    query = (
        "SELECT count() FROM llm_spans WHERE is_request AND error_class = 'rate_limit' "
        f"AND start >= toDateTime({since}, 'UTC') AND start < toDateTime({since + 86400}, 'UTC')"
    )
    [[listed]] = ask(seeded, query, frozen)
    assert len(rows) == min(listed, 30)  # type: ignore[call-overload]
    assert all('<span class="dl-bad">rate_limit</span>' in row for row in rows)


def test_a_point_of_the_curve_in_the_url_bounds_the_examples(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime
) -> None:
    step = int(View().window.step.total_seconds())
    point = int(frozen.timestamp()) // step * step - 4 * step
    page = Page(seeded.path, monkeypatch, at="latency", point=str(point))
    assert page.app.selectbox(key=f"chosen_{points.POINT}").value == str(point)
    query = f"SELECT count() FROM llm_traces WHERE intDiv(toUnixTimestamp(start), {step}) * {step} = {point}"
    [[requests]] = ask(seeded, query, frozen)
    assert page.html.count('<div class="dl-row"><span ') == min(requests, 30) > 0  # type: ignore[call-overload]


def test_a_point_of_a_curve_leads_to_the_page_that_lists_its_requests() -> None:
    view = View().with_filter("feature", "a b").with_filter("model", "gpt")
    frame = pd.DataFrame({"time": [1_700_000_100_000.0, 1_700_001_900_000.0]})
    lead = points.linked(frame, "fallback_rate", view, model="", prompt_version="v&2")["url"]
    kept = "errors?feature=a+b&model=&prompt_version=v%262&kind=fallback&point="
    assert list(lead) == [f"{kept}1700000100", f"{kept}1700001900"]
    assert from_url(dict(parse_qsl(lead[0].partition("?")[2], keep_blank_values=True))).where == {
        "feature": "a b", "model": "", "prompt_version": "v&2",
    }  # fmt: skip
    assert "url" not in points.linked(frame, "spend", view)


@pytest.mark.parametrize("at", ["", "latency", "quality", "errors"])
def test_curves_and_heat_maps_can_be_clicked(standing: Callable[[str], Page], at: str) -> None:
    assert any('"href": {"field": "url"' in json.dumps(spec) for spec in charts(standing(at)))


def test_lowest_scores_are_looked_for_when_somebody_chooses(
    seeded: RunningStore, standing: Callable[[str], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = standing("quality")
    assert '<div class="dl-row">' not in page.html
    assert "raw only" in page.tile("corrected")
    assert "label 50 answers to correct it" in page.tile("corrected")
    page = Page(seeded.path, monkeypatch, at="quality", point="all")
    rows = page.html.split('<div class="dl-row"><span ')[1:]
    assert len(rows) == 30
    assert all("0.000" in row for row in rows)
    heat, mean, _ = charts(page)[0]["layer"]
    assert heat["encoding"]["y"]["scale"]["domain"] == [-0.025, 1.025]
    assert mean["encoding"]["color"]["scale"]["domain"] == ["mean"]
    assert "dashed: limit of the rule low quality: 0.850" in page.html


def test_labels_correct_the_quality_and_anchors_say_that_the_judge_moved(
    empty: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime
) -> None:
    with contextlib.closing(empty.client()) as client:
        forget_judging(client)  # what other tests have left
        try:
            seed.judging(client, frozen)
            page = Page(empty.path, monkeypatch, at="quality")
        finally:
            forget_judging(client)
    assert "<strong>0.850</strong>" in page.tile("quality")
    assert "<strong>0.750</strong>" in page.tile("corrected")  # as people passed them, of whom the judge knows nothing
    assert "n = 48 labels, of 48 judged answers" in page.tile("corrected")
    assert cells_of(page, seed.HOSTILE_FEATURE)[0].split() == ["0.750", "n", "=", "48"]
    assert "The judge itself moved by −0." in page.html


def test_what_was_spent_by_users_and_would_be_with_another_model(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, frozen: datetime
) -> None:
    monkeypatch.setattr(cost_data, "prices", lambda: {"dear": Price(10.0, 20.0), "gpt-4o": Price(1.0, 2.0)})
    page = Page(seeded.path, monkeypatch, at="cost", instead="dear")
    minute = frozen.replace(second=0)
    query = (
        "SELECT user_id, toFloat64(sum(cost)) AS usd FROM llm_traces WHERE during AND user_id != '' "
        "GROUP BY user_id ORDER BY usd DESC"
    )
    said = page.html.split("Users who spend most")[1]
    [(user, usd), *_] = ask(seeded, query, minute)
    assert f"<bdi>{user}</bdi>" in said.split("</tr>")[1]
    assert format_value(METRICS["spend"], usd) in said.split("</tr>")[1]  # type: ignore[arg-type]
    assert f'href="traces?user={user}"' in said
    query = (
        "SELECT count(), sum(input_tokens), sum(output_tokens), toFloat64(sum(cost)) "
        "FROM llm_spans WHERE is_call AND during AND model = 'our-7b'"
    )
    [(calls, asked, answered, _)] = ask(seeded, query, frozen)
    cells = cells_of(page, "our-7b")
    assert cells[:3] == [f"{number:,}" for number in (calls, asked, answered)]
    assert cells[4] == format_value(METRICS["spend"], (10 * asked + 20 * answered) / 1e6)  # type: ignore[operator]
    assert "No forecast yet: it takes 7 whole days to estimate from" in page.html
    assert "Spent so far" in page.html
    monkeypatch.setattr(cost_data, "prices", lambda: {"dear": Price(1e4, 2e4)})
    page = Page(seeded.path, monkeypatch, at="cost")
    assert "No model is known to cost less" in page.html
    assert page.app.selectbox(key="chosen_instead").value == ""
