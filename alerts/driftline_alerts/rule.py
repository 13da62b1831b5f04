"""One alert rule: a metric, a window and the limit that its value must keep."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from driftline_store.metrics import DIMENSIONS, METRICS, Metric, check_dimension, metric_named
from driftline_store.metrics_format import format_value

DRIFT: Final = "drift: "
"""Begins the names of alerts that no rule has raised, but drift detection."""

Severity = Literal["info", "warning", "critical"]

_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_LONGEST: Final = timedelta(days=31)
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([x%])")


@dataclass(frozen=True)
class Limit:
    """A limit, either in the metric's unit or as a multiple of its value before the window.

    Attributes:
        number: of the unit, or the factor.
        relative: whether it is a factor.
    """

    number: float
    relative: bool = False


def parse_duration(raw: object) -> timedelta:
    """Read ``15m``, ``1h`` or ``7d``.

    Raises:
        ValueError: it is something else, or longer than 31 days.
    """
    match = re.fullmatch(r"([1-9]\d{0,5})([mhd])", raw.strip()) if isinstance(raw, str) else None
    if match is None:
        raise ValueError(f"must be a time such as 15m, 1h or 7d, not {raw!r}")
    duration = timedelta(**{_UNITS[match[2]]: int(match[1])})
    if duration > _LONGEST:
        raise ValueError(f"must be at most 31d, not {raw!r}")
    return duration


def _duration(raw: object) -> timedelta:
    return raw if isinstance(raw, timedelta) else parse_duration(raw)


def _limit(raw: object) -> Limit:
    if isinstance(raw, Limit):
        return raw
    if isinstance(raw, int | float) and not isinstance(raw, bool) and math.isfinite(raw):
        return Limit(float(raw))
    match = _NUMBER.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None:
        raise ValueError(
            f"must be a number in the metric's unit, a share such as 5% or a factor such as 2x, not {raw!r}"
        )
    number = float(match[1])
    return Limit(number, relative=True) if match[2] == "x" else Limit(number / 100)


def _metric(raw: object) -> str:
    return metric_named(str(raw)).name


def _dimensions(raw: object) -> tuple[str, ...]:
    names = [raw] if isinstance(raw, str) else raw
    if not isinstance(names, list | tuple):
        raise ValueError(f"must be a list of dimensions, not {raw!r}")  # noqa: TRY004  pydantic reports ValueError
    chosen = {check_dimension(str(name)) for name in names}
    return tuple(name for name in DIMENSIONS if name in chosen)


def _where(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise ValueError(f"must map dimensions to values, such as feature: checkout, not {raw!r}")  # noqa: TRY004
    for name, value in raw.items():
        check_dimension(str(name))
        if not isinstance(value, str):
            raise ValueError(f"needs quotes around the value of {name}: {value!r} is not text")  # noqa: TRY004
    return {name: raw[name] for name in DIMENSIONS if name in raw}


class Rule(BaseModel):
    """What has to hold, for each segment by itself.

    Attributes:
        name: unique in its file; with the segment, the identity of an alert.
        metric: a name of ``METRICS``.
        window: the time up to now that is looked at.
        above: fires when the value is above it; either this or ``below``.
        below: fires when the value is below it.
        baseline: with a factor, the time just before the window whose value the factor multiplies.
        min_n: least sample size (of the baseline too) from which the value is believed at all.
        group_by: dimensions whose every combination is a segment of its own.
        where: dimensions that must have exactly these values.
        severity: told to people; nothing else depends on it.
        description: what it means and what to do, for the reader of the alert.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    metric: Annotated[str, BeforeValidator(_metric)]
    window: Annotated[timedelta, BeforeValidator(_duration)]
    above: Annotated[Limit | None, BeforeValidator(_limit)] = None
    below: Annotated[Limit | None, BeforeValidator(_limit)] = None
    baseline: Annotated[timedelta | None, BeforeValidator(_duration)] = None
    min_n: int = Field(default=20, ge=0, strict=True)
    group_by: Annotated[tuple[str, ...], BeforeValidator(_dimensions)] = ()
    where: Annotated[dict[str, str], BeforeValidator(_where)] = Field(default_factory=dict)
    severity: Severity = "warning"
    description: str = Field(default="", max_length=500)

    @property
    def limit(self) -> Limit:
        """The one limit that is given."""
        limit = self.above or self.below
        assert limit is not None  # noqa: S101  _check has seen to it
        return limit

    @property
    def definition(self) -> Metric:
        """The row of ``METRICS``."""
        return METRICS[self.metric]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What names its segments: ``where`` and ``group_by`` together, coarse to fine."""
        return tuple(name for name in DIMENSIONS if name in self.where or name in self.group_by)

    def breaches(self, value: float, threshold: float) -> bool:
        """Whether a value lies on the wrong side of an absolute threshold."""
        return value > threshold if self.above is not None else value < threshold

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.name.startswith(DRIFT):
            raise ValueError(f"has a name that begins with {DRIFT!r}, as alerts of drift detection do; rename it")
        if (self.above is None) == (self.below is None):
            raise ValueError("needs exactly one of 'above' and 'below'")
        if self.limit.relative != (self.baseline is not None):
            raise ValueError("needs 'baseline' (such as 24h) with a factor such as 2x, and only then")
        if self.limit.relative and self.limit.number == 0:
            raise ValueError("must have a factor above 0x")
        if overlap := set(self.where) & set(self.group_by):
            raise ValueError(f"names {min(overlap)!r} in both 'where' and 'group_by'; one of them is enough")
        if self.baseline not in {None, self.window} and self.definition.over_time == "distinct":
            raise ValueError(
                f"compares the distinct count {self.metric!r} over unequal times; make 'baseline' as long as 'window'"
            )
        self._check_share()
        return self

    def _check_share(self) -> None:
        metric, limit = self.definition, self.limit
        if metric.unit in {"share", "score"} and not limit.relative and not 0 <= limit.number <= 1:
            guess = format_value(metric, limit.number / 100).replace(" ", "")
            hint = f"; did you mean {guess}?" if metric.unit == "share" and limit.number <= 100 else ""
            raise ValueError(f"has a limit of {limit.number:g}, but {metric.name!r} lies between 0 and 1{hint}")


def build(raw: dict[str, Any]) -> Rule:
    """A rule from plain values as they stand in the file.

    Raises:
        pydantic.ValidationError: they do not make a rule.
    """
    return Rule.model_validate(raw)
