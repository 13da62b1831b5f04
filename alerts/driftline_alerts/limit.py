"""How a rule's limits and times are written, and what they become."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

Kind = Literal["value", "factor", "difference"]

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = timedelta(days=31)
_DURATION: Final = r"[1-9]\d{0,5}[mhd]"
_TEXT: Final = r"(?:\d+(?:\.\d+)?)\s*(?:x|%|(?:%?\s*(?:more|less)))"
_LIMIT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(?:(x)|(%)?\s*(more|less)?)")


@dataclass(frozen=True)
class Limit:
    """A limit that a metric's value must keep.

    Attributes:
        number: in the metric's unit; or what the baseline is multiplied by; or what is added to it, below 0 for less.
        kind: which of these.
        is_percent: whether it was written in percent, which only a share or a score can have.
    """

    number: float
    kind: Kind = "value"
    is_percent: bool = field(default=False, compare=False)

    @property
    def relative(self) -> bool:
        """Whether there is no limit without a baseline."""
        return self.kind != "value"

    def threshold(self, baseline: float | None) -> float | None:
        """The limit in the metric's unit; None where it has nothing to stand on.

        Args:
            baseline: what it is compared with; None where there is none.
        """
        if self.kind == "value":
            return self.number
        if baseline is None:
            return None
        if self.kind == "difference":
            return baseline + self.number
        return self.number * baseline or None  # no multiple of 0 says anything


def parse_duration(raw: object) -> timedelta:
    """Read ``15m``, ``1h`` or ``7d``.

    Raises:
        ValueError: it is something else, or longer than 31 days.
    """
    text = raw.strip() if isinstance(raw, str) else ""
    if not re.fullmatch(_DURATION, text):
        raise ValueError(f"must be a time such as 15m, 1h or 7d, not {raw!r}")
    duration = timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
    if duration > _LONGEST:
        raise ValueError(f"must be at most 31d, not {raw!r}")
    return duration


def parse_limit(raw: object) -> Limit:
    """Read ``3``, ``5%``, ``2x``, ``0.05 less`` or ``5% more``.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
        return Limit(float(raw))
    match = _LIMIT.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None or not any(match.groups()[1:]):
        raise ValueError(
            "must be a number in the metric's unit, a share such as 5%, a factor such as 2x or a difference such as "
            f"'0.05 less' or '5% more', not {raw!r}"
        )
    number, factor, percent, direction = float(match[1]), match[2], match[3] is not None, match[4]
    if factor:
        return Limit(number, "factor")
    number = (number / 100 if percent else number) * (-1 if direction == "less" else 1)
    return Limit(number, "difference" if direction else "value", percent)


def _duration(raw: object) -> timedelta:
    return raw if isinstance(raw, timedelta) else parse_duration(raw)


def _limit(raw: object) -> Limit:
    return raw if isinstance(raw, Limit) else parse_limit(raw)


_DURATION_FORM: Final[Any] = Annotated[str, Field(pattern=f"^{_DURATION}$", examples=["15m", "1h", "7d"])]
_LIMIT_FORM: Final[Any] = (
    float | Annotated[str, Field(pattern=rf"^{_TEXT}$", examples=["5%", "2x", "0.05 less", "5% more"])]
)

Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=_DURATION_FORM)]
"""Written as ``15m``, ``1h`` or ``7d``, at most 31 days."""

LimitField = Annotated[Limit, BeforeValidator(_limit, json_schema_input_type=_LIMIT_FORM)]
"""Written as ``3``, ``5%``, ``2x``, ``0.05 less`` or ``5% more``."""

Compared = Literal["last week", "other version"]
"""Baselines that are no time just before the window."""

_COMPARED: Final = ("last week", "other version")


def _baseline(raw: object) -> object:
    if raw in _COMPARED:
        return raw
    try:
        return _duration(raw)
    except ValueError as error:
        reason = str(error)
        if not isinstance(raw, str) or reason.startswith("must be at most"):
            raise
        raise ValueError(f"must be a time such as 24h, 'last week' or 'other version', not {raw!r}") from None


Baseline = Annotated[timedelta | Compared, BeforeValidator(_baseline, json_schema_input_type=_DURATION_FORM | Compared)]
"""A time just before the window, or one of ``Compared``."""
