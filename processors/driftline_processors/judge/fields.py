"""Kinds of values in ``evaluators.yaml`` and rubrics: how people write them, and what they become."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from driftline_processors.judge.scale import SCALES, Scale

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")


class Strict(BaseModel):
    """What all of them have in common."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def _share(raw: object) -> float:
    percent = _PERCENT.fullmatch(raw.strip()) if isinstance(raw, str) else None
    is_number = isinstance(raw, int | float) and not isinstance(raw, bool)
    value = float(percent[1]) / 100 if percent else float(raw) if is_number else math.nan  # type: ignore[arg-type]
    if not 0 <= value <= 1:
        raise ValueError(f"must be a share such as 1% or 0.01, at most 100%, not {raw!r}")
    return value


def _duration(raw: object) -> timedelta:
    if isinstance(raw, timedelta):
        return raw
    match = re.fullmatch(r"([1-9]\d{0,4})([mhd])", raw.strip()) if isinstance(raw, str) else None
    if match is None:
        raise ValueError(f"must be a time such as 30m, 24h or 7d, not {raw!r}")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _texts(raw: object) -> tuple[str, ...]:
    texts = tuple(raw) if isinstance(raw, list | tuple) else (raw,)
    for text in texts:
        if not isinstance(text, str) or not text:
            raise ValueError(f"must be a text or a list of texts (put quotes around numbers), not {raw!r}")
    return texts


def _money(raw: object) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal) or not 0 <= raw < math.inf:
        raise ValueError(f"must be a number of USD, not {raw!r}")
    return Decimal(str(raw))


def _scale(raw: object) -> Scale:
    if isinstance(raw, Scale):
        return raw
    if raw not in SCALES:
        raise ValueError(f"must be one of {', '.join(SCALES)}, not {raw!r}")
    return SCALES[str(raw)]


_SHARE_FORM: Final[Any] = Annotated[float, Field(ge=0, le=1)] | Annotated[str, Field(pattern=r"^\d+(\.\d+)?\s*%$")]
_DURATION_FORM: Final[Any] = Annotated[str, Field(pattern=r"^[1-9]\d{0,4}[mhd]$")]
_SCALE_FORM: Final[Any] = Annotated[str, Field(json_schema_extra={"enum": list(SCALES)})]

Share = Annotated[float, BeforeValidator(_share, json_schema_input_type=_SHARE_FORM)]
"""0 to 1, written as ``0.01`` or ``1%``."""

Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=_DURATION_FORM)]
"""Written as ``30m``, ``24h`` or ``7d``."""

Texts = Annotated[tuple[str, ...], BeforeValidator(_texts, json_schema_input_type=str | list[str])]
"""One text or a list of them."""

Money = Annotated[Decimal, BeforeValidator(_money, json_schema_input_type=Annotated[float, Field(ge=0)])]
"""USD."""

ScaleName = Annotated[Scale, BeforeValidator(_scale, json_schema_input_type=_SCALE_FORM)]
"""A scale by its name."""


Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Of an evaluator: unique in its file, and stored with each score."""


class Applies(Strict):
    """Which answers are meant; an empty list is all of them."""

    features: Texts = ()
    models: Texts = ()
    operations: Texts = ()


class Budget(Strict):
    """USD that may be spent in a day and a month of UTC; None: without a limit."""

    per_day: Money | None = None
    per_month: Money | None = None

    @property
    def is_set(self) -> bool:
        """Whether it limits anything."""
        return self.per_day is not None or self.per_month is not None


class Criterion(Strict):
    """One of the things that a judge looks at, scored by itself."""

    question: str = Field(min_length=1, max_length=2000, description="What the judge asks itself about the answer.")
    weight: float = Field(default=1, gt=0, le=1000, description="In the mean of all criteria.")


def _criteria(raw: object) -> object:
    """A criterion that is a text alone is its question."""
    if not isinstance(raw, dict):
        raise ValueError(f"must map names to questions, such as 'tone: Is it friendly and calm?', not {raw!r}")  # noqa: TRY004
    for name in raw:
        if not isinstance(name, str) or not _NAME.fullmatch(name) or name in RESERVED:
            raise ValueError(
                f"must have names of small letters, digits and '_' (and not {' or '.join(RESERVED)}), not {name!r}"
            )
    return {name: {"question": one} if isinstance(one, str) else one for name, one in raw.items()}


RESERVED: Final = ("explanation", "score")
"""Keys of the judge's JSON; the names of the criteria stand beside them."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CRITERIA_FORM: Final[Any] = dict[Annotated[str, Field(pattern=rf"^{_NAME.pattern}$")], str | Criterion]

Criteria = Annotated[
    dict[str, Criterion], Field(max_length=12), BeforeValidator(_criteria, json_schema_input_type=_CRITERIA_FORM)
]
"""Criteria by name, in the order in which they are judged."""
