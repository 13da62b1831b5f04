"""The page of traces, run as Streamlit runs it, on a real store."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pytest

from dashboard import seed
from dashboard.conftest import Page
from driftline_dashboard.places import TRACE, identity

if TYPE_CHECKING:
    from store_fixtures import RunningStore

HOSTILE = html.escape(seed.HOSTILE_QUESTION, quote=True)


def buttons(page: Page) -> list[str]:
    return [button.label for button in page.app.button]


def press(page: Page, label: str) -> None:
    next(button for button in page.app.button if button.label.startswith(label)).click()
    page.run()


def test_the_link_in_a_message_leads_to_the_trace(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, trace=seed.AGENT)
    assert f"trace {seed.AGENT}" in page.html
    for label, value in (("Model", "gpt-4o"), ("Took", "4.00 s"), ("Cost", "$0.0026"), ("Tokens", "900 in, 40 out")):
        assert f"<dt>{label}</dt><dd><bdi>{value}</bdi></dd>" in page.html
    assert "3, 1 failed" in page.html
    assert 'data-metric="requests"' not in page.html


def test_the_step_with_texts_is_chosen_and_read_as_a_conversation(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Page(seeded.path, monkeypatch, at="traces", trace=seed.AGENT).html
    order = [said.index(f"<h4>{who}</h4>") for who in ("System", "User", "Assistant", "Tool")]
    assert order == sorted(order)
    assert "Calls look_up" in said
    assert "no such &lt;b&gt;parcel&lt;/b&gt;" in said
    assert f'dir="auto" tabindex="0">{seed.ARABIC}</pre>' in said
    assert "\U0001f468\u200d\U0001f469\u200d\U0001f467" in said


def test_what_applications_and_users_wrote_is_escaped_everywhere(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for span in ("2", "3"):
        page = Page(seeded.path, monkeypatch, trace=seed.AGENT, span=span * 16)
        assert HOSTILE in page.html
        for raw in ("<script", "<img", "<b>", "<i>"):
            assert raw not in page.html.replace("<b>Failed", "")
        assert not page.app.markdown
        assert seed.HOSTILE_FEATURE not in "".join(buttons(page))


def test_a_step_can_be_chosen_and_stands_in_the_url(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, trace=seed.AGENT, window="7d")
    press(page, "+2.00 s")
    assert page.app.query_params["span"] == "3" * 16
    assert page.app.query_params["window"] == "7d"
    assert "Failed: tool" in page.html
    assert "No texts of this step are stored" in page.html


def test_a_long_text_is_cut_until_somebody_wants_it_whole(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, trace=seed.AGENT)
    assert "more characters)" in page.html
    assert len(page.html) < 100_000
    press(page, "Show more")
    assert seed.BIG[:100_000] in page.html
    assert f"({len(seed.BIG) - 100_000:,} more characters)" in page.html
    [saved] = page.app.get("download_button")
    assert saved.proto.label == f"Save all {len(seed.BIG):,} characters"


def test_scores_say_who_judged_and_why(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    said = Page(seeded.path, monkeypatch, trace=seed.AGENT).html.split("Scores and feedback")[1]
    assert "Judge" in said
    assert "0.250" in said
    assert "thumbs down" in said
    assert "it made &lt;b&gt;that&lt;/b&gt; up" in said


def test_texts_that_were_deleted_are_told_to_be(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, trace=seed.EXPIRED)
    assert "The texts of this step are deleted: they are kept for 30 days (keep_content_days)" in page.html
    assert "<dt>Cost</dt><dd><bdi>unknown</bdi></dd>" in page.html
    assert "Nobody has judged or rated it" in page.html


def test_a_trace_that_was_deleted_keeps_its_scores(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, trace=seed.FORGOTTEN)
    assert "steps are kept for 90 days (keep_spans_days)" in page.html
    assert "was fine" in page.html


def test_an_unknown_trace_says_what_may_be(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, trace="0" * 32)
    assert "No step of it is stored" in page.html
    assert "Nobody has judged or rated it" in page.html


@pytest.mark.parametrize("value", ["<b>x</b>", "x" * 65, "a b", "ä", ""])
def test_what_is_no_id_is_as_if_it_were_not_there(value: str) -> None:
    assert identity({TRACE: value}, TRACE) == ""
    assert identity({TRACE: seed.AGENT}, TRACE) == seed.AGENT


def test_without_an_id_there_are_traces_worth_reading(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="traces", feature="support-bot")
    rows = page.html.split('<div class="dl-row"><span ')[1:]
    assert len(rows) == 30
    assert all("dl-bad" in row for row in rows)
    assert "support-bot" in rows[0]


def test_a_window_without_bad_traces_says_how_to_open_one(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="traces", feature="never seen")
    assert "None in this window" in page.html
    assert "open a trace by its id" in page.html


def test_choosing_a_filter_leaves_the_trace_and_shows_the_list(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="traces", trace=seed.AGENT, span="2" * 16)
    page.app.selectbox(key="filter_model").set_value("gpt-4o")
    page.run()
    assert dict(page.app.query_params) == {"model": "gpt-4o"}
    assert "Traces worth reading" in page.html
