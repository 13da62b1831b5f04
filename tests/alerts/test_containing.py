"""The worker's side of containment: follows the alerts while it leads, and stands for what it knows without a store."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from alert_support import wait_until
from driftline import settings as table
from driftline.containment.source import FileSource
from driftline_alerts import containing as module
from driftline_alerts import containment_hook, guard_file
from driftline_alerts.containing import Containing
from driftline_alerts.containment import Containment
from driftline_alerts.detail import Detail
from driftline_alerts.errands import Errands
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


def containing(path: Path) -> Containing:
    return Containing(Containment(features=("support",)), GuardFile(path))


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


def away(*_: object) -> Any:
    raise StoreUnavailableError("away")


def test_without_containment_there_is_nothing_to_do(path: Path) -> None:
    assert list(Containing(None, GuardFile(path)).errands()) == []


def test_the_file_follows_the_alerts_and_stays_confirmed_without_a_store(
    client: Client, store_url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard_file, "BEAT", timedelta(0))
    firing, lead = fire(client), Lead()
    settings = table.load({}, store=store_url, data_dir=str(path.parent))
    errands = Errands(settings, list(containing(path).errands()), lead, Trouble(), threading.Event())

    def leads_until(true: Callable[[], bool]) -> None:
        def look_again() -> bool:
            lead.note(held=True)
            errands.wake()
            return true()

        wait_until(look_again)

    with errands:
        leads_until(path.exists)
        assert [one.incident for one in said(path).contained] == ["i1"]
        with monkeypatch.context() as patch:
            patch.setattr(module, "latest", away)
            patch.setattr("driftline_alerts.errands.connect", away)
            at = said(path).at + timedelta(seconds=1)
            leads_until(lambda: said(path).at > at)
            assert [one.incident for one in said(path).contained] == ["i1"]
        write(client, [firing.next("resolved", NOW + timedelta(minutes=1))])
        leads_until(lambda: not said(path).contained)


def test_what_was_said_long_ago_is_not_confirmed(client: Client, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker may have led since."""
    fire(client)
    (errand,) = containing(path).errands()
    errand.without_store()
    assert not path.exists(), "nothing was known yet"
    errand.do(client)
    before = said(path)
    monkeypatch.setattr(guard_file, "BEAT", timedelta(0))
    monkeypatch.setattr(module, "_LATELY", timedelta(0))
    errand.without_store()
    assert said(path) == before


def test_a_file_that_cannot_be_written_does_not_stop_the_webhook(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(containment_hook, "tell", lambda _, __, found, ___: told.extend(one.feature for one in found))
    monkeypatch.setenv("TEST_SECRET", "a text of more than 24 bytes")
    webhook = {"url": "https://host/x", "secret": "${TEST_SECRET}"}
    (tmp_path / "file").write_text("")
    fire(client)
    containment = Containment.model_validate({"features": ["support"], "webhook": webhook})
    (errand,) = Containing(containment, GuardFile(tmp_path / "file" / "guard.json")).errands()
    with pytest.raises(Exception, match="cannot be written"):
        errand.do(client)
    assert told == ["support"]
