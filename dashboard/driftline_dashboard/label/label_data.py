"""What waits to be labelled, the labels that are given here, and how far the judge agrees with people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from driftline.errors import DriftlineError
from driftline_dashboard.access import acting
from driftline_dashboard.data import period
from driftline_dashboard.store import LIMITS, reading
from driftline_processors.labels.entry import Defaults, entry
from driftline_processors.labels.take_in import take_in
from driftline_store import examples
from driftline_store.feedback import IS_DOWN, IS_REPORT, IS_UP
from driftline_store.filters import filtered
from driftline_store.labels import IS_LABEL, Label, micros, withdraw
from driftline_store.quality import Quality, quality
from driftline_store.review_cases import cases

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline_dashboard.view import View

MOST: Final = 100
"""Answers that wait at a time."""
QUEUES: Final = {"first": "Disagreements first", "chance": "By chance"}
WHY: Final = {
    "users": "the judge and a user disagree",
    "judges": "judges disagree",
    "unsure": "the judge is not sure",
    "case": "a review rule found it",
    "chance": "drawn by chance",
}
"""Why an answer waits, by ``Waiting.why``."""
PASS_SCORE: Final = 0.7
"""Score from which on an answer passes, as in the rubrics that ship and in ``driftline labels import``."""
_BAD_SCORE: Final = 0.4
"""Score below which the same rubrics call an answer wrong; what is between the two is not sure."""
_APART: Final = 0.5
"""Scores of two judges that differ by so much are about different answers."""

_NAMES: Final = """\
SELECT name, uniqExact(trace_id) FROM evaluations
WHERE source = 'judge' AND score IS NOT NULL AND run = '' AND unit != 'anchor' AND trace_id != '' AND DURINGCONDITIONS
GROUP BY name ORDER BY name != 'quality', name LIMIT 50"""
_DURING: Final = """\
request_start >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND request_start < fromUnixTimestamp64Micro({until:Int64}, 'UTC')"""
_LABELLED: Final = f"""\
SELECT trace_id FROM evaluations WHERE {IS_LABEL} AND name = {{name:String}} AND {_DURING}"""

_IS_JUDGED: Final = "source = 'judge' AND score IS NOT NULL AND unit != 'anchor' AND name = {name:String}"
_DISAGREEMENTS: Final = f"""\
SELECT trace_id, span, why FROM (
    SELECT trace_id,
        argMaxIf(span_id, at, is_judged AND run = '') AS span, max(request_start) AS start,
        assumeNotNull(argMaxIf(score, at, is_judged AND run = '')) AS last,
        maxIf(score, is_judged) - minIf(score, is_judged) AS apart,
        multiIf(
            last >= {PASS_SCORE} AND countIf({IS_DOWN} OR {IS_REPORT}) > 0, 'users',
            last < {_BAD_SCORE} AND countIf({IS_UP}) > 0, 'users',
            apart >= {_APART}, 'judges',
            last >= {_BAD_SCORE} AND last < {PASS_SCORE}, 'unsure',
            ''
        ) AS why
    FROM (SELECT *, {_IS_JUDGED} AS is_judged FROM evaluations WHERE trace_id != '' AND {_DURING}CONDITIONS)
    GROUP BY trace_id
    HAVING countIf(is_judged AND run = '') > 0 AND why != ''
)
ORDER BY indexOf(['users', 'judges', 'unsure'], why), start DESC, trace_id
LIMIT {{most:UInt32}}"""


@dataclass(frozen=True)
class Waiting:
    """An answer that waits for its label.

    Attributes:
        why: a key of ``WHY``.
        probability: with which it was drawn; 0 where it was not drawn by chance.
    """

    trace_id: str
    span_id: str
    why: str
    probability: float = 0.0


@st.cache_data(ttl=60, max_entries=20, show_spinner=False)
def evaluations(view: View, as_of: datetime) -> dict[str, int]:
    """Names of the judges' evaluations of the view with how many answers they are of; ``quality`` comes first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    conditions, parameters = _where(view)
    statement = _NAMES.replace("DURING", _DURING).replace("CONDITIONS", conditions)
    with reading("what was judged") as client:
        rows = client.query(statement, parameters=parameters | _during(view, as_of), settings=LIMITS).result_rows
    return {str(name): int(count) for name, count in rows}


def waiting(view: View, as_of: datetime, name: str, queue: str) -> list[Waiting]:
    """Answers of the view that nobody has labelled, at most ``MOST``, each trace once.

    Args:
        view: what is looked at.
        as_of: end of its window.
        name: of the evaluation.
        queue: a key of ``QUEUES``: disagreements, then what review rules found, then by chance; or that alone.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    with reading("what waits to be labelled") as client:
        parameters = _during(view, as_of) | {"name": name}
        labelled = {row[0] for row in client.query(_LABELLED, parameters=parameters, settings=LIMITS).result_rows}
        found = [] if queue == "chance" else [*_disagreements(client, view, parameters), *_cases(client, view, as_of)]
        found += _by_chance(client, view, as_of, name)
    first: dict[str, Waiting] = {}
    for one in found:
        first.setdefault(one.trace_id, one)
    return [one for one in first.values() if one.trace_id not in labelled][:MOST]


def give(one: Waiting, name: str, labeller: str, verdict: str, note: str) -> Label:
    """Store a label as ``driftline labels import`` does.

    Raises:
        DriftlineError: the answer is not in the store any more, or the visitor may not act.
        StoreError: the store cannot be reached or fails.
    """
    row = {
        "trace_id": one.trace_id,
        "span_id": one.span_id,
        "label": verdict,
        "note": note,
        "probability": repr(one.probability) if one.probability else "",
    }
    read = entry(1, row, Defaults(name, labeller, PASS_SCORE))
    assert read is not None  # noqa: S101 - it has a label
    began = datetime.now(UTC)
    with acting("storing a label") as (client, _):
        done = take_in(client, [read])
    if done.unknown:
        raise DriftlineError(f"the answer of trace {one.trace_id} is not in the store any more; skip it")
    return Label(one.trace_id, one.span_id, name, labeller, began, read.score, verdict, note, one.probability)


def take_back(label: Label) -> None:
    """Undo what ``give`` did.

    Raises:
        NotAllowedError: the visitor may not act.
        StoreError: the store cannot be reached or fails.
    """
    with acting("taking back a label") as (client, _):
        withdraw(client, label)


@st.cache_data(ttl=120, max_entries=20, show_spinner=False)
def agreement(view: View, as_of: datetime, name: str) -> list[Quality]:
    """Judge and people compared, for each instrument, those with most labels first.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span = period(view, as_of)
    with reading("scores and labels") as client:
        found = quality(client, since=span.since, until=span.until, where=view.where, name=name)
    return sorted(found, key=lambda one: (-one.both, -one.judged))


def _disagreements(client: Client, view: View, parameters: dict[str, Any]) -> list[Waiting]:
    conditions, bound = _where(view)
    rows = client.query(
        _DISAGREEMENTS.replace("CONDITIONS", conditions),
        parameters=parameters | bound | {"most": 2 * MOST},
        settings=LIMITS,
    ).result_rows
    return [Waiting(*row) for row in rows]


def _where(view: View) -> tuple[str, dict[str, str]]:
    """The view's filters as SQL that begins with AND, and its parameters."""
    conditions, bound = filtered(view.where)
    return "".join(f" AND {one}" for one in conditions), bound


def _cases(client: Client, view: View, as_of: datetime) -> list[Waiting]:
    wanted = view.where.items()
    found = cases(client, period(view, as_of).since)
    return [Waiting(one.trace_id, one.span_id, "case") for one in found if wanted <= one.segment.items()]


def _by_chance(client: Client, view: View, as_of: datetime, name: str) -> list[Waiting]:
    span = period(view, as_of)
    keys, probability = examples.draw(client, name, 2 * MOST, since=span.since, until=span.until, where=view.where)
    return [Waiting(trace, step, "chance", probability) for trace, step in keys]


def _during(view: View, as_of: datetime) -> dict[str, Any]:
    span = period(view, as_of)
    return {"since": micros(span.since), "until": micros(span.until)}
