"""What the module of each library gives: how to wrap a function, and how to wait until all has been sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Answer = Callable[[str], Any]
"""From a prompt to an answer."""

FEATURE, PROMPT_NAME, PROMPT_VERSION = "support_answer", "support", "v2"


@dataclass(frozen=True)
class Target:
    """Where a library is to send to.

    Attributes:
        url: of the sink, without a slash at the end.
        folder: empty, for files of this process alone.
    """

    url: str
    folder: str


@dataclass(frozen=True)
class Running:
    """A library that has been set up.

    Attributes:
        wrap: as its documentation says to, with prompt and answer recorded.
        drain: sends what is waiting; False if that did not succeed.
        stop: ends the library.
    """

    wrap: Callable[[Answer], Answer]
    drain: Callable[[], object]
    stop: Callable[[], object]


Start = Callable[..., Running]
"""Called with a Target and the options of a row."""
