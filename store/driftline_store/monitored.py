"""Which metrics are watched for drift, and how: one table beside that of the metrics.

What is counted stands in the metric's own row: a share's numerator, a percentile's histogram. A detector sees each of
them as counts by key, which it turns into values from 0 to 1 whose mean goes up when things get worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from driftline_store.metrics import METRICS

if TYPE_CHECKING:
    from driftline_store.metrics import Metric

Kind = Literal["flag", "log", "score"]
Source = Literal["llm_rollups", "judged_rollups"]
Member = Literal["mean", "top_share", "low_share", "flag", "rank", "over_p95", "share_of_cap"]

NO, YES = 0, 1
"""Keys of a flag's counts: without harm, and with it."""

FINEST: Final = ("environment", "feature", "model", "prompt_name", "prompt_version")
"""Dimensions of the finest segments that are watched. A judge's rate may be raised for one of them alone."""


@dataclass(frozen=True)
class LeastEffect:
    """What a change must reach before anybody is called: both figures, in the direction of harm.

    Attributes:
        absolute: in the metric's unit.
        relative: to the level before; 0.1 is a tenth.
    """

    absolute: float = 0.0
    relative: float = 0.0


@dataclass(frozen=True)
class Monitored:
    """One metric that is watched.

    Attributes:
        metric: its name among ``METRICS``.
        kind: what the keys of its counts are. ``flag``: ``NO`` and ``YES``; ``log``: bins of
            ``driftline_store.histogram``; ``score``: twentieths, 0 to 20.
        source: table of the sums that its counts are in.
        panel: the values from 0 to 1 that are made of it, each with a detector of its own.
        tolerance: drift that is let pass, in odds: 0.05 is 5 %. Where many calls are counted, small wanderings of the
            application would be proven otherwise.
        both_ways: whether going down is harm as well.
        severity: of an alarm, unless somebody says otherwise: whether the answers are worse, or only slower, dearer
            or of another length.
    """

    metric: str
    kind: Kind
    panel: tuple[Member, ...]
    least_effect: LeastEffect
    tolerance: float = 0.05
    source: Source = "llm_rollups"
    both_ways: bool = False
    severity: Literal["warning", "critical"] = "critical"

    @property
    def definition(self) -> Metric:
        """What it means, and how it is written."""
        return METRICS[self.metric]

    @property
    def quantile(self) -> float:
        """Of what is counted in logarithmic bins: which one the metric is, 0.95 of ``latency_p95``."""
        return int(self.metric.rsplit("_p", 1)[1]) / 100

    @property
    def n(self) -> str:
        """SQL aggregate over rows ``m``: how many observations there are."""
        return self.definition.n

    @property
    def hits(self) -> str:
        """SQL aggregate over rows ``m``, of a flag: how many of ``n`` are harm."""
        counted = self.definition.counted
        return f"({self.n} - {counted})" if self.definition.better == "higher" else counted

    @property
    def histogram(self) -> str:
        """SQL aggregate over rows ``m``, of what is counted in logarithmic bins: a map of bins and counts."""
        return self.definition.histogram


# docs/drift.md says what these are for; measured in the study of the method, which took them as a pager's limits.
_RATE: Final = LeastEffect(absolute=0.002, relative=0.25)
_SIZE: Final = LeastEffect(relative=0.10)
_SCORE: Final = LeastEffect(absolute=0.02)

_COST: Final[tuple[Member, ...]] = ("rank", "over_p95", "share_of_cap")


def _flag(metric: str) -> Monitored:
    return Monitored(metric, "flag", ("flag",), _RATE)


_TABLE: Final = (
    # A judged answer is dear and few are made, and what people see is the score itself: nothing is let pass.
    Monitored("quality", "score", ("mean", "top_share", "low_share"), _SCORE, tolerance=0.0, source="judged_rollups"),
    _flag("error_rate"),
    _flag("timeout_rate"),
    _flag("rate_limit_rate"),
    _flag("content_block_rate"),
    _flag("server_error_rate"),
    _flag("quota_rate"),
    _flag("authentication_error_rate"),
    _flag("context_length_rate"),
    _flag("invalid_output_rate"),
    _flag("call_error_rate"),
    _flag("fallback_rate"),
    _flag("failed_check_rate"),
    _flag("satisfaction"),
    _flag("report_rate"),
    Monitored("edit_rate", "flag", ("flag",), _RATE, severity="warning"),
    Monitored("latency_p95", "log", ("rank", "over_p95"), _SIZE, severity="warning"),
    Monitored("time_to_first_token_p95", "log", ("rank", "over_p95"), _SIZE, severity="warning"),
    Monitored("cost_per_call_p95", "log", _COST, _SIZE, severity="warning"),
    Monitored("cost_per_request_p95", "log", _COST, _SIZE, severity="warning"),
    Monitored("cost_per_session_p95", "log", _COST, _SIZE, severity="warning"),
    Monitored("output_length_p50", "log", ("rank", "over_p95"), _SIZE, both_ways=True, severity="warning"),
)

MONITORED: Final = {one.metric: one for one in _TABLE}
"""The table by the metrics' names, in the order in which it is shown."""
