"""Limits of the alert rules in force, for charts of the metrics that they are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline.errors import SettingsError
from driftline_alerts.system_metrics import written
from driftline_dashboard.store import alert_rules

if TYPE_CHECKING:
    from datetime import timedelta

    from driftline_alerts.rule import Rule
    from driftline_dashboard.view import View


def limits(view: View, metric: str, window: timedelta | None = None) -> list[tuple[float, str]]:
    """Values that a metric shall keep by the rules, where they hold for something that the view shows.

    Args:
        view: filters.
        metric: its name.
        window: of the rules; None for any.

    Returns:
        Each limit, and what it is called in words, in the order of the rules; none where the file of rules is wrong,
        which the page of alerts tells about.
    """
    try:
        rules = alert_rules()
    except SettingsError:
        return []
    return [
        (rule.limit.number, f"limit of the rule {rule.name}: {written(metric, rule.limit.number)}")
        for rule in rules
        if rule.metric == metric and not rule.limit.relative and window in (None, rule.window) and _is_about(rule, view)
    ]


def _is_about(rule: Rule, view: View) -> bool:
    """Whether what is shown can be compared with the rule's limit; one on a total is about the same segment only."""
    is_part = all(view.where.get(name, value) == value for name, value in rule.where.items())
    return is_part and (rule.definition.over_time == "ratio" or set(view.where) == set(rule.dimensions))
