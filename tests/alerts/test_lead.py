"""The lead: asked of the bus by a thread of its own, held by one worker, and given up by one that hangs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from alert_support import wait_until
from driftline.bus.leader import Leadership
from driftline.errors import SettingsError
from driftline_alerts import lead as module
from driftline_alerts.lead import Candidate, Lead

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BEAT_SECONDS", 0.05)


@pytest.fixture
def bus(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'bus.db'}"


def is_held_while_living(candidate: Candidate, lead: Lead) -> bool:
    candidate.beat()
    return lead.is_held()


def test_one_of_two_leads_and_the_other_one_once_it_ends(bus: str) -> None:
    first, second = Lead(), Lead()
    with Candidate(bus, second):
        with Candidate(bus, first):
            wait_until(lambda: first.is_held() or second.is_held())
            for _ in range(20):
                assert not (first.is_held() and second.is_held())
                threading.Event().wait(0.02)
        assert not first.is_held()
        wait_until(second.is_held)


def test_a_main_loop_that_hangs_loses_the_lead_and_gets_it_back_when_it_goes_on(
    bus: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="driftline_alerts")
    monkeypatch.setattr(module, "_HANGS", 1.0)
    first, second = Lead(), Lead()
    with Candidate(bus, first) as one:
        wait_until(lambda: is_held_while_living(one, first))
        with Candidate(bus, second) as other:
            wait_until(lambda: is_held_while_living(other, second))
            assert not first.is_held()
        assert first.losses == 1
        [fault] = [found for what, found in one.trouble.faults().items() if what == "round"]
        assert "another worker may lead meanwhile" in fault.text
        wait_until(lambda: is_held_while_living(one, first))
    assert caplog.text.count("alerts wait: a round has not gone on") == 1
    assert "alerts go on: what was wrong with the round is over" in caplog.text


def test_who_was_without_an_answer_for_long_knows_that_another_one_may_have_led(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lead = Lead()
    for _ in range(3):
        lead.note(held=True)
    assert (lead.is_held(), lead.losses) == (True, 0)
    monkeypatch.setattr(module, "_VALID", 0.0)
    lead.note(held=True)
    assert (lead.is_held(), lead.losses) == (False, 0)
    monkeypatch.undo()
    lead.note(held=True)
    assert (lead.is_held(), lead.losses) == (True, 1)
    for _ in range(2):
        lead.note(held=False)
    lead.note(held=True)
    assert lead.losses == 2


def test_a_bus_that_is_away_is_told_once_and_nobody_leads_meanwhile(
    tmp_path: Path, bus: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="driftline_alerts")
    file, lead = tmp_path / "bus.db", Lead()
    file.write_bytes(b"not a bus" * 1000)
    with Candidate(bus, lead) as candidate:
        wait_until(lambda: "bus" in candidate.trouble.faults())
        began = candidate.trouble.faults()["bus"].at
        wait_until(lambda: candidate.trouble.faults()["bus"].at > began)
        assert not lead.is_held()
        file.unlink()
        wait_until(lead.is_held)
    assert caplog.text.count("alerts wait: the bus file") == 1
    assert caplog.text.count("alerts go on: what was wrong with the bus is over") == 1


def test_an_address_of_no_bus_is_an_error_at_once() -> None:
    with pytest.raises(SettingsError, match="the bus URL must start with"):
        Candidate("carrier-pigeon://loft", Lead())


def test_what_ends_the_thread_is_raised_in_the_main_loop(bus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unusable(_: Leadership) -> bool:
        raise SettingsError("the bus cannot be used at all")

    monkeypatch.setattr(Leadership, "held", unusable)
    lead = Lead()
    with Candidate(bus, lead) as candidate, pytest.raises(SettingsError, match="cannot be used at all"):
        wait_until(lambda: is_held_while_living(candidate, lead))
