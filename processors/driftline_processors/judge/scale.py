"""The steps on which a judge scores, and what they are as a number from 0 (bad) to 1 (good)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Step = int | str
"""What the judging model writes: a whole number, or ``pass`` or ``fail``."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale.

    Attributes:
        name: as in files.
        steps: from the worst to the best, evenly spaced.
        told: what the judging model is told about them.
    """

    name: str
    steps: tuple[Step, ...]
    told: str

    def share(self, step: Step) -> float:
        """The step as a number from 0 to 1.

        Raises:
            ValueError: it is none of them.
        """
        # True is 1 to Python, and no step of any scale.
        if isinstance(step, bool) or step not in self.steps:
            raise ValueError(f"{step!r} is no step of the scale {self.name}")
        return self.steps.index(step) / (len(self.steps) - 1)


def _numbers(low: int, high: int) -> Scale:
    return Scale(f"{low}-{high}", tuple(range(low, high + 1)), f"a whole number from {low} (worst) to {high} (best)")


DEFAULT_SCALE: Final = _numbers(0, 10)
SCALES: Final = {
    scale.name: scale
    for scale in (DEFAULT_SCALE, _numbers(1, 5), Scale("pass/fail", ("fail", "pass"), '"pass" or "fail"'))
}
"""All scales by name."""
