"""Buttons under messages: what people press is what the worker is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from alert_support import MINUTE, NOW, step_of
from driftline.settings import load
from driftline_alerts.actions import said, silences
from driftline_alerts.buttons import follow
from driftline_alerts.detail import Detail
from driftline_alerts.drift import reading
from driftline_alerts.transition import Transition, write

if TYPE_CHECKING:
    from driftline_alerts.transition import State
    from driftline_alerts.wishes import Wish
    from driftline_store.client import Client


def found(state: State = "firing", feature: str = "support", *, minutes: int = 0, by: str = "driftline") -> Transition:
    """A step of the incident ``i``, whose level can be accepted."""
    detail = Detail(side="above", window_minutes=15, can_accept=True)
    return replace(step_of(state=state, at=NOW + minutes * MINUTE, feature=feature), detail=detail, actor=by)


def test_what_people_press_is_asked_of_the_worker(client: Client, store_url: str) -> None:
    settings, began = load({}, store=store_url), datetime.now(UTC) - timedelta(seconds=1)
    client.command("TRUNCATE TABLE drift_actions")
    write(client, [found()])
    for wish in ("acknowledge", "silence", "accept"):
        assert follow(settings, wish, "i", "anna") == ""
    asked = said(client, began)
    assert {(one.kind, one.incident, one.by) for one in asked} == {
        ("acknowledge", "i", "anna"),
        ("silence", "i", "anna"),
    }
    (silence,) = silences(client, datetime.now(UTC))
    assert timedelta(minutes=59) < silence.until - datetime.now(UTC) <= timedelta(hours=1)
    assert [(one.kind, one.incident) for one in reading.actions(client, 0)] == [("accept", "i")]


@pytest.mark.parametrize(
    ("steps", "wish", "against"),
    [
        ([found(), found("resolved", minutes=1)], "acknowledge", "it is over already"),
        ([found(), found("resolved", minutes=1)], "accept", "it is over already"),
        ([found("acknowledged", by="mara")], "acknowledge", "mara has acknowledged it already"),
        ([step_of()], "accept", "its level cannot be taken for the new normal"),
    ],
)
def test_what_cannot_be_done_is_not_asked_and_who_pressed_is_told_why(
    client: Client, store_url: str, steps: list[Transition], wish: Wish, against: str
) -> None:
    client.command("TRUNCATE TABLE drift_actions")
    write(client, steps)
    assert follow(load({}, store=store_url), wish, "i", "anna") == against
    assert (said(client, NOW), reading.actions(client, 0)) == ([], [])


def test_two_who_press_before_the_worker_looks_are_not_both_told_that_it_is_theirs(
    client: Client, store_url: str
) -> None:
    settings = load({}, store=store_url)
    write(client, [found()])
    assert follow(settings, "acknowledge", "i", "mara") == ""
    assert follow(settings, "acknowledge", "i", "anna") == "mara has acknowledged it already"
    assert [one.by for one in said(client, NOW)] == ["mara"]


def test_what_joins_after_it_was_acknowledged_can_be_acknowledged_again(client: Client, store_url: str) -> None:
    write(client, [found("acknowledged", by="mara"), found(feature="search", minutes=1)])
    assert follow(load({}, store=store_url), "acknowledge", "i", "anna") == ""
