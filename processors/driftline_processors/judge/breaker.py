"""Stops calling an endpoint that fails in a way which will not pass by itself, and tries it now and then."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

from driftline_processors.judge.failure import INVALID_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline_processors.judge.failure import JudgeFailure

logger = logging.getLogger(__name__)

State = Literal["closed", "open", "half-open"]

THRESHOLDS: Final = {
    "authentication": 3,
    "quota": 3,
    "invalid_request": 5,
    INVALID_OUTPUT: 20,
    "connection": 20,
    "timeout": 20,
    "server_error": 20,
}
"""Failed calls, without a verdict between them, after which the endpoint is left alone; by class of failure.

Failures that an answer of ours provokes (too long, refused by a policy) say nothing about the endpoint, and rate limits
pass by themselves.
"""

REMEDIES: Final = {
    "authentication": "; correct its key or the address of its endpoint",
    "quota": "; the account of its key has no credit",
    "invalid_request": "; check its model and the address of its endpoint",
    INVALID_OUTPUT: "; its model may not support structured output",
}
"""What to do about a class of failure, for the log."""

_FIRST_PAUSE: Final = 30.0
_LONGEST_PAUSE: Final = 600.0


@dataclass
class Breaker:
    """The fuse of one evaluator: closed lets calls through, open does not, half-open lets one through to see.

    Attributes:
        who: the evaluator, for the log.
        clock: in seconds.
        reason: of the last opening, such as ``authentication (HTTP status 401)``.
    """

    who: str
    clock: Callable[[], float] = time.monotonic
    reason: str = ""
    _failures: Counter[str] = field(default_factory=Counter)
    _until: float | None = None
    _pause: float = _FIRST_PAUSE
    _is_trying: bool = False

    @property
    def state(self) -> State:
        """``open`` for as long as it pauses, ``half-open`` from then until a call has shown how things are."""
        if self._until is None:
            return "closed"
        return "open" if self.clock() < self._until else "half-open"

    @property
    def trouble(self) -> str:
        """What to say in a report; '' while calls go through."""
        if self._until is None:
            return ""
        how = f"paused for {self.seconds_left:.0f} s more" if self.state == "open" else "tried again"
        return f"evaluator {self.who!r} is {how}: {self.reason}{REMEDIES.get(self.reason.partition(' ')[0], '')}"

    @property
    def seconds_left(self) -> float:
        """Until a call may be tried."""
        return max((self._until or 0.0) - self.clock(), 0.0)

    def allows(self) -> bool:
        """Whether a call may be made now; in half-open, the one call that is allowed counts as made."""
        state = self.state
        if state == "half-open" and not self._is_trying:
            self._is_trying = True
            logger.info("evaluator %r is tried again", self.who)
            return True
        return state == "closed"

    def succeeded(self) -> None:
        """A call brought a verdict."""
        if self._until is not None:
            logger.info("evaluator %r judges again", self.who)
        self._failures.clear()
        self._until, self._pause, self._is_trying = None, _FIRST_PAUSE, False

    def failed(self, failure: JudgeFailure) -> None:
        """A call failed."""
        was_trial, self._is_trying = self._is_trying, False
        if failure.kind not in THRESHOLDS:
            return
        self._failures[failure.kind] += 1
        if was_trial or (self._until is None and self._failures[failure.kind] >= THRESHOLDS[failure.kind]):
            self._open(failure)

    def gave_up(self) -> None:
        """A call was stopped before its outcome was known."""
        self._is_trying = False

    def _open(self, failure: JudgeFailure) -> None:
        self._failures.clear()
        self.reason = str(failure)
        self._until = self.clock() + self._pause
        logger.error(
            "evaluator %r pauses for %.0f seconds: its endpoint keeps failing with %s%s; tasks wait meanwhile",
            self.who,
            self._pause,
            failure,
            REMEDIES.get(failure.kind, ""),
        )
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
