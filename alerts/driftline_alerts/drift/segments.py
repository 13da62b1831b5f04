"""The lattice of segments that are watched: everything in an environment, its features, their models, their prompts.

What the sums call ``__other__`` is many segments at once whose mix says nothing, so it is never watched by itself and
counts only in what lies above it. A dimension that is not stated, '', is a value like any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_store.metrics import OTHER
from driftline_store.monitored import FINEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from driftline_alerts.evaluate import Segment

LEVELS: Final = (
    ("environment",),
    ("environment", "feature"),
    ("environment", "feature", "model"),
    FINEST,
)
"""Dimensions of a segment by its level, coarse to fine."""

LEAF: Final = LEVELS[-1]
"""Dimensions of the finest segments, which the sums are read by."""


def lineage(values: Sequence[str]) -> list[Segment]:
    """The segments that something counts in, coarse to fine; the last one is its leaf if it has its full length.

    Args:
        values: of the dimensions ``LEAF``.
    """
    pairs = tuple(zip(LEAF, values, strict=True))
    known = next((number for number, (_, value) in enumerate(pairs) if value == OTHER), len(pairs))
    return [pairs[: len(level)] for level in LEVELS if len(level) <= known]


def is_leaf(segment: Segment) -> bool:
    """Whether it is of the finest level."""
    return len(segment) == len(LEAF)


def parent(segment: Segment) -> Segment | None:
    """The segment of the level above; None of the coarsest."""
    coarser = [len(level) for level in LEVELS if len(level) < len(segment)]
    return segment[: coarser[-1]] if coarser else None


def children(segment: Segment, known: Iterable[Segment]) -> list[Segment]:
    """Those of the known segments that lie one level below."""
    return [one for one in known if parent(one) == segment]


def contains(segment: Segment, other: Segment) -> bool:
    """Whether all that counts in the other one counts in this one too; each contains itself."""
    return other[: len(segment)] == segment
