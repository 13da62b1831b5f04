"""Detectors as bytes: numbers exactly as they are, so that a restart goes on as if nothing had happened."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from driftline_alerts.drift import lattice
from driftline_alerts.drift.bets import BETS
from driftline_alerts.drift.detector import Detector
from driftline_alerts.drift.lattice import Lattice
from driftline_alerts.drift.levels import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAIN: Final = ("overdispersion", "tolerance", "shift", "n", "n_pending", "suspicion", "is_frozen")
_ARRAYS: Final = ("baseline", "pending", "log_capital", "capital")
"""What the baseline says of each cell follows from its bets' capital, so it is not kept."""


def dump(detector: Detector) -> tuple[dict[str, Any], bytes]:
    """What JSON takes, and the arrays one after the other."""
    head = {name: getattr(detector, name) for name in _PLAIN}
    head |= {"levels": detector.levels.name, "lattice": asdict(detector.lattice)}
    return head, b"".join(getattr(detector, name).tobytes() for name in _ARRAYS)


def load(head: Mapping[str, Any], arrays: memoryview) -> tuple[Detector, int]:
    """The detector that was dumped, and how many bytes of the arrays were its own."""
    levels = ALL[head["levels"]]
    made = Lattice(**{**head["lattice"], "bets": tuple(head["lattice"]["bets"])})
    shapes = {
        "baseline": (len(levels),),
        "pending": (len(levels),),
        "log_capital": (made.cells, len(made.bets)),
        "capital": (made.cells, BETS),
    }
    at = 0
    read: dict[str, Any] = {}
    for name in _ARRAYS:
        size = int(np.prod(shapes[name]))
        read[name] = np.frombuffer(arrays, float, size, at).reshape(shapes[name]).copy()
        at += size * 8
    plain: dict[str, Any] = {name: head[name] for name in _PLAIN}
    return Detector(levels, lattice=made, evidence=lattice.evidence(read["log_capital"]), **plain, **read), at
