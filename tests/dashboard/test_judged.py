"""Which score of an answer is shown as its quality, wherever one answer is shown."""

from __future__ import annotations

import contextlib
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dashboard import seed
from dashboard.conftest import Page
from driftline_dashboard import data
from driftline_dashboard.traces.search_sql import statement_of
from driftline_dashboard.traces.search_terms import Range, Search
from driftline_dashboard.view import View
from driftline_dashboard.widgets import answers, answers_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_store.client import Client
    from store_fixtures import RunningStore

NOW = datetime.now(UTC).replace(microsecond=0)
SPAN = data.period(View(), NOW)
LATER, OTHERS, FAILED = "1" * 32, "2" * 32, "3" * 32
"""Answers: judged 0.25 and then by all kinds of others; by another judge alone; where the judge failed."""
PAGES = "rubric 2 model"
"""The instrument of the page's numbers: it judged most."""
OTHER = "<b>kind</b> 1 model"


def put(client: Client) -> None:
    """Forty answers that the page's judge scored 0.75, and the three above."""
    spans, judged = [], []
    for number, trace in enumerate((LATER, OTHERS, FAILED, *(f"{each:032x}" for each in range(100, 140)))):
        version = "v2" if trace == LATER else "v1"
        start = NOW - timedelta(minutes=10 + number)
        answer = seed._span(random.Random(5), start, version, "support", "gpt-4o")
        spans.append(answer | {"trace_id": trace, "is_error": False, "error_class": "", "fallback_reason": ""})
        if trace not in {LATER, OTHERS, FAILED}:
            judged.append(score(spans[-1], 0.75))
    later, others, failed, *_ = spans
    judged += [
        score(later, 0.25),
        score(later, 1.0, seconds=60, run="again"),
        score(later, 1.0, seconds=61, unit="anchor"),
        score(later, 1.0, seconds=62, evaluator=OTHER, name="kindness"),
        score(later, None, seconds=63, error="timed out"),
        score(others, 0.5, evaluator=OTHER, name="kindness"),
        score(failed, None, error="timed out"),
    ]
    seed._insert(client, "llm_spans", spans)
    seed._insert(client, "evaluations", judged)


def score(answer: dict[str, Any], points: float | None, *, seconds: int = 30, **more: str) -> dict[str, Any]:
    judged = seed._evaluation(answer, "judge", 0.0, "said", "because")
    judged |= {"score": points, "at": answer["start"] + timedelta(seconds=seconds)}
    return judged | {"evaluator": PAGES, "run": "", "unit": "request", "name": "quality", "error": ""} | more


@pytest.fixture
def client(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(data, "moment", lambda: NOW)
    monkeypatch.setenv("DRIFTLINE_DATA_DIR", str(empty.path))
    with contextlib.closing(empty.client()) as found:
        clear(found)
        put(found)
        yield found
        clear(found)


def clear(client: Client) -> None:
    for table in ("llm_spans", "llm_rollups", "evaluations", "judged_rollups"):
        client.command(f"TRUNCATE TABLE {table}")


@pytest.fixture
def page(empty: RunningStore, client: Client, monkeypatch: pytest.MonkeyPatch) -> Page:
    del client
    return Page(empty.path, monkeypatch, at="traces")


def test_neither_runs_nor_anchors_nor_other_judges_nor_a_failure_hide_the_score_of_the_page_s_judge(page: Page) -> None:
    assert data.instrument(View(), NOW) == PAGES
    found = {one.trace_id: one.judgement for one in answers_data.picked(View(), NOW, "newest")}
    assert found[LATER] == answers_data.Judgement(0.25, "said", "because", "")
    assert found[OTHERS] == answers_data.Judgement(0.5, "said", "because", "", OTHER)
    assert found[FAILED] == answers_data.Judgement(None, "said", "because", "timed out")
    assert page.html.count('<span class="dl-bad">0.250</span>') == 1
    assert [one.trace_id for one in answers_data.picked(View(), NOW, "bad")] == [LATER]


def test_a_score_by_another_judge_names_it(page: Page) -> None:
    del page
    [other] = [one for one in answers_data.picked(View(), NOW, "newest") if one.trace_id == OTHERS]
    assert "0.500 by &lt;b&gt;kind&lt;/b&gt; 1 model" in answers.cells(other)
    assert "Judge &lt;b&gt;kind&lt;/b&gt; 1 model: said" in answers._details(other)


def test_a_search_by_score_asks_for_that_score(client: Client) -> None:
    statement, parameters = statement_of(View(), Search(score=Range(None, 0.7)), SPAN, PAGES)
    rows = client.query(statement, parameters=parameters | {"page": 100}).result_rows
    assert [row[0] for row in rows] == [LATER]


def test_answers_beside_each_other_have_that_score(
    empty: RunningStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    del client
    html = Page(empty.path, monkeypatch, at="compare").html
    assert "B: v2 · scored 0.25 ·" in html
    assert "A: v1 · scored 0.75 ·" in html
