"""Regular expressions that the engine can run."""

from __future__ import annotations

import re
from typing import Final

_NOT_IN_THE_ENGINE: Final = re.compile(r"\(\?<?[=!]|\(\?[>(]|\(\?P[=>]|\\[1-9]")


def usable_pattern(pattern: object) -> str:
    """The pattern itself.

    Raises:
        ValueError: it is none, or one with look-around or back-references, which the engine does not know.
    """
    if not isinstance(pattern, str):
        raise ValueError(f"must be a regular expression, not {pattern!r}")  # noqa: TRY004 - a mistake in a file
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"must be regular expressions, but {pattern!r} is none: {error}") from None
    if _NOT_IN_THE_ENGINE.search(pattern):
        raise ValueError(f"must do without look-around and back-references, not {pattern!r}")
    return pattern
