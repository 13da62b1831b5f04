"""What is kept of the minutes that may still grow survives a newer Driftline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_alerts.drift import window
from driftline_alerts.drift.series import NUMBER, SERIES, Series, packed
from driftline_alerts.drift.window import Window

if TYPE_CHECKING:
    import pytest

LEAF = ("", "", "production", "chat", "m", "", "")


def test_counts_of_series_that_are_renumbered_or_gone_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    older = (Series("gone", ""), *SERIES)
    rows = [(60, *LEAF, [packed(0, 5), packed(1 + NUMBER["latency_p95"], -7)], [2, 3])]
    with monkeypatch.context() as before:
        before.setattr(window, "SERIES", older)
        kept = Window()
        kept.take(rows)
        data = kept.dump()
    now = packed(NUMBER["latency_p95"], -7)
    [fresh] = Window.load(data).take([(60, *LEAF, [now], [4])])
    assert fresh.counts == {now: 1}


def test_a_window_that_was_dumped_gives_nothing_twice() -> None:
    rows = [(at, *LEAF, [packed(0, key) for key in range(9)], [1 + at] * 9) for at in (0, 60)]
    first = Window()
    assert len(first.take(rows)) == 2
    again = Window.load(first.dump())
    assert again == first
    assert again.take(rows) == []
    assert again.close(60) == {0: 9}
    assert list(again.taken) == [60]
