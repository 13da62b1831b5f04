"""The trail of a stream: nothing is lost, and it stays short."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from driftline_alerts.drift.trail import BLOCKS, Trail

SECONDS = st.lists(st.floats(1, 7200), min_size=1, max_size=800)


@settings(deadline=None, max_examples=30)
@given(SECONDS)
def test_all_that_was_added_is_in_some_block_and_blocks_are_few(lengths: list[float]) -> None:
    trail, at = Trail(), 0.0
    for number, length in enumerate(lengths):
        trail.add(at, at + length, 2.0, [float(number), 1.0])
        at += length
    n, first = trail.columns(0)
    _, second = trail.columns(1)
    assert len(n) <= BLOCKS
    assert n.sum() == 2 * len(lengths)
    np.testing.assert_allclose([first.sum(), second.sum()], [sum(range(len(lengths))), len(lengths)])
    assert trail.begins == sorted(trail.begins)
    assert trail.end == at


def test_blocks_are_fine_where_they_are_new_and_coarse_where_they_are_old() -> None:
    trail = Trail()
    for minute in range(30 * 24 * 60):
        trail.add(60.0 * minute, 60.0 * (minute + 1), 1.0, [0.0])
    lengths = np.diff([*trail.begins, trail.end])
    ages = trail.end - np.array(trail.begins)
    assert lengths[-1] == 60
    assert (lengths / ages)[ages > 86400].max() < 0.1, "a start a day ago is known to some hours"


def test_a_trail_without_anything_has_nothing_to_show() -> None:
    n, total = Trail().columns(2)
    assert (len(n), len(total)) == (0, 0)
