"""A transition as a Slack message: Block Kit, with plain text for notifications."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from driftline_alerts.evaluate import window_name
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import NO_DATA, format_value

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_alerts.state import Transition

_SIGNS: Final = {"firing": ":red_circle:", "resolved": ":white_check_mark:"}
# Slack refuses a field of more than 2,000 characters and a section of more than 3,000; escaping makes 5 of 1.
_LONGEST_VALUE: Final = 60
_LONGEST_DESCRIPTION: Final = 2000
"""Once it is escaped; findings of drift detection are long."""
_REPEAT: Final = "This message may have been sent before: Driftline was interrupted while it told you."


def message(transition: Transition, dashboard_url: str, *, repeat: bool = False) -> dict[str, Any]:
    """The body for an incoming webhook.

    Args:
        transition: what has changed.
        dashboard_url: where people reach the dashboard.
        repeat: say that it may have been sent before.
    """
    headline = f"{transition.state.capitalize()}: {transition.rule}"
    blocks: list[dict[str, Any]] = [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": f"{_SIGNS[transition.state]} {headline}", "emoji": True},
        },
        _section(_summary(transition)),
        {"type": "section", "fields": [_mrkdwn(field) for field in _fields(transition)]},
        _section(f"<{_escape(link(transition, dashboard_url))}|Open in the dashboard>"),
    ]
    if repeat:
        blocks.append({"type": "context", "elements": [_mrkdwn(_REPEAT)]})
    segment = ", ".join(f"{name} {value}" for name, value in transition.segment)
    text = f"{headline}{f' ({segment})' if segment else ''}: {_comparison(transition)}"
    return {"text": _escape(_short(text, 1000)), "blocks": blocks}


def link(transition: Transition, dashboard_url: str) -> str:
    """Address of the dashboard, showing the alert's segment."""
    query = urlencode(transition.segment)
    return f"{dashboard_url.rstrip('/')}/" + (f"?{query}" if query else "")


def _summary(transition: Transition) -> str:
    lines = [f"*{_escape(_comparison(transition))}*"]
    if transition.detail.description:
        lines.append(_bounded(transition.detail.description, _LONGEST_DESCRIPTION))
    return "\n".join(lines)


def _comparison(transition: Transition) -> str:
    """Value against threshold, as a phrase."""
    detail = transition.detail
    metric = METRICS.get(transition.metric)
    title = metric.title if metric else transition.metric
    if detail.note:
        return f"{title}: {detail.note}"
    against = _number(transition, transition.threshold)
    if detail.factor is not None and detail.baseline_minutes is not None:
        before = window_name(timedelta(minutes=detail.baseline_minutes))
        baseline = _number(transition, detail.baseline)
        against = f"{against} ({detail.factor:g} times {baseline} in the {before} before)"
    side = detail.side if transition.state == "firing" else f"no longer {detail.side}"
    return f"{title} is {_number(transition, transition.value)}, {side} {against}"


def _fields(transition: Transition) -> list[str]:
    detail, metric = transition.detail, METRICS.get(transition.metric)
    fields = [f"*Segment*\n{_segment(transition)}"]
    if not math.isnan(transition.value):
        window = window_name(timedelta(minutes=detail.window_minutes))
        label = metric.n_label if metric else "observations"
        fields.append(f"*Based on*\n{transition.n:,} {label} in {window}")
    if detail.low is not None and detail.high is not None:
        low, high = _number(transition, detail.low), _number(transition, detail.high)
        fields.append(f"*95 % interval*\n{low} to {high}")
    fields.append(f"*Firing since*\n{_time(transition.started)}")
    if transition.state == "resolved":
        fields.append(f"*Resolved*\n{_time(transition.at)}")
    fields.append(f"*Severity*\n{detail.severity}")
    return fields


def _segment(transition: Transition) -> str:
    if not transition.segment:
        return "everything"
    return "\n".join(f"{name} {_code(value)}" for name, value in transition.segment)


def _number(transition: Transition, value: float | None) -> str:
    metric = METRICS.get(transition.metric)
    if value is None or metric is None:  # such as a metric of another version
        return NO_DATA if value is None else f"{value:g}"
    return format_value(metric, value)


def _time(moment: datetime) -> str:
    """Shown by Slack in the reader's own time zone; the text after the bar where it cannot."""
    plain = moment.strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(moment.timestamp())}^{{date_short_pretty}} {{time}}|{plain}>"


def _code(value: str) -> str:
    """A value set off from the text, so that no sign in it is taken for mark-up."""
    plain = " ".join(_short(value, _LONGEST_VALUE).replace("`", "'").split())
    return f"`{_escape(plain)}`" if plain else "(none)"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _bounded(text: str, most: int) -> str:
    """Escaped, and no longer than that, which is much."""
    kept = text
    while len(_escape(kept)) > most:
        kept = f"{text[: len(kept) * 3 // 4]}…"
    return _escape(kept)


def _escape(text: str) -> str:
    """Slack's three control characters, as its documentation asks; so no value can mention or link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _mrkdwn(text: str) -> dict[str, str]:
    return {"type": "mrkdwn", "text": text}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _mrkdwn(text)}
