"""The page about Driftline itself, run as Streamlit runs it, on a real store."""

from __future__ import annotations

import contextlib
import html
from typing import TYPE_CHECKING

import pytest

from dashboard import seed
from dashboard.conftest import Page
from driftline_dashboard.system import system_data
from driftline_processors.wire import hex_dump

if TYPE_CHECKING:
    from pathlib import Path

    from store_fixtures import RunningStore


@pytest.fixture(scope="module")
def reporting(seeded: RunningStore) -> RunningStore:
    """An ingest is running, as far as the store knows."""
    with contextlib.closing(seeded.client()) as client:
        seed.reports(client)
    return seeded


def test_it_says_what_is_wrong_with_each_part_and_what_to_do(
    reporting: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(reporting.path, monkeypatch, at="system")
    found = page.html.split('<ul class="dl-findings">')[1].split("</ul>")[0]
    for what in (
        "has waited for 34 s",
        "1,500 messages wait in otlp_spans, and none was stored in the last minute",
        "dropped 30 spans and events",
        "1,000 of 1,000 spans",
        "USD for today are spent",
        "Messages that could not be stored: 1",
        "have no price",
        "No alert worker has reported in the last 30 s",
    ):
        assert what in found
    assert "driftline dead-letters resend" in found
    assert '<strong class="dl-bad">1,500</strong>' in page.tile("lag")
    assert '<strong class="dl-bad">$6.00</strong>' in page.tile("budget")
    assert '<strong class="dl-warn">1</strong>' in page.tile("letters")
    assert "<td>0 (1,500), 3 (0)</td>" in page.html
    assert "<td>llm_spans</td>" in page.html
    assert "<td>7 days</td>" in page.html.split("<td>part_reports</td>")[1].split("</tr>")[0]
    for raw in (seed.HOSTILE_QUESTION, seed.HOSTILE_FEATURE, "<b>host</b>", "<b>OTLP</b>", "<i>ours</i>"):
        assert raw not in page.html
        assert html.escape(raw) in page.html
    assert not page.app.markdown


def test_an_alert_worker_that_runs_stands_among_the_parts(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(seeded.client()) as client:
        columns = "(part, instance, host, pid, metric, topic, value, text)"
        client.command(
            f"INSERT INTO part_reports {columns} VALUES ('alert', 'a', '<b>host</b>', 8, 'rules', '', 12, ''), "
            "('alert', 'a', '<b>host</b>', 8, 'leads', '', 1, ''), "
            "('alert', 'a', '<b>host</b>', 8, 'last_error', 'drift', 0, '<b>gone</b>')"
        )
        page = Page(seeded.path, monkeypatch, at="system")
        client.command("ALTER TABLE part_reports DELETE WHERE part = 'alert' SETTINGS mutations_sync = 1")
    assert "No alert worker has reported" not in page.html
    rows = page.html.split("<td>alert</td>")
    assert "<td>12 rules</td>" in rows[1]
    assert "<td>drift</td>" in rows[2]
    assert "&lt;b&gt;gone&lt;/b&gt;" in rows[2]


def test_a_dead_letter_shows_its_bytes(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="system")
    page.app.query_params["letter"] = seed.LETTER
    page.run()
    assert f"Dead letter <bdi>{seed.LETTER}</bdi>" in page.html
    for line in hex_dump(seed.BROKEN, 0):
        assert html.escape(line) in page.html
    assert "byte 2, in resource_spans" in page.html
    assert f"driftline dead-letters resend (or discard) {seed.LETTER}" in page.html
    assert "<b>not</b>" not in page.html


def test_of_a_large_dead_letter_the_beginning_is_read(seeded: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_data, "MOST_BYTES", 4)
    page = Page(seeded.path, monkeypatch, at="system", letter=seed.LETTER)
    assert "Of its 21 B the first 4 B are read" in page.html
    assert html.escape(hex_dump(seed.BROKEN[:4], 0)[0]) in page.html


@pytest.mark.parametrize(("place", "said"), [("otlp_spans/3/43", "no dead letter is at"), ("<b>", "is named by")])
def test_a_dead_letter_that_is_not_there_is_one_sentence(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, place: str, said: str
) -> None:
    page = Page(seeded.path, monkeypatch, at="system", letter=place)
    assert said in page.html
    assert "The store cannot be read" not in page.html


def test_with_nothing_stored_it_says_how_to_begin(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(empty.path, monkeypatch, at="system")
    assert "No ingest has reported" in page.html
    assert "driftline up, or driftline ingest" in page.html
    assert "Nobody evaluates the alert rules" in page.html
    assert "None is open: every message that ingest has read is stored." in page.html
    assert "nan" not in page.html.lower()


def test_without_a_store_one_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "The store cannot be read" in Page(tmp_path, monkeypatch, at="system").html
