"""A channel that fails is left alone for longer and longer, and what it was not tried with is tried all the same."""

from __future__ import annotations

from dataclasses import replace

from alert_support import step_of
from driftline_alerts.outbox import Incident
from driftline_alerts.patience import Patience, Round


def incidents(names: str, **values: str) -> list[Incident]:
    return [Incident(name, [replace(step_of(**values), incident=name)]) for name in names]  # type: ignore[arg-type]


def due(patience: Patience, known: list[Incident], now: float) -> str:
    return "".join(one.id for one in patience.due(known, now))


def failing(patience: Patience, known: list[Incident], now: float) -> bool:
    """Whether it was tried."""
    tried = patience.due(known, now)[:3]
    patience.note(Round(failed=tried), now)
    return bool(tried)


def test_a_channel_that_fails_is_tried_after_longer_and_longer_pauses() -> None:
    patience, known = Patience(), incidents("a")
    tried = [second for second in range(1500) if failing(patience, known, second)]
    assert tried == [0, 15, 45, 105, 225, 465, 765, 1065, 1365]


def test_what_is_critical_waits_for_a_minute_at_most() -> None:
    patience, known = Patience(), incidents("a", severity="critical")
    tried = [second for second in range(300) if failing(patience, known, second)]
    assert tried == [0, 15, 45, 105, 165, 225, 285]


def test_what_is_new_or_has_grown_is_tried_at_once() -> None:
    patience, known = Patience(), incidents("ab")
    failing(patience, known, 0)
    assert due(patience, known, 1) == ""
    assert due(patience, [*known, *incidents("c")], 1) == "c"
    known[0].steps *= 2
    assert due(patience, known, 1) == "a"


def test_one_success_ends_the_pauses() -> None:
    patience, known = Patience(), incidents("ab")
    for now in (0, 15, 45):
        failing(patience, known[:1], now)
    patience.note(Round(has_told=True), 50)
    assert due(patience, known, 51) == "ba"
    failing(patience, known[:1], 51)
    assert due(patience, known[:1], 66) == "a", "it begins anew"


def test_what_always_fails_does_not_keep_later_ones_from_being_tried() -> None:
    patience, known = Patience(), incidents("abcdefg")
    patience.note(Round(failed=patience.due(known, 0)[:3]), 0)
    assert due(patience, known, 0.5) == "defg"
    patience.note(Round(failed=known[3:6]), 0.5)
    assert due(patience, known, 20) == "gabcdef"


def test_a_channel_that_asks_for_a_pause_gets_it() -> None:
    patience = Patience()
    patience.note(Round(failed=incidents("a"), pause=100), 10)
    assert patience.is_asked(109)
    assert not patience.is_asked(110)
