"""An incident as HTML: a card, a line, and what happened step by step. Names in it are anybody's, so all is escaped."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from driftline_alerts.plain import place
from driftline_alerts.rule import DRIFT
from driftline_alerts.system_metrics import KNOWN, title_of, written
from driftline_alerts.transition import OURSELVES
from driftline_dashboard.text import bounded, clock, day_and_time, escape, same_day
from driftline_dashboard.widgets.facts import facts
from driftline_dashboard.widgets.table import grid

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline_alerts.postmortem.history import Attempt, Said
    from driftline_alerts.transition import Transition
    from driftline_dashboard.alerts.incidents_data import Incident

_MOST_PARTS: Final = 8
_MOST_LINES: Final = 300
_MAX_TEXT: Final = 400
_MAX_SENTENCE: Final = 1_500
"""What changed at a time is up to ten names of versions and models, with their values."""
_FIRST: Final = ("At that time:", "All that moved", "Only the mix", "Not affected:", "Touched:")
"""How that begins which leads to a cause."""
_SAID_ABOVE: Final = ("Level", "Based on")
"""Facts that stand in the title."""
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC")
_CLOCK: Final = re.compile(r"\(([01]\d|2[0-3]):([0-5]\d) UTC\)")
_STATES: Final = {
    "pending": "wrong, but not for long enough yet",
    "calm": "it did not come to more",
    "firing": "fires",
    "acknowledged": "acknowledged",
    "recovering": "right again, but not for long enough yet",
    "resolved": "over",
}


def card(incident: Incident) -> str:
    """An open incident with all that one wants to know first."""
    lead, seen = incident.lead, incident.seen
    told = {
        "State": _STATES.get(lead.state, lead.state),
        "Since": day_and_time(incident.began),
        "Where": place(lead.segment),
        "Rule": _rule(lead),
        "Based on": f"{lead.n:,} {_unit(lead.metric)}" if lead.n else "",
        "Acknowledged by": f"{seen.actor}, {day_and_time(seen.at)}" if seen else "nobody yet",
    }
    sentences = "".join(f"<li>{escape(bounded(one, _MAX_SENTENCE))}</li>" for one in _sentences(lead))
    listed = f'<ul class="dl-plain-list">{sentences}</ul>' if sentences else ""
    return f"{_title(lead)}{facts(told)}{listed}{_parts(incident)}{_runbook(lead.detail.runbook)}"


def line(incident: Incident) -> str:
    """An incident that is over, on one line."""
    lead, seen = incident.lead, incident.seen
    by = f"acknowledged by {seen.actor}" if seen else "nobody acknowledged it"
    lasted = f"{day_and_time(incident.began)}, for {_length(incident.ended - incident.began)}"
    return (
        f'<div class="dl-past">{_badge(lead.detail.severity)}<span>{_text(lasted)}</span>'
        f"<b>{_text(_headline(lead))}</b><span>{_text(place(lead.segment))}</span>"
        f'<span class="dl-muted">{_text(by)}</span></div>'
    )


def timeline(incident: Incident, attempts: Iterable[Attempt], said: Iterable[Said]) -> str:
    """Every step, message and wish, oldest first, with who and why."""
    lines = [(step.at, step.actor, _step(step), step.why) for step in incident.steps]
    lines += [(one.at, OURSELVES, _attempt(one), one.error) for one in attempts]
    lines += [(one.at, one.by, one.what, one.why) for one in said]
    lines.sort(key=lambda one: one[0])
    rows = (_row(*one) for one in lines[-_MOST_LINES:])
    left_out = len(lines) - _MOST_LINES
    note = f'<p class="dl-muted">{left_out:,} earlier lines are left out.</p>' if left_out > 0 else ""
    return note + grid(("When", "Who", "What", "Why"), rows, style="dl-words")


def in_zone(text: str, near: datetime) -> str:
    """A stored text with its times, which are of UTC, in the visitor's zone.

    Args:
        text: with moments, or times of day in parentheses.
        near: what the times of day are closest to, aware.
    """
    return _CLOCK.sub(lambda found: _clock_in_zone(found, near), _MOMENT.sub(_moment_in_zone, text))


def _moment_in_zone(found: re.Match[str]) -> str:
    try:
        return day_and_time(datetime.fromisoformat(found[1]).replace(tzinfo=UTC))
    except ValueError:  # somebody's own words
        return found[0]


def _clock_in_zone(found: re.Match[str], near: datetime) -> str:
    there = near.astimezone(UTC).replace(hour=int(found[1]), minute=int(found[2]))
    days = (there + timedelta(days=days) for days in (-1, 0, 1))
    return f"({same_day(min(days, key=lambda one: abs(one - near)))})"


def _sentences(lead: Transition) -> list[str]:
    """What is told below the title: what leads to a cause comes first."""
    told = lead.detail
    facts = [f"{label}: {fact}" for label, fact in told.facts if label not in _SAID_ABOVE and not _ends_alike(fact)]
    said = [in_zone(one, lead.started) for one in (told.description, *told.remarks, *facts) if one]
    return sorted(said, key=_rank)


def _rank(sentence: str) -> int:
    return next((rank for rank, begin in enumerate(_FIRST) if sentence.startswith(begin)), len(_FIRST))


def _ends_alike(fact: str) -> bool:
    """Whether it is an interval from a minute to the same one, which says no more than since when it is so."""
    first, _, last = fact.partition(" to ")
    return first == last and _MOMENT.fullmatch(first) is not None


def _rule(step: Transition) -> str:
    return "drift detection" if step.rule.startswith(DRIFT) else step.rule


def _title(lead: Transition) -> str:
    return f'<h3 class="dl-incident">{_badge(lead.detail.severity)}<bdi>{_text(_headline(lead))}</bdi></h3>'


def _badge(severity: str) -> str:
    return f'<span class="dl-badge dl-{severity}">{severity}</span>'


def _headline(step: Transition) -> str:
    if step.detail.headline:
        return step.detail.headline
    value, limit = (written(step.metric, number) for number in (step.value, step.threshold))
    return f"{title_of(step.metric)} {value}, limit {step.detail.side} {limit}"


def _unit(metric: str) -> str:
    known = KNOWN.get(metric)
    return known.n_label if known else "observations"


def _parts(incident: Incident) -> str:
    """The alerts that it is made of, where there are several."""
    if len(incident.latest) < 2:
        return ""
    parts = [f"{_rule(one)} · {place(one.segment)} · {_STATES.get(one.state, one.state)}" for one in incident.latest]
    more = len(parts) - _MOST_PARTS
    shown = [*parts[:_MOST_PARTS], *([f"and {more:,} more"] if more > 0 else [])]
    items = "".join(f"<li>{_text(one)}</li>" for one in shown)
    return f'<div class="dl-muted">{len(parts):,} alerts</div><ul class="dl-plain-list">{items}</ul>'


def _runbook(address: str) -> str:
    if not address.startswith("https://"):
        return ""
    return f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">Runbook</a>'


def _step(step: Transition) -> str:
    figures = f", {written(step.metric, step.value)} of {step.n:,}" if step.n else ""
    return f"{_STATES.get(step.state, step.state)}: {_rule(step)} ({place(step.segment)}){figures}"


def _attempt(attempt: Attempt) -> str:
    what = f" {attempt.what}" if attempt.what else ""
    times = f", {attempt.times:,} times" if attempt.times > 1 else ""
    return f"{attempt.channel} was {'not ' if attempt.error else ''}told{what}{times}"


def _row(at: datetime, who: str, what: str, why: str) -> str:
    first = (f"{day_and_time(at)}:{clock(at)[-2:]}", who, what)
    cells = "".join(f'<td dir="auto">{_text(cell)}</td>' for cell in first)
    return f'{cells}<td class="dl-long" dir="auto">{_text(why)}</td>'


def _text(text: str) -> str:
    return escape(bounded(text, _MAX_TEXT))


def _length(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    if minutes >= 2 * 1440:
        return f"{minutes // 1440} days"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
