"""The values that a detector's y can have: harm from 0 (none) to 1, so that getting worse is a mean that goes up.

Few and fixed, so that what arrived since the last look is a handful of counts, and all streams share their tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Levels:
    """One set of values.

    Attributes:
        name: in snapshots.
        points: ascending, from 0 to 1.
    """

    name: str
    points: tuple[float, ...]

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """The points as an array, shape (levels,)."""
        return np.array(self.points)

    def __len__(self) -> int:
        return len(self.points)


FLAG: Final = Levels("flag", (0.0, 1.0))
SCORE: Final = Levels("score", tuple(level / 20 for level in range(21)))
"""1 - score, as the sums keep scores: in twentieths."""
RANK: Final = Levels("rank", tuple((level + 0.5) / 20 for level in range(20)))
"""Share of the baseline that was better, by twentieths."""
SHARE_OF_CAP: Final = Levels("share_of_cap", tuple(float(400 ** (level / 20 - 1)) for level in range(21)))
"""An amount over a cap, in steps of 35 %: what is below 1/400 of the cap counts as that."""

ALL: Final = {levels.name: levels for levels in (FLAG, SCORE, RANK, SHARE_OF_CAP)}
