"""Search of stored steps: the URL, the statement against a plain reading of the same rows, and the page."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dashboard import seed
from dashboard.conftest import Page
from driftline_dashboard import data
from driftline_dashboard.data import Period
from driftline_dashboard.traces import search_data, search_sql, steps_data
from driftline_dashboard.traces.search_terms import Cursor, Range, Search, from_url, needles
from driftline_dashboard.view import View

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from driftline_store.client import Client
    from store_fixtures import RunningStore

NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
"""Later than all that is seeded, which happens after this is read."""
DAY = Period(NOW - timedelta(hours=24), NOW)
FULL = Search(
    of="calls",
    text='refund "not now"',
    attribute="region=eu",
    step="look_up",
    error="timeout",
    user="u1",
    session="s1",
    took=Range(0.5, 3.0),
    cost=Range(None, 0.25),
    score=Range(0.1, None),
    order="slowest",
    before=Cursor(2.25, NOW, "a" * 32, "b" * 16),
)


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "moment", lambda: NOW)


@pytest.fixture(scope="module")
def client(seeded: RunningStore) -> Iterator[Client]:
    client = seeded.client()
    yield client
    client.close()


def found(client: Client, wanted: Search, **where: str) -> list[tuple[str, str]]:
    """Trace and span ids, in the statement's order."""
    view = View(filters=tuple(where.items()))
    statement, parameters = search_sql.statement_of(view, wanted, DAY, "")
    rows = client.query(statement, parameters=parameters | {"page": 100_000}).result_rows
    return [(trace, span) for trace, span, _, _ in rows]


@pytest.fixture(scope="module")
def requests(client: Client) -> list[dict[str, Any]]:
    """All requests of the day."""
    found = client.query(
        "SELECT trace_id, span_id, start, feature, duration, is_error, error_class, error_message, session_id, "
        "provider, attributes, input, output FROM llm_spans WHERE is_request AND length(input) < 10000"
    ).named_results()
    return [row for row in found if DAY.since <= row["start"] < DAY.until]


def ids(rows: list[dict[str, Any]], is_wanted: Callable[[dict[str, Any]], object]) -> set[tuple[str, str]]:
    return {(row["trace_id"], row["span_id"]) for row in rows if is_wanted(row)}


def test_a_search_survives_its_way_through_the_url() -> None:
    assert from_url(FULL.to_url()) == FULL
    assert FULL.to_url()["took"] == "0.5..3"
    assert Search().to_url() == {}
    assert not from_url({}).is_wanted


@pytest.mark.parametrize(
    "broken",
    [
        {"of": "everything"}, {"order": "1; DROP"}, {"text": "x" * 201}, {"text": "a\0b"}, {"took": "5"},
        {"took": "nan..inf"}, {"cost": "-1.."}, {"score": "a..b"}, {"before": "x"}, {"before": "1~2~3"},
        {"before": "nan~1~a~b"}, {"before": "1~99999999999999999999~a~b"}, {"before": "1~1~a;b~c"},
        {"before": f"1~1~{'a' * 65}~b"},
    ],
)  # fmt: skip
def test_what_is_broken_in_a_url_is_as_if_it_were_not_there(broken: dict[str, str]) -> None:
    assert from_url(broken) == Search()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Refund  NOW", ["refund", "now"]),
        ('say "not now" please', ["say", "not now", "please"]),
        ('"open', ["open"]),
        ('""', []),
        ("a a A", ["a"]),
        (" ".join("abcdefghij"), list("abcdefgh")),
    ],
)
def test_words_and_phrases(text: str, words: list[str]) -> None:
    assert Search(text=text).words == words


def test_a_word_is_looked_for_as_json_writes_it_too() -> None:
    assert needles("refund") == ["refund", "Refund", "REFUND"]
    assert {"kündigen", "k\\u00fcndigen", "K\\u00DCNDIGEN".replace("DC", "dc")} <= set(needles("kündigen"))
    assert 'say \\"no\\"' in needles('say "no"')


@pytest.mark.parametrize(
    ("wanted", "is_wanted"),
    [
        (Search(text="delivery PARCEL"), lambda r: "delivery" in r["input"] and "parcel" in r["output"]),
        (Search(text="kündigen"), lambda r: "k\\u00fcndigen" in r["input"]),
        (Search(text='"reset link"'), lambda r: "reset link" in r["output"].lower()),
        (Search(error="timeout"), lambda r: r["error_class"] == "timeout"),
        (Search(error="any"), lambda r: r["is_error"]),
        (Search(session="s7"), lambda r: r["session_id"] == "s7"),
        (Search(took=Range(1.0, 2.0)), lambda r: 1.0 <= r["duration"] <= 2.0),
        (Search(attribute="provider = openai"), lambda r: r["provider"] == "openai"),
        (Search(attribute="region=eu"), lambda r: r["attributes"].get("region") == "eu"),
        (Search(text="provider answered with timeout"), lambda r: "with timeout" in r["error_message"]),
    ],
)
def test_a_search_finds_what_a_reading_of_all_rows_finds(
    client: Client, requests: list[dict[str, Any]], wanted: Search, is_wanted: Callable[[dict[str, Any]], object]
) -> None:
    assert set(found(client, wanted)) == ids(requests, is_wanted)


def test_filters_hold_for_a_search(client: Client, requests: list[dict[str, Any]]) -> None:
    expected = ids(requests, lambda row: row["feature"] == "ticket-triage")
    assert set(found(client, Search(order="slowest"), feature="ticket-triage")) == expected


def test_steps_are_found_by_name_and_by_what_was_said_within_structured_values(client: Client) -> None:
    assert found(client, Search(of="steps", step="look_up", error="any")) == [(seed.AGENT, "3" * 16)]
    assert (seed.AGENT, "2" * 16) in found(client, Search(of="calls", text=seed.ARABIC))
    assert found(client, Search(text=seed.AGENT)) == [(seed.AGENT, "1" * 16)]


@pytest.mark.parametrize("order", ["newest", "slowest", "dearest", "worst"])
def test_pages_are_the_whole_in_order_without_gap_or_repeat(client: Client, order: str) -> None:
    wanted = Search(order=order, error="", took=Range(0.0, None))
    view = View(filters=(("feature", "ticket-triage"),))
    whole = found(client, wanted, feature="ticket-triage")
    assert len(whole) > 60
    paged: list[tuple[str, str]] = []
    page = wanted
    while True:
        statement, parameters = search_sql.statement_of(view, page, DAY, "")
        rows = client.query(statement, parameters=parameters | {"page": 40}).result_rows
        if not rows:
            break
        paged += [(row[0], row[1]) for row in rows]
        trace, span, start, value = rows[-1]
        page = replace(wanted, before=from_url({"before": str(Cursor(value, start, trace, span))}).before)
    assert paged == whole


def test_costs_are_of_whole_requests_with_what_was_priced_later(client: Client) -> None:
    where = {"feature": seed.PRICED_LATER}
    assert len(found(client, Search(cost=Range(0.02, 0.02)), **where)) == 1
    assert found(client, Search(cost=Range(0.021, None)), **where) == []
    agent = Search(cost=Range(0.0025, 0.0027), text=seed.AGENT)
    assert found(client, agent) == [(seed.AGENT, "1" * 16)], "its call cost it"
    assert found(client, replace(agent, of="calls")) == [(seed.AGENT, "2" * 16)]


def test_the_worst_first_are_those_that_the_judge_scored_lowest(client: Client) -> None:
    rows = client.query("SELECT trace_id, score FROM evaluations WHERE source = 'judge' AND score IS NOT NULL")
    score_of: dict[str, float] = {trace: score for trace, score in rows.result_rows}  # noqa: C416 - typed
    scores = [score_of[trace] for trace, _ in found(client, Search(order="worst", score=Range(0.0, 0.5)))]
    assert scores == sorted(scores)
    assert scores[0] == 0.0
    assert max(scores) <= 0.5


def test_a_search_that_is_cut_says_how_far_it_looked_and_goes_on_from_there(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_data, "MOST_TEXTS", 50)
    page = Page(seeded.path, monkeypatch, at="traces", text="notthere")
    assert "from the newest 50, back to" in page.html
    press(page, "Look further back")
    first = from_url(params(page))
    assert first.before is not None
    assert first.text == "notthere"
    press(page, "Look further back")
    second = from_url(params(page))
    assert second.before is not None
    assert second.before.start < first.before.start


def params(page: Page) -> dict[str, str]:
    values = dict(page.app.query_params)
    return {name: value[0] if isinstance(value, list) else value for name, value in values.items()}


def field(fields: Any, label: str) -> Any:
    return next(one for one in fields if one.label == label)


def press(page: Page, label: str) -> None:
    next(button for button in page.app.button if button.label == label).click()
    page.run()


def test_a_search_that_takes_too_long_says_what_to_do(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_long(*_: object) -> None:
        raise search_data.TooMuchError("the search was ended after 20 s; choose a shorter window")

    monkeypatch.setattr(search_data, "_keys", too_long)
    page = Page(seeded.path, monkeypatch, at="traces", text="refund")
    assert "The search was ended after 20 s; choose a shorter window." in page.html
    assert "cannot be read" not in page.html


def test_what_is_sent_stands_in_the_url_and_filters_keep_it(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="traces", feature="support-bot")
    field(page.app.text_input, "Search").set_value("charged")
    field(page.app.selectbox, "Order").set_value("slowest")
    field(page.app.number_input, "Took from (s)").set_value(0.5)
    next(button for button in page.app.button if button.label == "Search").click()
    page.run()
    asked = {"text": "charged", "order": "slowest", "took": "0.5.."}
    assert params(page) == {"feature": "support-bot", **asked}
    assert "Why was I charged twice" in page.html
    assert "slowest first" in page.html
    page.app.selectbox(key="filter_feature").set_value(None)
    page.run()
    assert params(page) == asked
    press(page, "Next")
    assert params(page)["before"]
    assert field(page.app.text_input, "Search").value == "charged"
    press(page, "Back to the first")
    assert params(page) == asked


def test_a_trace_leads_back_to_the_search_that_found_it(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="traces", text="parcel", trace=seed.AGENT)
    press(page, "← All traces")
    assert params(page) == {"text": "parcel"}


def test_what_was_found_can_be_saved_as_cases_that_labels_import_takes(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, client: Client
) -> None:
    monkeypatch.setattr(search_data, "MOST_SAVED", 3)
    Page(seeded.path, monkeypatch, at="traces")
    from driftline_dashboard.traces.search import _test_cases  # noqa: PLC0415 - needs the page's settings

    lines = _test_cases(View(), Search(text="parcel"), NOW).decode().splitlines()
    rows = [json.loads(line) for line in lines]
    assert len(rows) == 3
    assert all("parcel" in row["input"] + row["output"] and row["label"] == "" for row in rows)


def test_hostile_search_is_text_and_bound(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = "'; DROP TABLE llm_spans; --<b>"
    page = Page(seeded.path, monkeypatch, at="traces", text=bad, user=bad, attribute=f"{bad}={bad}")
    assert "Nothing found" in page.html
    assert "<b>" not in page.html
    assert "user &#x27;; DROP TABLE" in page.html


def test_all_that_is_stored_of_a_step_is_a_table_of_text(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="traces", trace=seed.AGENT, span="3" * 16)
    assert "<td>tool_name</td>" not in page.html
    press(page, "All that is stored of this step")
    assert '<td>tool_name</td><td class="dl-long" dir="auto">look_up</td>' in page.html
    assert "<td>error_class</td>" in page.html
    assert seed.HOSTILE_FEATURE not in page.html


def test_the_step_that_fails_is_told_with_its_interval_and_leads_to_its_runs(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="traces", show="steps")
    row = page.html.split('<div class="dl-substep"><span><bdi>look_up')[1].split("</div>")[0]
    assert ">100.0 %<" in row
    assert "n = 1 runs, 95 % interval 20.7 – 100.0 %" in row
    assert ">18%<" in row, "0.7 of the 4 s of its request"
    press(page, "Failed")
    assert params(page) == {"of": "steps", "step": "look_up", "error": "any", "feature": "support-bot"}
    assert "1 steps" in page.html


def test_a_sample_of_steps_says_that_it_is_one(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps_data, "MOST_READ", 1000)
    page = Page(seeded.path, monkeypatch, at="traces", show="steps")
    assert "from the newest 1,000 steps of the window, back to" in page.html


def test_without_steps_it_says_how_to_record_some(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(empty.path, monkeypatch, at="traces", show="steps")
    assert "none is within a request" in page.html
    assert "@observe" in page.html
