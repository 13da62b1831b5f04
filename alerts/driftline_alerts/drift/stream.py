"""A stream, which is one metric of one segment, and a part of it: what of it arrived between two looks."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from driftline_alerts.evaluate import Segment

ANCHORS: Final[Segment] = (("unit", "anchor"),)
"""In place of a segment: the answers that the judge scores again and again, which are no part of production."""

VOLUMES: Final = ("requests", "calls")
"""Metrics that are counts: a part of theirs has the key 0 alone, and is of one minute of arrival."""


@dataclass(frozen=True)
class StreamKey:
    """Which stream.

    Attributes:
        metric: its name among ``driftline_store.metrics.METRICS``.
        instrument: fingerprint of the judge whose scores they are; '' for what is not judged.
        segment: dimensions and values, coarse to fine, or ``ANCHORS``.
        evaluator: name of the judge.
    """

    metric: str
    instrument: str
    segment: Segment
    evaluator: str = ""

    def state(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """The key that gave the state."""
        return cls(**{**state, "segment": tuple((name, value) for name, value in state["segment"])})


@dataclass(frozen=True)
class Part:
    """What newly arrived of one stream.

    Attributes:
        counts: observations by key, all above 0; see ``driftline_store.monitored.Kind``. Of ``ANCHORS`` the key is 10
            where the judge scores as people did, 0 where it gave 0 for their 1, and 20 where it was the other way.
        begin: of the time in which it arrived, inclusive.
        end: exclusive.
    """

    key: StreamKey
    counts: Mapping[int, int]
    begin: datetime
    end: datetime
