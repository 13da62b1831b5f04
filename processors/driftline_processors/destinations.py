"""All topics that ingest stores, and where their messages go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_processors.judge.stored import JudgementTarget
from driftline_processors.targets import TARGETS

if TYPE_CHECKING:
    from driftline_processors.ingest import Destination

DESTINATIONS: Final[tuple[Destination, ...]] = (*TARGETS, JudgementTarget())
