"""Which segments something counts in, and how they lie above each other."""

from __future__ import annotations

import pytest

from drift_support import LEAF
from driftline_alerts.drift import segments
from driftline_alerts.drift.segments import children, contains, is_leaf, lineage, parent
from driftline_store.metrics import OTHER

VALUES = tuple(value for _, value in LEAF)


def test_a_leaf_counts_in_everything_above_it() -> None:
    assert lineage(VALUES) == [LEAF[:1], LEAF[:2], LEAF[:3], LEAF]
    assert [is_leaf(one) for one in lineage(VALUES)] == [False, False, False, True]


@pytest.mark.parametrize(("first_other", "levels"), [(0, 0), (1, 1), (2, 2), (3, 3), (4, 3)])
def test_what_is_summed_up_as_other_is_no_segment(first_other: int, levels: int) -> None:
    values = tuple(OTHER if place >= first_other else value for place, value in enumerate(VALUES))
    assert lineage(values) == [LEAF[:1], LEAF[:2], LEAF[:3], LEAF][:levels]


def test_parents_children_and_containment_agree() -> None:
    other = (*LEAF[:4], ("prompt_version", "4"))
    known = [*lineage(VALUES), other]
    assert parent(LEAF) == parent(other) == LEAF[:3]
    assert parent(LEAF[:1]) is None
    assert children(LEAF[:3], known) == [LEAF, other]
    for above in known:
        for below in known:
            up = {below}
            while (last := parent(min(up, key=len))) is not None:
                up.add(last)
            assert contains(above, below) == (above in up)


def test_levels_are_the_beginnings_of_a_leaf() -> None:
    assert all(segments.LEAF[: len(level)] == level for level in segments.LEVELS)
