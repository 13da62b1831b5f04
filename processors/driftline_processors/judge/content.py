"""What was said in a unit that is to be judged, wherever in its traces it was recorded."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from driftline_store.content import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.task import Task

MAX_STEPS: Final = 200
"""Steps of a trace, or turns of a session, that are read: the first and the last ones."""

# What was said in a request is on its own span, in a log event of it, or on its calls: the first one has the
# question, the last one the answer. Lists are bound by the client, as a server takes its parameters out of the URL.
_SAID: Final = """\
SELECT trace_id, span_id, at, name, is_root, is_call, error, system, input, output FROM (
    SELECT trace_id, span_id, at, '' AS name, false AS is_root, false AS is_call, '' AS error, system, input, output
    FROM llm_content WHERE trace_id IN %(traces)s
    UNION ALL
    SELECT trace_id, span_id, start, name, is_request OR parent_span_id = '', is_call,
        if(is_error, firstNonDefault(error_class, 'error'), ''), system, input, output
    FROM llm_spans
    WHERE trace_id IN %(traces)s
        AND start BETWEEN fromUnixTimestamp(%(first)s) - INTERVAL 1 HOUR
        AND fromUnixTimestamp(%(last)s) + INTERVAL 1 DAY
) ORDER BY at
LIMIT 1000 BY trace_id"""

_TURNS: Final = """\
SELECT session_id, trace_id, min(start) AS first FROM llm_traces
WHERE session_id IN %(sessions)s
    AND start BETWEEN fromUnixTimestamp(%(first)s) - INTERVAL 1 HOUR
    AND fromUnixTimestamp(%(last)s) + INTERVAL 8 DAY
GROUP BY session_id, trace_id ORDER BY first"""


@dataclass(frozen=True, slots=True)
class Said:
    """One span, or one log event, of a trace."""

    span_id: str
    at: datetime
    name: str
    is_root: bool
    is_call: bool
    error: str
    system: str
    input: str
    output: str


@dataclass
class Trace:
    """What was said in one trace, in order."""

    said: list[Said] = field(default_factory=list)

    def filled(self, task: Task) -> Task:
        """The task with what it has not got itself: of its span, else of its calls and events."""
        own = [one for one in self.said if task.span_id and one.span_id == task.span_id]
        if not any(one.output for one in own):
            own = [one for one in self.said if one.is_call or not one.name or one.is_root] or self.said
        return replace(
            task,
            system=task.system or next((one.system for one in own if one.system), ""),
            input=task.input or next((one.input for one in own if one.input), ""),
            output=task.output or self._answer(own),
        )

    @staticmethod
    def _answer(said: Sequence[Said]) -> str:
        """The root's answer, which is what its user saw; else the last one."""
        roots = (one.output for one in said if one.is_root and one.output)
        return next(roots, "") or next((one.output for one in reversed(said) if one.output), "")

    def steps(self) -> list[dict[str, str]]:
        """All spans but the root, with their content as texts."""
        events = {one.span_id: one for one in self.said if not one.name}
        steps = []
        for one in self.said:
            event = events.get(one.span_id)
            if one.is_root or not one.name:
                continue
            asked = one.input or (event.input if event else "")
            answered = one.output or (event.output if event else "")
            steps.append(_step(one.name, asked, answered, one.error))
        return steps


def fill(client: Client, tasks: Sequence[Task]) -> list[Task]:
    """The tasks with the content that the store has by now.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a query.
    """
    turns = _turns(client, [task for task in tasks if task.unit == "session"])
    ids = {trace for task in tasks for trace in turns.get(task.unit_id, [task.trace_id])}
    traces = _traces(client, ids, [task.request_start for task in tasks])
    return [_filled(task, turns.get(task.unit_id, []), traces) for task in tasks]


def _filled(task: Task, turns: Sequence[str], traces: dict[str, Trace]) -> Task:
    if task.unit == "session":
        return _session(task, turns, traces)
    trace = traces.get(task.trace_id, Trace())
    whole = trace.filled(task)
    return replace(whole, steps=_listed(trace.steps())) if task.unit == "trace" else whole


def _session(task: Task, turns: Sequence[str], traces: dict[str, Trace]) -> Task:
    """A session: its last answer, with all turns as steps."""
    asked = [traces.get(trace, Trace()).filled(replace(task, trace_id=trace)) for trace in turns]
    if not asked:
        return task
    steps = [_step(f"turn {number}", one.input, one.output, "") for number, one in enumerate(asked, 1)]
    last = asked[-1]
    return replace(last, system=asked[0].system, steps=_listed(steps))


def _step(name: str, asked: str, answered: str, error: str) -> dict[str, str]:
    return {"name": name, "input": plain_text(asked), "output": plain_text(answered), "error": error}


def _listed(steps: list[dict[str, str]]) -> str:
    half = MAX_STEPS // 2
    kept = steps if len(steps) <= MAX_STEPS else [*steps[:half], *steps[-half:]]
    return json.dumps(kept, ensure_ascii=False)


def _turns(client: Client, tasks: Sequence[Task]) -> dict[str, list[str]]:
    if not tasks:
        return {}
    parameters = {"sessions": tuple(task.unit_id for task in tasks), **_between(task.request_start for task in tasks)}
    found: dict[str, list[str]] = {}
    for session, trace, _ in client.query(_TURNS, parameters).result_rows:
        found.setdefault(str(session), []).append(str(trace))
    return found


def _traces(client: Client, ids: Iterable[str], starts: Iterable[datetime]) -> dict[str, Trace]:
    parameters = {"traces": tuple(sorted(ids)), **_between(starts)}
    found: dict[str, Trace] = {}
    for trace, *rest in client.query(_SAID, parameters).result_rows:
        found.setdefault(str(trace), Trace()).said.append(Said(*rest))
    return found


def _between(starts: Iterable[datetime]) -> dict[str, Any]:
    seconds = [int(start.timestamp()) for start in starts]
    return {"first": min(seconds), "last": max(seconds)}
