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

    from channel_support import Services
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


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is to be confirmed is, at once."""
    monkeypatch.setattr(guard_file, "BEAT", timedelta(0))
    monkeypatch.setattr(module, "_PAUSE", 0.01)


def nobody_stands() -> bool:
    return not any(thread.name == "containment file" for thread in threading.enumerate())


@pytest.mark.usefixtures("impatient")
def test_what_was_said_is_confirmed_while_the_store_hangs(
    client: Client, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fire(client)
    (errand,) = containing(path).errands()
    errand.do(client)
    answered = threading.Event()

    def hang(*_: object) -> Any:
        assert answered.wait(60)
        raise StoreUnavailableError("no answer")

    def fail() -> None:
        with pytest.raises(StoreUnavailableError):
            errand.do(client)

    def confirmed() -> None:
        at = said(path).at
        wait_until(lambda: said(path).at > at)
        assert [one.incident for one in said(path).contained] == ["i1"]

    with monkeypatch.context() as patch:
        patch.setattr(module, "latest", hang)
        hanging = threading.Thread(target=fail)
        hanging.start()
        confirmed()
        answered.set()
        hanging.join()
        confirmed()  # the store may hang again before anybody is asked
    errand.do(client)
    wait_until(nobody_stands)


@pytest.mark.usefixtures("impatient")
def test_what_another_worker_said_since_is_left_as_it_is(client: Client, path: Path) -> None:
    fire(client)
    (errand,) = containing(path).errands()
    errand.without_store()
    wait_until(nobody_stands)
    assert not path.exists(), "nothing was known yet"
    errand.do(client)
    GuardFile(path).put((), datetime.now(UTC))
    before = said(path)
    errand.without_store()
    wait_until(nobody_stands)
    assert said(path) == before


@pytest.mark.usefixtures("impatient")
def test_a_worker_that_does_not_lead_again_ceases_to_confirm(
    client: Client, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LONGEST", 0)
    fire(client)
    (errand,) = containing(path).errands()
    errand.do(client)
    before = said(path)
    errand.without_store()
    wait_until(nobody_stands)
    assert said(path) == before


def test_a_failure_of_our_own_is_not_stood_for(client: Client, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fire(client)
    (errand,) = containing(path).errands()
    errand.do(client)
    monkeypatch.setattr(module, "contained", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        errand.do(client)
    wait_until(nobody_stands)


def test_without_features_what_was_contained_is_not_any_more_and_the_webhook_is_told(
    client: Client, world: Services, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECRET", "a text of more than 24 bytes")
    webhook = {"url": world.hook, "secret": "${TEST_SECRET}"}
    fire(client)
    for features in (["support"], []):
        containment = Containment.model_validate({"features": features, "webhook": webhook})
        (errand,) = Containing(containment, GuardFile(path)).errands()
        errand.do(client)
    assert said(path).contained == ()
    assert [(one["event"], one["feature"]) for one in world.told("hook")] == [
        ("contained", "support"),
        ("released", "support"),
    ]


def test_when_nothing_is_to_be_contained_any_more_a_file_that_is_left_says_so(client: Client, path: Path) -> None:
    """Also without a store."""
    fire(client)
    for release in ("do", "without_store"):
        (errand,) = containing(path).errands()
        errand.do(client)
        assert said(path).contained
        (errand,) = Containing(None, GuardFile(path)).errands()
        errand.do(client) if release == "do" else errand.without_store()
        assert said(path).contained == ()


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
