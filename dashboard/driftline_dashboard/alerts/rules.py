"""The alert rules in force, with their limits; a file that is wrong is told about, and is no reason for no page."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline.errors import SettingsError
from driftline_alerts.evaluate import window_name
from driftline_alerts.system_metrics import written
from driftline_dashboard.store import alert_rules
from driftline_dashboard.text import bounded, escape
from driftline_dashboard.widgets.table import grid

if TYPE_CHECKING:
    from driftline_alerts.limit import Limit
    from driftline_alerts.rule import Rule

_MAX_TEXT: Final = 500
_COMPARED: Final = {"last week": "the same time a week before", "other version": "the other prompt version"}


def show() -> None:
    """Draw the rules."""
    st.html(
        '<div class="dl-h">Rules in force<small>as alerts.yaml of this machine says; drift detection needs none'
        "</small></div>"
    )
    try:
        rules = alert_rules()
    except SettingsError as error:
        st.html(
            '<div class="dl-alerts" role="alert"><h2>The rules cannot be read</h2>'
            f'<pre class="dl-text">{escape(str(error))}</pre></div>'
        )
        return
    if not rules:
        st.html('<p class="dl-muted">None: alerts.yaml leaves out the shipped rules and has none of its own.</p>')
        return
    heads = ("Rule", "Fires when", "Over", "For", "Of each", "Where", "Severity")
    st.html(grid(heads, map(_row, rules), style="dl-words", name="rules"))


def _row(rule: Rule) -> str:
    where = ", ".join(f"{name} {value}" for name, value in rule.where.items())
    lasting = window_name(rule.for_) if rule.for_ else "at once"
    cells = (
        rule.name, fires_when(rule), window_name(rule.window), lasting, ", ".join(rule.group_by), where, rule.severity
    )  # fmt: skip
    means = f' title="{escape(bounded(rule.description, _MAX_TEXT))}"' if rule.description else ""
    name, *rest = (escape(bounded(cell, _MAX_TEXT)) for cell in cells)
    return f"<td{means}>{name}</td>" + "".join(f"<td>{cell}</td>" for cell in rest)


def fires_when(rule: Rule) -> str:
    """What breaks a rule, in words."""
    grave = f" (critical: {_beyond(rule, rule.critical)})" if rule.critical is not None else ""
    return f"{rule.definition.title} {_beyond(rule, rule.limit)}{grave}"


def _beyond(rule: Rule, limit: Limit) -> str:
    side = "above" if rule.above is not None else "below"
    if not limit.relative:
        return f"{side} {written(rule.metric, limit.number)}"
    if limit.kind == "factor":
        return f"{side} {limit.number:g} × {_before(rule)}"
    points = " points" if rule.definition.format == "percent" else ""
    return f"more than {written(rule.metric, abs(limit.number))}{points} {side} {_before(rule)}"


def _before(rule: Rule) -> str:
    baseline = rule.baseline
    if isinstance(baseline, timedelta):
        return f"the {window_name(baseline)} before"
    return _COMPARED.get(baseline or "", "before")
