"""The page for labels: what waits and in which order, that it is blind, and that it stores what the command stores."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from dashboard import seed
from dashboard.conftest import Page
from driftline_dashboard import data
from driftline_dashboard.label import label_agreement, label_data
from driftline_dashboard.label.label_work import REASONS
from driftline_dashboard.view import View
from driftline_dashboard.widgets import answers_data
from driftline_store.estimates.figure import Figure
from driftline_store.labels import labels
from driftline_store.quality import Quality

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_store.client import Client
    from store_fixtures import RunningStore

NOW = datetime.now(UTC).replace(microsecond=0)
FEATURE = seed.TO_LABEL
VIEW = View(filters=(("feature", FEATURE),))
FIRST, SECOND, _ = seed.ODD


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "moment", lambda: NOW)


@pytest.fixture
def client(seeded: RunningStore) -> Iterator[Client]:
    client = seeded.client()
    yield client
    client.command("DELETE FROM evaluations WHERE evaluator IN ('ann', 'bo')")
    client.close()


@pytest.fixture
def page(seeded: RunningStore, client: Client, monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(seeded.path, monkeypatch, at="label", feature=FEATURE, by="ann")


def press(page: Page, label: str) -> None:
    next(button for button in page.app.button if button.label == label).click()
    page.run()


def given(client: Client) -> list[tuple[str, str, str, str, float]]:
    return [
        (one.trace_id, one.labeller, one.label, one.note, one.probability)
        for one in labels(client, NOW - timedelta(days=2))
    ]


def test_disagreements_wait_first_then_what_was_drawn(
    seeded: RunningStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    Page(seeded.path, monkeypatch)  # its settings
    found = label_data.waiting(VIEW, NOW, "quality", "first")
    assert {one.trace_id: one.why for one in found[:3]} == seed.ODD
    assert [one.trace_id for one in found[:3]] == list(seed.ODD)
    rest = found[3:]
    assert {one.why for one in rest} == {"chance"}
    assert {one.trace_id for one in rest} == set(seed.EVEN)
    assert all(one.probability == 1.0 for one in rest)
    drawn = label_data.waiting(VIEW, NOW, "quality", "chance")
    assert {one.trace_id for one in drawn} == {*seed.ODD, *seed.EVEN}
    assert {one.why for one in drawn} == {"chance"}


def test_it_is_blind(page: Page) -> None:
    shown = page.html.split("Is this answer good?")[1].split("Judge and people")[0]
    assert "Can I change the delivery address" in shown
    for told in ("gpt-4o", "v1", "0.9", "thumbs", "The judge", "disagree", "as it should be"):
        assert told not in shown, told
    assert not [link for link in page.app.get("page_link") if "trace=" in link.proto.query_string]


def test_one_key_for_good_two_for_bad_and_the_next_answer_stands_there(page: Page, client: Client) -> None:
    shortcuts = {button.label: button.proto.shortcut for button in page.app.button if button.proto.shortcut}
    assert (shortcuts["Good"], shortcuts["Bad …"]) == ("1", "2")
    press(page, "Good")
    assert "you said good. The judge said 0.900" in page.html
    assert "A user said thumbs down" in page.html
    press(page, "Bad …")
    assert [b.label for b in page.app.button if b.proto.shortcut] == [
        *(reason.capitalize() for reason in REASONS.values()), "Back",
    ]  # fmt: skip
    assert len(given(client)) == 1
    press(page, "Made up")
    assert set(given(client)) == {
        (FIRST, "ann", "pass", "", 0.0),
        (SECOND, "ann", "fail", "made up", 0.0),
    }
    assert "2 labelled in this visit" in page.html
    said = {one.trace_id: one.thumbs for one in answers_data.picked(VIEW, NOW, "newest")}
    assert (said[FIRST], said[SECOND]) == ({"thumbs_down": 1}, {}), "a label is nothing that a user said"


def test_the_last_label_can_be_undone_and_is_gone(page: Page, client: Client) -> None:
    press(page, "Good")
    assert len(given(client)) == 1
    press(page, "Undo the last")
    assert given(client) == []
    assert "0 labelled in this visit" in page.html
    press(page, "Bad …")
    press(page, "Wrong")
    assert [(trace, label) for trace, _, label, _, _ in given(client)] == [(FIRST, "fail")]


def test_going_back_and_skipping_store_nothing_and_the_very_last_can_be_undone(page: Page, client: Client) -> None:
    press(page, "Bad …")
    press(page, "Back")
    for _ in range(4):
        press(page, "Skip")
    press(page, "Good")
    assert "Nothing waits any more" in page.html
    press(page, "Undo the last")
    assert given(client) == []
    assert "Good" in [button.label for button in page.app.button]


def test_what_was_labelled_does_not_wait_any_more_and_a_drawn_one_has_its_probability(
    seeded: RunningStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="label", feature=FEATURE, by="bo", queue="chance")
    press(page, "Good")
    [(trace, by, _, _, probability)] = given(client)
    assert (by, probability) == ("bo", 1.0)
    assert trace not in [one.trace_id for one in label_data.waiting(VIEW, NOW, "quality", "first")]


def test_without_a_name_nothing_can_be_labelled(
    seeded: RunningStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="label", feature=FEATURE)
    assert "Say who you are first" in page.html
    good = next(button for button in page.app.button if button.label == "Good")
    assert good.disabled
    page.app.text_input(key="label_name").set_value("ann")
    page.run()
    assert page.app.query_params["by"] in ("ann", ["ann"])
    assert "Say who you are first" not in page.html
    press(page, "Good")
    assert [by for _, by, _, _, _ in given(client)] == ["ann"]


def test_who_may_only_look_has_no_buttons_and_a_label_is_refused_on_the_server(
    seeded: RunningStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTLINE_DASHBOARD_READ_ONLY", "1")
    page = Page(seeded.path, monkeypatch, at="label", feature=FEATURE, by="ann")
    assert "You may look at this dashboard and not label" in page.html
    assert not any(str(button.key).startswith("label-") for button in page.app.button)
    monkeypatch.setattr("driftline_dashboard.label.page.may_act", lambda: True)
    page.run()
    press(page, "Good")
    assert "This label is not stored" in page.html
    assert given(client) == []


def test_judge_and_people_are_compared_once_there_are_labels(
    seeded: RunningStore, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(seeded.path, monkeypatch, at="label", feature=FEATURE, by="ann")
    assert "No answer of this window has both" in page.html
    press(page, "Good")
    after = Page(seeded.path, monkeypatch, at="label", feature=FEATURE, by="ann").html
    assert "No corrected quality yet: 1 labels are worth 1 equal ones, and it takes 30." in after
    assert "<td>judge-1</td>" in after


def figures(raw: float, corrected: Figure) -> Quality:
    return Quality({}, "quality", "judge-1", 500, 60, 60, Figure(raw, raw - 0.01, raw + 0.01), corrected, corrected,
                   0.7, (1.0, 0.0, 0.0, 0.0), {})  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "corrected", "says"),
    [
        (0.9, Figure(0.8, 0.75, 0.85), "people would see 0.800 (0.750 – 0.850), so the judge is too kind."),
        (0.7, Figure(0.8, 0.75, 0.85), "so the judge is too strict."),
        (0.82, Figure(0.8, 0.75, 0.85), "which the labels do not contradict."),
        (0.9, Figure(None, None, None, "no labels"), "No corrected quality yet: no labels."),
    ],
)
def test_the_effect_of_labels_is_said_only_where_it_is_more_than_chance(
    raw: float, corrected: Figure, says: str
) -> None:
    assert label_agreement.effect(figures(raw, corrected)).endswith(says)


def test_without_scores_it_says_what_to_do(empty: RunningStore, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(empty.path, monkeypatch, at="label")
    assert "Nothing to label" in page.html
    assert "switch a judge on" in page.html


def test_an_answer_that_is_gone_is_told_and_can_be_skipped(page: Page, client: Client) -> None:
    gone = label_data.Waiting(secrets.token_hex(16), "", "chance")
    with pytest.raises(Exception, match="is not in the store any more"):
        label_data.give(gone, "quality", "ann", "pass", "")


def test_hostile_texts_are_escaped(seeded: RunningStore, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(seeded.path, monkeypatch, at="label", feature=seed.HOSTILE_AGENT, by="<b>ann</b>")
    assert "<script" not in page.html
    assert "&lt;script&gt;" in page.html
    assert "<i>agent" not in page.html
