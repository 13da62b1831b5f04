"""What the parts of a rule must be to each other. Each mistake is the rest of a sentence about the rule."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from driftline_alerts.limit import Limit
    from driftline_alerts.rule import Rule

_WEEK: Final = timedelta(days=7)
_SHARES: Final = frozenset({"share", "score"})


def check_limits(rule: Rule) -> None:
    """Raises ValueError when the limits do not make sense together or for the metric."""
    if (rule.above is None) == (rule.below is None):
        raise ValueError("needs exactly one of 'above' and 'below'")
    for limit in (rule.limit, rule.critical, rule.recover):
        if limit is not None:
            _check_limit(rule, limit)
    side, beyond = ("above", 1) if rule.above is not None else ("below", -1)
    for key, limit, sign in (("critical", rule.critical, beyond), ("recover", rule.recover, -beyond)):
        if limit is not None and (limit.number - rule.limit.number) * sign <= 0:
            where = "more" if sign > 0 else "less"
            raise ValueError(f"has {key!r} on the wrong side of {side!r}: it must be {where} than that")
    if rule.critical is not None and rule.severity == "critical":
        raise ValueError("has 'critical' although its severity is critical anyway; leave out one of them")


def _check_limit(rule: Rule, limit: Limit) -> None:
    if limit.kind != rule.limit.kind:
        raise ValueError("needs limits of one kind: all of them numbers, or factors such as 2x, or differences")
    if limit.kind == "factor" and limit.number == 0:
        raise ValueError("must have a factor above 0x")
    if limit.kind == "difference" and limit.number * (1 if rule.above is not None else -1) < 0:
        raise ValueError("needs a difference with 'more' behind 'above', with 'less' behind 'below'")
    metric, number = rule.definition, limit.number
    if metric.unit not in _SHARES:
        if limit.is_percent:
            hint = f"; compared with before, write {1 + number:g}x" if limit.kind == "difference" else ""
            raise ValueError(f"has a limit in percent, but {metric.name!r} is in {metric.unit}{hint}")
    elif (limit.kind != "factor" and not 0 <= abs(number) <= 1) or (limit.kind == "value" and number < 0):
        guess = format_value(metric, number / 100).replace(" ", "")
        hint = f"; did you mean {guess}?" if metric.unit == "share" and 0 < number <= 100 else ""
        raise ValueError(f"has a limit of {number:g}, but {metric.name!r} lies between 0 and 1{hint}")


def check_baseline(rule: Rule) -> None:
    """Raises ValueError when the limit cannot be compared with the baseline."""
    metric, baseline = rule.definition, rule.baseline
    if rule.limit.relative != (baseline is not None):
        raise ValueError(
            "needs 'baseline' (such as 24h) with a factor such as 2x or a difference such as '0.05 less', and only then"
        )
    if isinstance(baseline, timedelta) and baseline != rule.window and metric.over_time == "distinct":
        raise ValueError(
            f"compares the distinct count {rule.metric!r} over unequal times; make 'baseline' as long as 'window'"
        )
    if baseline == "last week" and rule.window > _WEEK:
        raise ValueError("compares windows that overlap; with 'last week' make 'window' at most 7d")
    if baseline == "other version":
        if "prompt_version" not in rule.group_by:
            raise ValueError("needs 'prompt_version' in 'group_by' to compare with the 'other version'")
        if metric.over_time != "ratio":
            raise ValueError(
                f"compares {rule.metric!r} of two versions, which depends on how often each is used; "
                "choose a metric that is a rate, a mean or a percentile"
            )
