"""Errands of the alert worker: each in a thread of its own, and none that ends for a failure."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from alert_support import wait_until
from driftline.errors import StoreError
from driftline.settings import load
from driftline_alerts import errands as module
from driftline_alerts.errands import Errand, Errands
from driftline_alerts.lead import Lead
from driftline_alerts.trouble import Trouble

if TYPE_CHECKING:
    import pytest


class Store:
    """A client that counts how often it was made."""

    made = 0

    def __init__(self, _: object) -> None:
        Store.made += 1

    def close(self) -> None:
        pass


def test_what_fails_is_done_again_whatever_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "connect", Store)
    monkeypatch.setattr(Store, "made", 0)
    ends: list[Exception | None] = [KeyError("nobody foresaw this"), StoreError("away"), None]
    done: list[str] = []

    def do(_: Any) -> None:
        done.append("tried")
        if error := ends.pop(0):
            raise error

    lead, stop = Lead(), threading.Event()
    lead.note(held=True)
    errand = Errand("telling", do, lambda: done.append("without store"))
    with Errands(load({}), [errand], lead, Trouble(), stop) as errands:
        for n in (1, 2, 3):
            errands.wake()
            wait_until(lambda n=n: done.count("tried") == n)  # type: ignore[misc]
    assert done == ["tried", "tried", "without store", "tried"]
    assert Store.made == 3, "after a failure the store may have another address"


def test_who_does_not_lead_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "connect", Store)
    lead, stop, done = Lead(), threading.Event(), threading.Event()
    with Errands(load({}), [Errand("telling", lambda _: done.set())], lead, Trouble(), stop) as errands:
        errands.wake()
        assert not done.wait(0.2)
        lead.note(held=True)
        errands.wake()
        assert done.wait(10)


def test_what_was_left_undone_by_who_does_not_lead_any_more_is_done_at_once_when_leading_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "connect", Store)
    monkeypatch.setattr(module, "_PATIENCE", 600.0)
    lead, stop, done = Lead(), threading.Event(), 0

    def do(_: Any) -> None:
        nonlocal done
        done += 1
        if done == 1:
            lead.note(held=False)

    lead.note(held=True)
    with Errands(load({}), [Errand("telling", do)], lead, Trouble(), stop) as errands:
        errands.wake()
        wait_until(lambda: done == 1)
        lead.note(held=True)
        wait_until(lambda: done == 2)
