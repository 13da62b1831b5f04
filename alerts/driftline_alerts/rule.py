"""One alert rule: a metric, a window and the limit that its value must keep."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import Field, model_validator

from driftline_alerts.limit import Baseline, Duration, Limit, LimitField  # noqa: TC001  pydantic reads them
from driftline_alerts.rule_check import check_rule
from driftline_alerts.rule_fields import Dimensions, MetricName, Name, Runbook, Team, Where, without_default
from driftline_alerts.system_metrics import KNOWN, SYSTEM
from driftline_processors.judge.fields import Strict
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from driftline_store.metrics import Metric

DRIFT: Final = "drift: "
"""Begins the names of alerts that no rule has raised, but drift detection."""

Severity = Literal["info", "warning", "critical"]
SEVERITIES: Final[tuple[Severity, ...]] = ("info", "warning", "critical")
"""From the least to the gravest."""
NoData = Literal["keep", "resolve", "fire"]


class Rule(Strict):
    """What has to hold, for each segment by itself."""

    name: Name = Field(description="Unique. With the segment it is the identity of an alert.")
    metric: MetricName = Field(description="What is looked at.")
    window: Duration = Field(description="The time up to now that is looked at.")
    above: LimitField | None = Field(
        default=None, description="Fires when the value is above it. Either this or `below`."
    )
    below: LimitField | None = Field(default=None, description="Fires when the value is below it.")
    critical: LimitField | None = Field(
        default=None, description="A limit beyond that one. When it is broken too, the severity is `critical`."
    )
    recover: LimitField | None = Field(
        default=None,
        description="A limit on the safe side of that one, behind which the value has to be back before the alert is "
        "resolved. Without it: the same limit.",
    )
    baseline: Baseline | None = Field(
        default=None,
        description="What a factor or a difference is compared with: a time just before the window, the same window 7 "
        "days ago, or the prompt version with most n of those that share all other dimensions.",
    )
    for_: Duration = Field(
        default=timedelta(0),
        alias="for",
        description="How long it has to be so before the alert fires. Without it: at once.",
        json_schema_extra=without_default,
    )
    no_data: NoData = Field(
        default="keep",
        description="What becomes of an alert that fires when there is no data: it stays, or is resolved; or, with "
        "`fire`, no data is as bad as a broken limit.",
    )
    min_n: int = Field(
        default=20,
        ge=0,
        strict=True,
        description="Least sample size, of the baseline too; with fewer there is no data. Of a count that is compared "
        "with before: of the baseline only. With 0, nothing seen is a count of 0.",
    )
    group_by: Dimensions = Field(default=(), description="Dimensions whose every combination is watched by itself.")
    where: Where = Field(default_factory=dict, description="Values that dimensions must have.")
    severity: Severity = Field(default="warning", description="Of the alert; routes go by it.")
    team: Team = Field(default="", description="Whose it is; routes can go by it.")
    runbook: Runbook = Field(default="", description="Address of what to do about it; stands in the message.")
    description: str = Field(default="", max_length=500, description="What it means; stands in the message.")

    @property
    def limit(self) -> Limit:
        """The one limit that is given."""
        limit = self.above or self.below
        assert limit is not None  # noqa: S101  check_rule has seen to it
        return limit

    @property
    def definition(self) -> Metric:
        """What the metric means."""
        return KNOWN[self.metric]

    @property
    def is_system(self) -> bool:
        """Whether it is about Driftline itself, and so about no segment."""
        return self.metric in SYSTEM

    @property
    def counts_nothing(self) -> bool:
        """Whether nothing seen is truly 0: of a count that is asked for with ``min_n`` 0, or compared with before."""
        return self.definition.is_count and (self.min_n == 0 or self.limit.relative)

    @property
    def window_n(self) -> int:
        """Least n of the window; that of the baseline is ``min_n``."""
        return 0 if self.is_system or self.counts_nothing else self.min_n

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What names its segments: ``where`` and ``group_by`` together, coarse to fine."""
        return tuple(name for name in DIMENSIONS if name in self.where or name in self.group_by)

    def breaches(self, value: float, threshold: float) -> bool:
        """Whether a value lies on the wrong side of an absolute threshold."""
        return value > threshold if self.above is not None else value < threshold

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_rule(self)
        return self


def build(raw: dict[str, Any]) -> Rule:
    """A rule from plain values as they stand in the file.

    Raises:
        pydantic.ValidationError: they do not make a rule.
    """
    return Rule.model_validate(raw)
