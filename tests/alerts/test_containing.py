"""The worker's side of containment: follows the alerts while it leads, and stands for what it knows without a store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from alert_support import wait_until
from driftline import settings as table
from driftline.containment.source import FileSource
from driftline_alerts import guard_file
from driftline_alerts.containing import Containing
from driftline_alerts.containment import Containment
from driftline_alerts.detail import Detail
from driftline_alerts.guard_file import GuardFile
from driftline_alerts.lead import Lead
from driftline_alerts.transition import Transition, write
from driftline_alerts.trouble import Trouble
from driftline_store.client import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from driftline.containment.state import State
    from driftline_store.client import Client

NOW = datetime.now(UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "guard.json"


def containing(store_url: str, path: Path, lead: Lead) -> Containing:
    settings = table.load({}, store=store_url, data_dir=str(path.parent))
    return Containing(settings, Containment(features=("support",)), GuardFile(path), lead, Trouble())


def fire(client: Client) -> Transition:
    firing = Transition(
        id="t1",
        incident="i1",
        rule="errors",
        segment=(("feature", "support"),),
        state="firing",
        at=NOW,
        started=NOW,
        metric="error_rate",
        value=0.5,
        threshold=0.05,
        n=100,
        detail=Detail(side="above", window_minutes=15, severity="critical"),
    )
    write(client, [firing])
    return firing


def said(path: Path) -> State:
    state = FileSource(path).read()
    assert state is not None
    return state


def test_the_file_follows_the_alerts_while_we_lead(client: Client, store_url: str, path: Path) -> None:
    firing, lead = fire(client), Lead()

    def leads_until(true: Callable[[], bool]) -> None:
        def look_again() -> bool:
            lead.note(held=True)
            worker.wake()
            return true()

        wait_until(look_again)

    with containing(store_url, path, lead) as worker:
        worker.wake()
        wait_until(lambda: not worker._news.is_set())
        assert not path.exists(), "somebody else leads"
        leads_until(path.exists)
        assert [one.incident for one in said(path).contained] == ["i1"]
        write(client, [firing.next("resolved", NOW + timedelta(minutes=1))])
        leads_until(lambda: not said(path).contained)


def test_what_is_known_is_confirmed_while_the_store_is_away(
    client: Client, store_url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fire(client)
    worker = containing(store_url, path, Lead())
    worker.look()
    before = said(path)
    monkeypatch.setattr(guard_file, "BEAT", timedelta(0))

    def away(*_: object) -> None:
        raise StoreUnavailableError("away")

    monkeypatch.setattr("driftline_alerts.containing.latest", away)
    with pytest.raises(StoreUnavailableError):
        worker.look()
    worker._disconnect()
    assert said(path).contained == before.contained
    assert said(path).at > before.at


def test_nothing_is_said_before_the_store_was_read(
    client: Client, store_url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreUnavailableError("away")

    monkeypatch.setattr("driftline_alerts.containing.connect", away)
    with pytest.raises(StoreUnavailableError):
        containing(store_url, path, Lead()).look()
    assert not path.exists()
