"""One alert rule: a metric, a window and the limit that its value must keep."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from driftline_alerts.limit import Baseline, Duration, Limit, LimitField  # noqa: TC001  pydantic reads them
from driftline_alerts.rule_check import check_baseline, check_limits
from driftline_processors.judge.fields import Strict
from driftline_store.metrics import DIMENSIONS, METRICS, Metric, check_dimension, metric_named

DRIFT: Final = "drift: "
"""Begins the names of alerts that no rule has raised, but drift detection."""

Severity = Literal["info", "warning", "critical"]


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


class Rule(Strict):
    """What has to hold, for each segment by itself.

    Attributes:
        name: unique in its file; with the segment, the identity of an alert.
        metric: a name of ``METRICS``.
        window: the time up to now that is looked at.
        above: fires when the value is above it; either this or ``below``.
        below: fires when the value is below it.
        critical: a second limit beyond the first; when it is broken too, the severity is critical.
        recover: fires until the value is back on the right side of this limit; None: of the limit itself.
        baseline: what a factor or a difference is compared with: the time just before the window, the same window
            7 days ago, or in the same window the segment that differs in its prompt version alone and has most n.
        for_: so long a breach must last before it fires.
        no_data: what becomes of a firing alert whose segment has no data: it stays, is resolved, or, with ``fire``,
            no data is a breach.
        min_n: least sample size (of the baseline too) from which the value is believed at all.
        group_by: dimensions whose every combination is a segment of its own.
        where: dimensions that must have exactly these values.
        severity: of the limit.
        team: whose it is; routes can go by it.
        runbook: address of what to do about it.
        description: what it means and what to do, for the reader of the alert.
    """

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    metric: Annotated[str, BeforeValidator(_metric)]
    window: Duration
    above: LimitField | None = None
    below: LimitField | None = None
    critical: LimitField | None = None
    recover: LimitField | None = None
    baseline: Baseline | None = None
    for_: Duration = Field(default=timedelta(0), alias="for")
    no_data: Literal["keep", "resolve", "fire"] = "keep"
    min_n: int = Field(default=20, ge=0, strict=True)
    group_by: Annotated[tuple[str, ...], BeforeValidator(_dimensions)] = ()
    where: Annotated[dict[str, str], BeforeValidator(_where)] = Field(default_factory=dict)
    severity: Severity = "warning"
    team: str = Field(default="", max_length=100)
    runbook: str = Field(default="", max_length=2000, pattern=r"^(https://[^\s/]\S*)?$")
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
        if overlap := set(self.where) & set(self.group_by):
            raise ValueError(f"names {min(overlap)!r} in both 'where' and 'group_by'; one of them is enough")
        check_limits(self)
        check_baseline(self)
        return self


def build(raw: dict[str, Any]) -> Rule:
    """A rule from plain values as they stand in the file.

    Raises:
        pydantic.ValidationError: they do not make a rule.
    """
    return Rule.model_validate(raw)
