"""What the parts of a rule must be to each other."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from driftline_processors.yaml_model import KeyedError
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from driftline_alerts.limit import Limit
    from driftline_alerts.rule import Rule

_DRIFT: Final = "drift: "
_WEEK: Final = timedelta(days=7)
_SHARES: Final = frozenset({"share", "score"})
_OF_SEGMENTS: Final = ("min_n", "group_by", "where", "baseline")


def check_rule(rule: Rule) -> None:
    """Find the first thing about a rule that makes no sense.

    Raises:
        ValueError: what, as the rest of a sentence about the rule, or about one of its keys.
    """
    if rule.name.startswith(_DRIFT):
        raise KeyedError("name", f"begins with {_DRIFT!r}, as alerts of drift detection do; rename it")
    if overlap := set(rule.where) & set(rule.group_by):
        raise KeyedError("where", f"names {min(overlap)!r}, as 'group_by' does; one of them is enough")
    if rule.is_system and (given := [key for key in _OF_SEGMENTS if key in rule.model_fields_set]):
        raise KeyedError(given[0], f"has no meaning for {rule.metric!r}, which is about Driftline itself; remove it")
    _check_limits(rule)
    _check_baseline(rule)


def _check_limits(rule: Rule) -> None:
    if rule.above is not None and rule.below is not None:
        raise KeyedError("below", "stands beside 'above'; make two rules of it")
    if rule.above is None and rule.below is None:
        raise ValueError("needs 'above' or 'below'")
    side = "below" if rule.above is None else "above"
    beyond = 1 if side == "above" else -1
    _check_limit(rule, side, rule.limit, beyond)
    for key, limit, sign in (("critical", rule.critical, beyond), ("recover", rule.recover, -beyond)):
        if limit is None:
            continue
        _check_limit(rule, key, limit, beyond)
        if (limit.number - rule.limit.number) * sign <= 0:
            more = "more" if sign > 0 else "less"
            raise KeyedError(key, f"is on the wrong side of {side!r}; it must be {more} than that")
    if rule.critical is not None and rule.severity == "critical":
        raise KeyedError("critical", "says nothing, as the severity is critical anyway; remove one of them")


def _check_limit(rule: Rule, key: str, limit: Limit, beyond: int) -> None:
    metric, number = rule.definition, limit.number
    if limit.kind != rule.limit.kind:
        raise KeyedError(key, "is of another kind than the other limit; make all numbers, factors or differences")
    if limit.kind == "factor":
        if number == 0:
            raise KeyedError(key, "must be a factor above 0x")
        return
    if limit.kind == "difference" and number * beyond < 0:
        raise KeyedError(key, f"must be so much {'more' if beyond > 0 else 'less'} than before")
    if metric.unit not in _SHARES:
        if limit.is_percent:
            hint = f"; write {1 + number:g}x for a factor" if limit.kind == "difference" else ""
            raise KeyedError(key, f"is in percent, but {metric.name!r} in {metric.unit}{hint}")
    elif not 0 <= number * (beyond if limit.kind == "difference" else 1) <= 1:
        guess = format_value(metric, number / 100).replace(" ", "")
        hint = f"; did you mean {guess}?" if metric.unit == "share" and 0 < number <= 100 else ""
        raise KeyedError(key, f"is {number:g}, but {metric.name!r} lies between 0 and 1{hint}")


def _check_baseline(rule: Rule) -> None:
    metric, baseline = rule.definition, rule.baseline
    if not rule.limit.relative:
        if baseline is not None:
            raise KeyedError("baseline", "goes with a factor such as 2x or a difference such as '0.05 less' only")
        return
    if baseline is None:
        key = "below" if rule.above is None else "above"
        raise KeyedError(key, "needs a 'baseline', such as 24h, to be compared with")
    if isinstance(baseline, timedelta) and baseline != rule.window and metric.over_time == "distinct":
        raise KeyedError("baseline", f"must be as long as 'window', as {metric.name!r} counts what is distinct")
    if baseline == "last week" and rule.window > _WEEK:
        raise KeyedError("window", "must be at most 7d, to be compared with last week")
    if baseline == "other version":
        if "prompt_version" not in rule.group_by:
            raise KeyedError("baseline", "needs 'prompt_version' in 'group_by', to compare versions")
        if metric.over_time != "ratio":
            raise KeyedError(
                "metric",
                f"is {metric.name!r}, which depends on how often each version is used; to compare versions, choose a "
                "rate, a mean or a percentile",
            )
