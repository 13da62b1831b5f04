"""Anchors: answers that people have scored, judged again and again between those of production."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from driftline.errors import DriftlineError
from driftline_processors.judge.content import fill
from driftline_processors.judge.task import Task
from driftline_store.client import store_errors
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.plan import Sampled

_TEXTS: Final = ("system", "input", "output")
_COLUMNS: Final = ("id", "trace_id", *DIMENSIONS, *_TEXTS, "score", "note", "active")
_ACTIVE: Final = f"SELECT {', '.join(_COLUMNS)} FROM anchors FINAL WHERE active ORDER BY id"

_REQUEST: Final = f"""\
SELECT trace_id, span_id, start, tuple({", ".join(DIMENSIONS)}), 1., system, input, output FROM llm_spans
WHERE trace_id = {{trace:String}} ORDER BY is_request DESC, parent_span_id = '' DESC, start LIMIT 1"""

_COUNTED: Final = """\
SELECT (SELECT count() FROM evaluations WHERE source = 'judge' AND name = {name:String} AND run = ''
        AND unit != 'anchor' AND at >= now64(3) - INTERVAL 1 DAY),
    (SELECT count() FROM judge_queue WHERE evaluator = {name:String} AND unit = 'anchor'
        AND queued_at >= now64(3) - INTERVAL 1 DAY)"""

# Those whose turn was longest ago come first.
_QUEUE: Final = f"""\
INSERT INTO judge_queue (
    trace_id, queued_at, request_start, {", ".join(DIMENSIONS)}, evaluator, unit, unit_id, run,
    inclusion_probability, uniform_probability, tier, system, input, output
)
SELECT '', now64(3, 'UTC'), now64(6, 'UTC'), {", ".join(DIMENSIONS)}, {{name:String}}, 'anchor', id, {{run:String}},
    1, 1, 'base', system, input, output
FROM (SELECT * FROM anchors FINAL WHERE active) AS anchor
LEFT JOIN (
    SELECT unit_id, max(queued_at) AS last FROM judge_queue
    WHERE evaluator = {{name:String}} AND unit = 'anchor' GROUP BY unit_id
) AS queued ON queued.unit_id = anchor.id
ORDER BY last, id
LIMIT {{most:UInt32}}"""


class AnchorError(DriftlineError):
    """An anchor cannot be taken as it is given."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """An answer with its score by people.

    Attributes:
        id: the trace's, or as imported.
        segment: values of ``DIMENSIONS``.
        score: 0 to 1.
    """

    id: str
    score: float
    output: str
    input: str = ""
    system: str = ""
    note: str = ""
    trace_id: str = ""
    segment: tuple[str, ...] = ("",) * len(DIMENSIONS)


def anchors(client: Client) -> list[Anchor]:
    """Those in force, by id.

    Raises:
        StoreError: the store failed the query.
    """
    with store_errors("reading the anchors"):
        rows = client.query(_ACTIVE).named_results()
    return [
        Anchor(
            **{name: row[name] for name in ("id", "score", "output", "input", "system", "note", "trace_id")},
            segment=tuple(row[name] for name in DIMENSIONS),
        )
        for row in rows
    ]


def put(client: Client, found: Iterable[Anchor], *, active: bool = True) -> None:
    """Add anchors, or change those of the same id.

    Raises:
        StoreError: the store failed the insert.
    """
    rows = [
        [one.id, one.trace_id, *one.segment, one.system, one.input, one.output, one.score, one.note, active]
        for one in found
    ]
    with store_errors("storing anchors"):
        if rows:
            client.insert("anchors", rows, column_names=list(_COLUMNS))


def of_trace(client: Client, trace_id: str, score: float, note: str = "") -> Anchor:
    """The anchor that a stored request makes.

    Raises:
        AnchorError: the store has no such trace, or no answer of it.
        StoreError: the store failed a query.
    """
    with store_errors("reading a trace"):
        rows = client.query(_REQUEST, {"trace": trace_id}).result_rows
        if not rows:
            raise AnchorError(f"the store has no trace {trace_id}")
        [task] = fill(client, [Task(*rows[0])])
    if not task.output:
        raise AnchorError(f"the store has no answer of trace {trace_id}; it was not recorded, or has expired")
    said = {name: getattr(task, name) for name in _TEXTS}
    return Anchor(trace_id, score, **said, note=note, trace_id=trace_id, segment=task.segment)


def read_file(path: Path) -> Iterator[Anchor]:
    """Anchors of a JSONL file: objects with ``id``, ``output``, ``score``, and perhaps ``input``, ``system``, ``note``.

    Raises:
        AnchorError: it cannot be read; names file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AnchorError(f"{path} cannot be read as UTF-8 text: {error}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield _anchor(json.loads(line))
            except ValueError as error:
                raise AnchorError(f"{path} line {number}: {error}") from None


def _anchor(values: object) -> Anchor:
    if not isinstance(values, dict):
        raise ValueError('expected an object such as {"id": "a1", "output": "…", "score": 0.8}')  # noqa: TRY004
    texts = {name: values.pop(name, "") for name in ("id", "output", "input", "system", "note")}
    score = values.pop("score", None)
    if values:
        raise ValueError(f"unknown key {next(iter(values))!r}; known are id, output, score, input, system, note")
    for name, text in texts.items():
        if not isinstance(text, str) or (not text and name in {"id", "output"}):
            raise ValueError(f"{name!r} must be a text")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
        raise ValueError(f"'score' must be a number from 0 to 1, not {score!r}")
    return Anchor(score=float(score), **texts)


def interleave(client: Client, evaluators: Iterable[Sampled], share: float) -> int:
    """Queue as many anchors as make this share of the judgements of the last day; to be called every minute or so.

    Args:
        client: of the store.
        evaluators: that judge single answers.
        share: of the judgements, 0 to 1.

    Returns:
        how many were queued.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    queued = 0
    [[available]] = client.query("SELECT count() FROM anchors FINAL WHERE active").result_rows
    for one in evaluators if available and share else ():
        if one.unit != "request":
            continue
        [[production, judged]] = client.query(_COUNTED, {"name": one.name}).result_rows
        due = min(math.floor(share * production) - judged, int(available))
        if due > 0:
            run = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
            client.command(_QUEUE, parameters={"name": one.name, "run": run, "most": due})
            queued += due
    return queued
