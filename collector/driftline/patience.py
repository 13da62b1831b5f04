"""Time limits that do not run while the process stands still, as on AWS Lambda between two requests."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_MOMENT: Final = 0.1


class Patience:
    """A limit for waiting.

    Args:
        seconds: how long to wait in all.

    Attributes:
        left: seconds of it that are left.
    """

    def __init__(self, seconds: float) -> None:
        self.left = max(seconds, 0.0)

    def wait(self, wait: Callable[[float], object]) -> bool:
        """Wait for a moment, however long that takes.

        Args:
            wait: called with the seconds that it may take.

        Returns:
            False once all the time is up; then nothing was waited for.
        """
        if self.left <= 0:
            return False
        moment, begun = min(self.left, _MOMENT), time.monotonic()
        wait(moment)
        self.left -= min(time.monotonic() - begun, 2 * moment)
        return True
