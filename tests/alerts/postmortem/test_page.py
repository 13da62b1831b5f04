"""A post-mortem says what happened, in order, and nothing in it that others wrote has an effect."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from driftline_alerts.detail import Detail
from driftline_alerts.drift.events import told
from driftline_alerts.drift.evidence import Touched
from driftline_alerts.drift.finding import Finding
from driftline_alerts.postmortem.history import Attempt, Course, Example, History, Said
from driftline_alerts.postmortem.markdown import block, code, plain
from driftline_alerts.postmortem.page import render, timeline
from driftline_alerts.postmortem.plot import plot
from driftline_alerts.transition import Transition

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

BEGAN = datetime(2026, 11, 26, 9, 50, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SUPPORT = (("environment", "production"), ("feature", "support"))
HOSTILE = "<script>alert(1)</script> [x](http://evil) ![i](http://evil) **b** `c` | @all $x$ www.evil.com <!-- \\ &lt;"
READER = MarkdownIt("commonmark").enable("table")


def words(text: str) -> str:
    """A text as one line, without what has no sign."""
    shown = "".join(sign if sign.isprintable() or sign.isspace() else " " for sign in text)
    return " ".join(shown.split())


def leaves(markdown: str) -> Iterator[Token]:
    for token in READER.parse(markdown):
        yield from token.children or ([token] if token.content else [])


@settings(max_examples=50)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs", "Cc"]), min_size=1))
@example(HOSTILE)
@example("a\n\n# b\n\n- c")
def test_plain_text_is_nothing_but_its_signs(text: str) -> None:
    tokens = list(leaves(f"- **when** {plain(text)}"))
    assert {token.type for token in tokens} <= {"text", "text_special", "strong_open", "strong_close"}
    shown = "".join(token.content for token in tokens).replace("\u200b", "")
    assert shown.strip() == f"when {words(text)}".strip()


@settings(max_examples=50)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs", "Cc"]), min_size=1).filter(words))
@example("`")
@example("``a`")
@example(HOSTILE)
def test_code_is_nothing_but_its_signs(text: str) -> None:
    codes = [token.content for token in leaves(f"- {code(text)}") if token.type == "code_inline"]
    assert codes == [words(text)]


@settings(max_examples=50)
@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], include_characters="\n`~")))
@example("```\n</code>\n````")
@example(HOSTILE)
def test_a_block_ends_where_it_is_meant_to(text: str) -> None:
    tokens = READER.parse("\n".join(["before", "", *block(text), "after"]))
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert fence.content == f"{text}\n"


def test_a_long_text_is_shortened() -> None:
    assert len("\n".join(block("x" * 100_000))) < 2_000
    assert "…" in block("x" * 100_000)


def finding(**changed: Any) -> Finding:
    usual: dict[str, Any] = {
        "incident": "3f9c0a8d1e47",
        "at": BEGAN + 20 * MINUTE,
        "kind": "opened",
        "metric": "error_rate",
        "segment": SUPPORT,
        "place": SUPPORT,
        "about": "error_rate",
        "falls": False,
        "before": 0.02,
        "after": 0.31,
        "low": 0.28,
        "high": 0.34,
        "n": 900,
        "started": BEGAN,
        "earliest": BEGAN - MINUTE,
        "latest": BEGAN + MINUTE,
    }
    return Finding.model_validate(usual | changed)


def step(state: str, minutes: int, **changed: Any) -> Transition:
    usual: dict[str, Any] = {
        "id": f"{state}{minutes}",
        "incident": "i1",
        "rule": "errors",
        "segment": SUPPORT,
        "state": state,
        "at": BEGAN + minutes * MINUTE,
        "started": BEGAN,
        "metric": "error_rate",
        "value": 0.31,
        "threshold": 0.05,
        "n": 900,
        "detail": Detail(side="above", window_minutes=15, low=0.28, high=0.34, severity="critical"),
    }
    return Transition(**(usual | changed))


def history(**changed: Any) -> History:
    usual = History(
        id="i1",
        findings=(),
        steps=(step("firing", 20), step("acknowledged", 25, actor="ada", why="on it"), step("resolved", 60)),
        attempts=(
            Attempt(BEGAN + 21 * MINUTE, "support", "", "busy", 3),
            Attempt(BEGAN + 22 * MINUTE, "support", "", "", 1),
        ),
        said=(Said(BEGAN + 26 * MINUTE, "ada", "silenced it until 2026-11-26 12:00 UTC", "known"),),
        events=(told("v5 is out", BEGAN - MINUTE, segment=SUPPORT),),
        courses=(),
        examples=(),
        touched=Touched(900, 300, 200),
        began=BEGAN,
        found=BEGAN + 20 * MINUTE,
        until=BEGAN + 60 * MINUTE,
        is_over=True,
    )
    return replace(usual, **changed)


def test_the_timeline_tells_what_happened_who_did_it_and_why() -> None:
    assert [what for _, what in timeline(history())] == [
        "told in environment production, feature support: deploy `v5 is out`",
        "it begins, as far as the figures tell",
        "firing: errors (environment production, feature support): Error rate 31.0 % of 900",
        "support was not told, 3 times: busy",
        "support was told",
        "acknowledged by ada: errors (environment production, feature support): on it",
        "ada silenced it until 2026-11-26 12:00 UTC: known",
        "resolved: errors (environment production, feature support): Error rate 31.0 % of 900",
    ]


def test_a_finding_is_not_told_twice_though_it_is_an_alert_too() -> None:
    name = "drift: error rate (3f9c0a8d1e47)"
    steps = (step("firing", 20, rule=name), step("acknowledged", 25, rule=name, actor="ada"))
    told_ = [what for _, what in timeline(history(findings=(finding(),), steps=steps, attempts=(), said=(), events=()))]
    assert [what.split(":")[0] for what in told_] == [
        "it begins, as far as the figures tell",
        "drift detection, opened",
        "acknowledged by ada",
    ]


def test_what_came_to_nothing_is_left_out() -> None:
    quiet = history(steps=(step("pending", 1), step("calm", 2), step("firing", 20)), attempts=(), said=(), events=())
    assert [what.split(":")[0] for _, what in timeline(quiet)] == ["it begins, as far as the figures tell", "firing"]


def test_the_page_says_how_long_each_thing_took() -> None:
    page = render(history())
    assert "- State: over since 2026-11-26 10:50:00 UTC" in page
    assert "found 20 min later" in page
    assert "Acknowledged: 5 min after that, by ada" in page
    assert "Lasted: 60 min" in page
    assert "- State: open" in render(history(is_over=False))


def test_figures_have_their_intervals() -> None:
    of_rule = render(history())
    assert "| 31.0 % (28.0 % to 34.0 %) | above 5.0 % | 900 | critical |" in of_rule
    of_drift = render(history(findings=(finding(), finding(kind="recovered", low=None, high=None))))
    assert "| 2.0 % | 31.0 % (28.0 % to 34.0 %) | 900 requests | 2026-11-26 09:50:00 UTC (" in of_drift
    assert of_drift.count("(28.0 % to 34.0 %) | 900 requests") == 1, "what is over is no figure"
    assert "- Touched: 900 requests, 300 sessions, 200 users" in of_drift


def test_nothing_that_others_wrote_has_an_effect() -> None:
    segment = (("feature", HOSTILE),)
    page = render(
        history(
            id=HOSTILE,
            findings=(finding(segment=segment, place=segment, changed=(HOSTILE,)),),
            steps=(step("firing", 20, rule=HOSTILE, actor=HOSTILE, why=HOSTILE, segment=segment),),
            attempts=(Attempt(BEGAN, HOSTILE, HOSTILE, HOSTILE, 1),),
            said=(Said(BEGAN, HOSTILE, "asked to accept it", HOSTILE),),
            events=(told(HOSTILE, BEGAN, kind=HOSTILE, segment=segment),),
            courses=(Course("error_rate", segment, ((BEGAN, 0.3),), None),),
            examples=(Example(HOSTILE, "error_rate", None, HOSTILE, f"{HOSTILE}\n```\n# x", HOSTILE),),
        )
    )
    kinds = {token.type for token in leaves(page)}
    assert not kinds & {"html_inline", "html_block", "link_open", "image", "image_open"}
    outside = re.sub(r"(`+)(?:.|\n)*?[^`]\1(?!`)", "", page)
    assert "@all" not in outside
    assert "://" not in outside
    assert [token.tag for token in READER.parse(page) if token.type == "heading_open"] == ["h1"] + ["h2"] * 5


def test_an_example_that_is_not_stored_any_more_says_so() -> None:
    page = render(history(examples=(Example("t1", "quality", 0.2, "wrong window", "", "30 days."),)))
    assert "Trace `t1`, Quality 0.200: `wrong window`" in page
    assert "Asked: not stored, or not any more." in page
    assert "```text\n30 days.\n```" in page
    gone = render(history(examples=(Example("t1", "error_rate", None, "", "", ""),)))
    assert "Trace `t1`\n\nWhat was asked and answered is not stored, or not any more.\n" in gone


def test_the_docs_show_a_page_as_it_is() -> None:
    healthy, wrong = [0.02, 0.03, 0.02, 0.01] * 5, [0.18, 0.29, 0.31, 0.33, 0.3, 0.32, 0.31, 0.29, 0.12]
    points = tuple((BEGAN + (n - 20) * 5 * MINUTE, value) for n, value in enumerate([*healthy, *wrong, *healthy[:8]]))
    asked = Example("0af7651916cd43dd8448eb211c80319c", "error_rate", None, "overloaded", "Where is my parcel?", "")
    page = render(history(courses=(Course("error_rate", SUPPORT, points, 0.05),), examples=(asked,)))
    assert page in (Path(__file__).parents[3] / "docs" / "incidents.md").read_text(encoding="utf-8")


def test_a_chart_shows_course_gap_limit_and_begin() -> None:
    values = [0.1, 0.1, None, 0.4, 0.4]
    points = tuple((BEGAN + number * MINUTE, value) for number, value in enumerate(values))
    lines = plot(Course("error_rate", SUPPORT, points, 0.2), BEGAN + 3 * MINUTE)
    assert lines == [
        "40.0 % ┤   ██",
        "35.0 % ┤   ██",
        "30.0 % ┤   ██",
        "25.0 % ┤   ██",
        "20.0 % ╪   ██",
        "15.0 % ┤   ██",
        "10.0 % ┤██ ██",
        " 5.0 % ┤██·██",
        "           ^ 11-26 09:53",
        "        11-26 09:50 11-26 09:54 UTC",
    ]


@pytest.mark.parametrize("value", [0.0, 0.9, 1e-9, 1e9])
def test_a_chart_of_one_level_is_drawn(value: float) -> None:
    lines = plot(Course("cost_per_request", SUPPORT, ((BEGAN, value), (BEGAN + MINUTE, value)), None), BEGAN)
    assert len(lines) == 10
