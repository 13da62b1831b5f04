"""An incident's history as a page in Markdown."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from driftline_alerts.drift.finding import OVER
from driftline_alerts.plain import place
from driftline_alerts.postmortem.markdown import block, code, plain
from driftline_alerts.postmortem.plot import plot
from driftline_alerts.rule import DRIFT
from driftline_alerts.system_metrics import title_of, written
from driftline_alerts.transition import OURSELVES
from driftline_store.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from driftline_alerts.drift.events import Event
    from driftline_alerts.drift.finding import Finding
    from driftline_alerts.postmortem.history import Attempt, Example, History
    from driftline_alerts.transition import Transition

Line = tuple["datetime", str]
"""When, and what in Markdown."""

_OPEN_ENDS: Final = (
    "## Cause",
    "",
    "*To be written: what was it, and how do you know?*",
    "",
    "## What will be different",
    "",
    "*To be written: what would have prevented it, or found it earlier? Who does it, until when?*",
)


def render(history: History) -> str:
    """The whole page; texts of applications and users in it have no effect as Markdown or HTML."""
    lines = [
        *_head(history),
        "",
        "## Timeline",
        "",
        *(f"- **{_clock(at)}** {what}" for at, what in timeline(history)),
        "",
        "## Figures",
        "",
        *_figures(history),
        *_charts(history),
        *_examples(history),
        "",
        *_OPEN_ENDS,
    ]
    return "\n".join(lines) + "\n"


def timeline(history: History) -> list[Line]:
    """What happened, oldest first: in the application, found, told and done."""
    lines: list[Line] = [(history.began, "it begins, as far as the figures tell")]
    lines += [(event.at, _event(event)) for event in history.events]
    lines += [(finding.at, _finding(finding)) for finding in history.findings]
    lines += [(step.at, _step(step)) for step in history.steps if not _is_said(step, history)]
    lines += [(attempt.at, _attempt(attempt)) for attempt in history.attempts]
    lines += [(one.at, f"{plain(one.by)} {one.what}{_because(one.why)}") for one in history.said]
    return sorted(lines, key=lambda line: line[0])


def _head(history: History) -> Iterator[str]:
    yield f"# Incident {plain(history.id)}: {plain(_title(history))}"
    yield ""
    state = f"over since {_clock(history.until)}" if history.is_over else "open"
    yield f"- State: {state}"
    yield f"- Began: {_clock(history.began)}; found {_length(history.found - history.began)} later"
    if seen := next((step for step in history.steps if step.state == "acknowledged"), None):
        yield f"- Acknowledged: {_length(seen.at - history.found)} after that, by {plain(seen.actor)}"
    if history.is_over:
        yield f"- Lasted: {_length(history.until - history.began)}"
    reach = history.touched
    if reach is not None and reach.requests:
        yield f"- Touched: {reach.requests:,} requests, {reach.sessions:,} sessions, {reach.users:,} users"


def _title(history: History) -> str:
    if history.findings:
        return history.findings[0].headline
    first = history.steps[0]
    return f"{first.rule}, {place(first.segment)}"


def _is_said(step: Transition, history: History) -> bool:
    """Whether a finding says the same, or nobody took notice of it."""
    is_found = bool(history.findings) and step.rule.startswith(DRIFT) and step.actor == OURSELVES
    return is_found or step.state in {"pending", "calm"}


def _event(event: Event) -> str:
    what = code(event.text) if event.text else f"{code(event.before or '?')} → {code(event.after or '?')}"
    return f"{event.source} in {plain(place(event.segment))}: {plain(event.kind)} {what}"


def _finding(finding: Finding) -> str:
    return f"drift detection, {finding.kind}: {plain(finding.headline)}"


def _step(step: Transition) -> str:
    alert = f"{plain(step.rule)} ({plain(place(step.segment))})"
    if step.actor != OURSELVES:
        return f"{step.state} by {plain(step.actor)}: {alert}{_because(step.why)}"
    title = title_of(step.metric)
    figures = "" if math.isnan(step.value) else f": {plain(title)} {written(step.metric, step.value)} of {step.n:,}"
    return f"{step.state}: {alert}{figures}{_because(step.why)}"


def _attempt(attempt: Attempt) -> str:
    what = f" {plain(attempt.what)}" if attempt.what else ""
    if not attempt.error:
        return f"{plain(attempt.channel)} was told{what}"
    times = f", {attempt.times} times" if attempt.times > 1 else ""
    return f"{plain(attempt.channel)} was not told{what}{times}: {plain(attempt.error)}"


def _because(why: str) -> str:
    return f": {plain(why)}" if why else ""


def _figures(history: History) -> Iterator[str]:
    if history.findings:
        yield "| metric | where | before | after (95 % interval) | based on | began (interval) |"
        yield "|---|---|---|---|---|---|"
        for finding in history.findings:
            if finding.kind not in OVER:
                yield _figures_of(finding)
        remarks = [sentence for finding in history.findings[:1] for sentence in finding.sentences]
        yield ""
        yield from (f"- {plain(sentence)}" for sentence in remarks)
    else:
        yield "| rule | where | value (95 % interval) | limit | based on | severity | at |"
        yield "|---|---|---|---|---|---|---|"
        for step in history.steps:
            if step.state in {"firing", "resolved"} and not math.isnan(step.value):
                yield _figures_of_rule(step)


def _figures_of(finding: Finding) -> str:
    metric = finding.metric
    after = f"{written(metric, finding.after)}{_interval(metric, finding.low, finding.high)}"
    began = f"{_clock(finding.started)} ({_clock(finding.earliest)} to {_clock(finding.latest)})"
    n = f"{finding.n:,} {METRICS[metric].n_label}"
    return _row(METRICS[metric].title, place(finding.segment), written(metric, finding.before), after, n, began)


def _figures_of_rule(step: Transition) -> str:
    detail, metric = step.detail, step.metric
    value = f"{written(metric, step.value)}{_interval(metric, detail.low, detail.high)}"
    limit = f"{detail.side} {written(metric, step.threshold)}"
    return _row(step.rule, place(step.segment), value, limit, f"{step.n:,}", detail.severity, _clock(step.at))


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(plain, cells))} |"


def _interval(metric: str, low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f" ({written(metric, low)} to {written(metric, high)})"


def _charts(history: History) -> Iterator[str]:
    for course in history.courses:
        against = "" if course.limit is None else f"; ╪ is {written(course.metric, course.limit)}"
        yield ""
        yield f"{plain(METRICS[course.metric].title)} of {plain(place(course.segment))}{plain(against)}:"
        yield ""
        yield from block("\n".join(plot(course, history.began)))


def _examples(history: History) -> Iterator[str]:
    if history.examples:
        yield ""
        yield "## Examples"
    for example in history.examples:
        yield ""
        yield f"Trace {code(example.trace_id)}{_remark(example)}"
        if not example.asked and not example.answered:
            yield ""
            yield "What was asked and answered is not stored, or not any more."
            continue
        for name, text in (("Asked", example.asked), ("Answered", example.answered)):
            yield ""
            if not text:
                yield f"{name}: not stored, or not any more."
                continue
            yield f"{name}:"
            yield ""
            yield from block(text)


def _remark(example: Example) -> str:
    value = (
        "" if example.value is None else f", {METRICS[example.metric].title} {written(example.metric, example.value)}"
    )
    return plain(value) + (f": {code(example.why)}" if example.why else "")


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _length(time: timedelta) -> str:
    minutes = max(round(time.total_seconds() / 60), 0)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.1f} h" if minutes < 48 * 60 else f"{minutes / 1440:.1f} days"
