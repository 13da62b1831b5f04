"""Buttons under messages: what people press is what the worker is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from driftline.settings import load
from driftline_alerts.actions import said, silences
from driftline_alerts.buttons import follow
from driftline_alerts.drift import reading

if TYPE_CHECKING:
    from driftline_store.client import Client


def test_what_people_press_is_asked_of_the_worker(client: Client, store_url: str) -> None:
    settings, began = load({}, store=store_url), datetime.now(UTC) - timedelta(seconds=1)
    client.command("TRUNCATE TABLE drift_actions")
    for wish in ("acknowledge", "silence", "accept"):
        follow(settings, wish, "abc", "anna")
    asked = said(client, began)
    assert {(one.kind, one.incident, one.by) for one in asked} == {
        ("acknowledge", "abc", "anna"),
        ("silence", "abc", "anna"),
    }
    (silence,) = silences(client, datetime.now(UTC))
    assert timedelta(minutes=59) < silence.until - datetime.now(UTC) <= timedelta(hours=1)
    assert [(one.kind, one.incident) for one in reading.actions(client, 0)] == [("accept", "abc")]
