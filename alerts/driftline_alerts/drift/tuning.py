"""What drift detection does differently with some streams: ``drift`` in alerts.yaml."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field

from driftline_alerts.drift.segments import LEAF
from driftline_alerts.drift.stream import ANCHORS, VOLUMES
from driftline_alerts.rule import SEVERITIES, Severity
from driftline_alerts.rule_fields import Runbook, Team, Where  # noqa: TC001
from driftline_processors.judge.fields import Share, Strict
from driftline_store.metrics import closest
from driftline_store.monitored import MONITORED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from driftline_alerts.drift.stream import Part, StreamKey
    from driftline_store.monitored import Monitored

WATCHED: Final = (*MONITORED, *sorted(VOLUMES))
"""Metrics that drift detection knows."""


def _metrics(raw: object) -> tuple[str, ...]:
    names = [raw] if isinstance(raw, str) else raw
    if not isinstance(names, list | tuple):
        raise ValueError(f"must be a metric or a list of them, not {raw!r}")  # noqa: TRY004  pydantic reports ValueError
    for name in names:
        if name not in WATCHED:
            raise ValueError(f"names {name!r}, which is not watched for drift; {closest(str(name), WATCHED)}")
    return tuple(names)


def _known(where: dict[str, str]) -> dict[str, str]:
    for name in where:
        if name not in LEAF:
            raise ValueError(f"names {name!r}, but segments of drift detection have {', '.join(LEAF)} alone")
    return where


_METRIC_FORM: Final[Any] = Annotated[str, Field(json_schema_extra={"enum": list(WATCHED)})]
Metrics = Annotated[
    tuple[str, ...], BeforeValidator(_metrics, json_schema_input_type=_METRIC_FORM | list[_METRIC_FORM])
]


class DriftRule(Strict):
    """What is done differently with the streams that match; the first that matches decides."""

    metrics: Metrics = Field(default=(), description="One or several metrics; without it, all that are watched.")
    where: Annotated[Where, AfterValidator(_known)] = Field(
        default_factory=dict, description="Dimensions that must have exactly these values."
    )
    watch: bool = Field(default=True, strict=True, description="Whether they are watched at all.")
    min_change: float | None = Field(
        default=None, ge=0, description="Least change that somebody is called for, in the metric's unit."
    )
    min_ratio: Share | None = Field(
        default=None, description="Least change that somebody is called for, as a share of the level before."
    )
    tolerance: Share | None = Field(default=None, description="Drift that is let pass, as a share of the odds.")
    severity: Severity | None = Field(
        default=None,
        description="Of what is found. Without it: `warning` of latencies, costs, lengths and edits, else `critical`.",
    )
    team: Team = Field(default="", description="Whose it is; routes can go by it.")
    runbook: Runbook = Field(default="", description="Address of what to do about it.")

    def matches(self, key: StreamKey) -> bool:
        """Whether it is about a stream."""
        values = dict(key.segment)
        is_metric = not self.metrics or key.metric in self.metrics
        return is_metric and all(values.get(name) == value for name, value in self.where.items())


_NOTHING_ELSE: Final = DriftRule()


@dataclass(frozen=True)
class Tuning:
    """All of them."""

    rules: tuple[DriftRule, ...] = ()

    def of(self, key: StreamKey) -> DriftRule:
        """What holds for a stream."""
        return next((rule for rule in self.rules if rule.matches(key)), _NOTHING_ELSE)

    def severity(self, keys: Iterable[StreamKey]) -> Severity:
        """The gravest of what is found in some streams; an incident does not become less grave by what joins it."""
        return max((self.of(key).severity or _usual(key.metric) for key in keys), key=SEVERITIES.index)

    def watched(self, parts: Iterable[Part]) -> Iterator[Part]:
        """Those of the parts whose streams are watched."""
        return (part for part in parts if self.of(part.key).watch)

    def monitored(self, key: StreamKey) -> Monitored:
        """How a stream's metric is watched; that of anchors is the judge's and always the same."""
        usual, rule = MONITORED[key.metric], self.of(key)
        if key.segment == ANCHORS:
            return usual
        least = usual.least_effect
        if rule.min_change is not None:
            least = replace(least, absolute=rule.min_change)
        if rule.min_ratio is not None:
            least = replace(least, relative=rule.min_ratio)
        tolerance = usual.tolerance if rule.tolerance is None else rule.tolerance
        return replace(usual, least_effect=least, tolerance=tolerance)


def _usual(metric: str) -> Severity:
    return MONITORED[metric].severity if metric in MONITORED else "critical"


USUAL: Final = Tuning()
"""Nothing is done differently."""
