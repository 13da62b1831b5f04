"""The page of comparisons: what it compares, what it says, and which answers stand beside each other."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dashboard.conftest import Page
from driftline_alerts.drift.compare import Comparison
from driftline_alerts.drift.compare_sides import Compared
from driftline_alerts.drift.compare_words import interval
from driftline_dashboard.compare.compare_chart import forest, numbers
from driftline_dashboard.compare.compare_data import Said, paired
from driftline_dashboard.compare.page import summary
from driftline_dashboard.compare.sides import Choice, choose, kind
from driftline_dashboard.view import View
from driftline_store.monitored import MONITORED
from driftline_store.statement import STATEMENT

if TYPE_CHECKING:
    from store_fixtures import RunningStore

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
NAMES = ("v4", "v5")
BASE = Comparison(
    500, 600, 0.9, 0.8, -0.1, -0.15, -0.05, 0.02, None, "worse", None, -0.4, None
)  # fmt: skip


def of(metric: str, verdict: Any, **changed: Any) -> Compared:
    return Compared(MONITORED[metric], replace(BASE, verdict=verdict, **changed), None)


def said(asked: str, score: float | None = None, *, minutes: int = 0, trace: str = "t") -> Said:
    return Said(f"{trace}{minutes}", "s", NOW - timedelta(minutes=minutes), asked, "an answer", score)


def test_the_words_say_what_matters_first_and_name_a_once() -> None:
    found = [
        of("quality", "worse"),
        of("fallback_rate", "worse", a=0.01, b=0.02),
        of("latency_p95", "better", a=2.0, b=1.0),
        of("output_length_p50", "different", a=100.0, b=50.0),
        of("error_rate", "keep going"),
        of("satisfaction", "keep going"),
        of("cost_per_request_p95", "equivalent"),
    ]
    assert summary(found, NAMES) == (
        "v5 is worse than v4 on quality (0.900 → 0.800), fallback rate (1.0 % → 2.0 %); better on latency p95 "
        "(2.00 s → 1.00 s); different on output length p50 (100 → 50); equivalent on cost per request p95; not "
        "known yet on 2 more"
    )


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("better", "v5 is better than v4 on quality (0.900 → 0.800)"),
        ("equivalent", "v5 is equivalent to v4 on quality"),
        ("keep going", "Whether v5 differs from v4 is not known yet on any of 1 metrics"),
    ],
)
def test_the_words_of_one_verdict_alone(verdict: str, words: str) -> None:
    assert summary([of("quality", verdict)], NAMES) == words


def test_worse_is_drawn_to_the_right_whatever_direction_is_good() -> None:
    found = [of("quality", "worse"), of("error_rate", "better", change=-0.1, low=-0.15, high=-0.05)]
    points = forest(found).to_dict()["datasets"]
    rows = next(rows for rows in points.values() if "point" in rows[0] and len(rows) == 2)
    assert [row["point"] for row in rows] == [pytest.approx(5), pytest.approx(-5)]
    assert rows[0]["first"] == pytest.approx(7.5)


@pytest.mark.parametrize(
    ("verdict", "evidence", "words"),
    [
        ("worse", 4200.4, "none yet; proven by an exact test, e-value 4,200"),
        ("worse", 3e40, "none yet; proven by an exact test, e-value 3e+40"),
        ("keep going", 3.0, "too little data"),
    ],
)
def test_a_verdict_without_an_interval_says_what_proves_it(verdict: str, evidence: float, words: str) -> None:
    assert interval(of("error_rate", verdict, low=None, high=None, evidence=evidence)) == words


def test_what_is_proven_without_an_interval_is_drawn_as_a_point_without_a_bar() -> None:
    found = [of("quality", "worse"), of("error_rate", "worse", change=0.1, low=None, high=None, evidence=4200.0)]
    chart = forest(found).to_dict()
    drawn = [chart["datasets"][layer["data"]["name"]] for layer in chart["layer"][2:]]
    assert [[row["metric"] for row in rows] for rows in drawn] == [["Quality"], ["Quality", "Error rate"]]
    assert numbers(found, "SELECT 1").attrs[STATEMENT] == "SELECT 1"


@pytest.mark.parametrize(
    ("by", "url", "chosen"),
    [
        ("prompt_version", {}, Choice("prompt_version", "v2", "v10")),
        ("prompt_version", {"a": "v1"}, Choice("prompt_version", "v1", "v10")),
        ("prompt_version", {"a": "v10"}, Choice("prompt_version", "v10", "v2")),
        ("prompt_version", {"a": "gone", "b": ""}, Choice("prompt_version", "gone", "")),
        ("prompt_version", {"a": "v2", "b": "v2"}, None),
        ("prompt_version", {"a": "line\nbreak"}, Choice("prompt_version", "v2", "v10")),
        ("period", {}, Choice("period", "before", "")),
        ("period", {"a": "week"}, Choice("period", "week", "")),
        ("period", {"a": "' OR 1"}, Choice("period", "before", "")),
    ],
)
def test_the_url_says_what_is_compared_and_else_the_newest_with_the_busiest(
    by: str, url: dict[str, str], chosen: Choice | None
) -> None:
    assert choose(by, url, ["v2", "v1", "v10"]) == chosen


def test_one_value_is_nothing_to_compare() -> None:
    assert choose("model", {}, ["gpt-4o"]) is None
    assert kind({"by": "'"}) == "prompt_version"
    assert kind({"by": "model"}) == "model"


def test_sides_keep_the_filters_and_periods_are_of_equal_length() -> None:
    view = View(filters=(("feature", "faq"), ("prompt_version", "v1")))
    a, b = Choice("prompt_version", "v2", "v3").sides(view, NOW)
    assert (a.where, b.where) == (
        {"feature": "faq", "prompt_version": "v2"},
        {"feature": "faq", "prompt_version": "v3"},
    )
    assert (a.since, a.until) == (b.since, b.until) == (NOW - timedelta(days=1), NOW)
    before, window = Choice("period", "before", "").sides(view, NOW)
    assert (before.since, before.until, window.since) == (
        NOW - timedelta(days=2),
        window.since,
        NOW - timedelta(days=1),
    )
    week, _ = Choice("period", "week", "").sides(view, NOW)
    assert (week.since, week.until) == (NOW - timedelta(days=8), NOW - timedelta(days=7))


def test_the_same_question_is_paired_judged_answers_first_and_scores_apart_lead() -> None:
    a = [said("How so?", minutes=1), said("how  SO", 0.5, minutes=2), said("Why?", 1.0, minutes=3)]
    b = [said("How so", 0.75, minutes=4), said("why", 0.0, minutes=5), said("Other things", 0.0, minutes=6)]
    pairs = paired(a, b)
    assert [(pair.kind, pair.a.asked, pair.b.asked) for pair in pairs[:2]] == [
        ("same", "Why?", "why"),
        ("same", "how  SO", "How so"),
    ]


def test_similar_questions_are_paired_and_each_answer_is_used_once() -> None:
    a = [said("where is my parcel now"), said("where is my parcel today", minutes=1)]
    b = [said("where is the parcel now", minutes=2, trace="u"), said("something else", minutes=3, trace="u")]
    [pair] = paired(a, b)
    assert (pair.kind, pair.a.asked, pair.b.asked) == ("similar", "where is my parcel now", "where is the parcel now")


def test_where_no_questions_are_alike_the_worst_of_each_stand_there() -> None:
    [pair] = paired([said("a", 0.9), said("b", 0.2, minutes=1)], [said("c"), said("d", 0.4, minutes=1)])
    assert (pair.kind, pair.a.asked, pair.b.asked) == ("worst", "b", "d")
    assert paired([], [said("c")]) == []


def test_the_page_says_what_the_command_says_and_puts_answers_beside_each_other(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="compare", feature="support-bot")
    assert "v2 is worse than v1 on quality (0." in page.html
    table = page.html.split('<table class="dl-table">')[1].split("</table>")[0]
    quality = table.split("<td>Quality</td>")[1].split("</tr>")[0]
    for part in ("n = ", "P 0.", " to -0.", '<td class="dl-bad">worse</td>'):
        assert part in quality
    assert "keep going: " in table
    assert "more of each, some " in table
    assert "Never on either side: quota rate" in page.html
    assert "for one look. A window that moves with the clock is a new comparison each day." in page.html
    assert "Answers to the same question" in page.html
    assert "v2 is worse than v1" in page.app.get("vega_lite_chart")[0].proto.alt
    for head in ("Interval", "Effect", "B is"):
        assert re.search(f'<th title="[^"]+">{head}</th>', page.html), head
    page.open_menus()
    assert "FROM judged_rollups" in page.app.code[0].value
    assert "SET param_where_prompt_version = 'v2'" in page.app.code[0].value
    page.choose("Compare", "period")
    assert dict(page.app.query_params) == {"feature": "support-bot", "by": "period"}
    assert "the 24 h before" in page.html
    assert "only that something changed" in page.html


def test_a_comparison_to_look_at_again_and_again_begins_where_both_are_there(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="compare", feature="support-bot")
    assert "choose “Since both are there”" in page.html
    page.choose("From", "both")
    assert dict(page.app.query_params) == {"feature": "support-bot", "from": "both"}
    assert "all intervals hold at once, however often you look" in page.html
    begin = re.search(r"From ([^<]+?) on, whatever the window", page.html)
    assert begin
    for window in ("7d", "30d"):
        again = Page(
            seeded.path, monkeypatch, at="compare", **{"feature": "support-bot", "window": window, "from": "both"}
        )
        assert f"From {begin[1]} on, whatever the window" in again.html
    page.choose("Compare", "period")
    assert "for one look" in page.html, "a period moves with the clock"


def test_what_is_not_there_is_said_and_a_value_is_never_sql(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="compare", feature="ticket-triage")
    assert "Nothing to compare yet" in page.html
    assert "only v1" in page.html
    page = Page(seeded.path, monkeypatch, at="compare", a="<b>' OR 1 = 1 --</b>", b="v1")
    assert html.escape("<b>' OR 1 = 1 --</b>") in page.html
    assert "Nothing is stored of" in page.html
    assert not page.app.markdown


def test_without_any_data_it_says_what_to_do(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(empty.path, monkeypatch, at="compare")
    assert "Nothing to compare yet" in page.html
    assert "Prompt versions of this time and these filters: none." in page.html
    page.choose("Compare", "period")
    assert "Nothing is stored of the 24 h before and of the last 24 h both" in page.html
