"""Both sides of a comparison out of the store: every metric that is watched, and answers beside each other."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, cast

import streamlit as st

from driftline_alerts.drift.compare_sides import common_instrument, compare, first_together
from driftline_dashboard.store import LIMITS, reading
from driftline_dashboard.widgets.answers_data import question
from driftline_dashboard.widgets.judged import LAST_SCORES
from driftline_store.content import plain_text
from driftline_store.labels import micros
from driftline_store.metrics import check_dimension
from driftline_store.monitored import MONITORED
from driftline_store.statement import runnable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from clickhouse_connect.driver.query import QueryResult

    from driftline_alerts.drift.compare_sides import Compared, Side
    from driftline_dashboard.compare.sides import Choice
    from driftline_dashboard.view import View
    from driftline_store.client import Client

MOST_PAIRS: Final = 4
_READ: Final = 150
"""Newest requests of each side that are looked at for pairs."""
_LONGEST: Final = 20_000
"""Bytes of a question that is looked at; longer ones are documents, which are never the same."""
_ALIKE: Final = 0.5
"""Share of common words among all words of two questions from which on they count as similar (Jaccard)."""

_OF_SIDE: Final = f"""\
(
    SELECT '%(side)s' AS side, trace_id, span_id, start, input, output FROM llm_spans
    WHERE is_request AND input != '' AND length(input) <= {_LONGEST}
        AND start >= fromUnixTimestamp64Micro({{%(side)s_since:Int64}}, 'UTC')
        AND start < fromUnixTimestamp64Micro({{%(side)s_until:Int64}}, 'UTC')%(where)s
    ORDER BY start DESC LIMIT {_READ}
)"""
_SCORES: Final = LAST_SCORES.replace("CONDITION", "trace_id IN {traces:Array(String)}")


@dataclass(frozen=True)
class Said:
    """A question and its answer; texts are as users wrote them, so escape them.

    Attributes:
        score: of the judge whose scores are compared; None where it gave none.
    """

    trace_id: str
    span_id: str
    start: datetime
    asked: str
    answered: str
    score: float | None


@dataclass(frozen=True)
class Pair:
    """Answers of both sides.

    Attributes:
        kind: ``same`` and ``similar`` question; ``worst``: of each side the worst, as no questions are alike.
    """

    kind: str
    a: Said
    b: Said

    @property
    def apart(self) -> float:
        """How far the scores are apart; -1 where one has none."""
        return -1.0 if self.a.score is None or self.b.score is None else abs(self.a.score - self.b.score)


@dataclass(frozen=True)
class Found:
    """What came of a comparison.

    Attributes:
        metrics: every one that is watched.
        statement: the statements of which they were made, ready to run.
        since: begin of the side that begins later, aware.
    """

    metrics: tuple[Compared, ...]
    statement: str
    since: datetime


class _Noting:
    """A client that notes what it is asked, in the order asked, each statement once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._asked: dict[str, None] = {}

    @property
    def asked(self) -> tuple[str, ...]:
        return tuple(self._asked)

    def query(self, statement: str, *, parameters: dict[str, Any]) -> QueryResult:
        self._asked[runnable(statement, parameters)] = None
        return self._client.query(statement, parameters=parameters)


@st.cache_data(ttl=60, max_entries=20, show_spinner=False)
def compared(view: View, choice: Choice, as_of: datetime) -> Found:
    """Every metric of both sides, by the code of ``driftline compare``.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    with reading("both sides of a comparison") as client:
        noting = _Noting(client)
        asked = cast("Client", noting)
        a, b = _sides(asked, view, choice, as_of)
        found = tuple(compare(asked, a, b, list(MONITORED.values())))
        return Found(found, ";\n\n".join(noting.asked), max(a.since, b.since))


def _sides(client: Client, view: View, choice: Choice, as_of: datetime) -> tuple[Side, Side]:
    """A and B, from a begin that does not move with the clock if that is chosen."""
    a, b = choice.sides(view, as_of)
    begin = first_together(client, a.where, b.where) if choice.is_anchored else None
    return (a, b) if begin is None or begin >= as_of else (replace(a, since=begin), replace(b, since=begin))


@st.cache_data(ttl=60, max_entries=20, show_spinner=False)
def pairs(view: View, choice: Choice, as_of: datetime) -> tuple[Pair, ...]:
    """Answers of both sides to the same or similar questions, those first whose scores are furthest apart.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    statements, parameters = [], dict[str, Any]()
    with reading("answers of both sides") as client:
        sides = dict(zip(("a", "b"), _sides(client, view, choice, as_of), strict=True))
        for name, side in sides.items():
            statements.append(_OF_SIDE % {"side": name, "where": _where(name, side)})
            parameters |= {f"{name}_since": micros(side.since), f"{name}_until": micros(side.until)}
            parameters |= {f"{name}_{dimension}": value for dimension, value in side.where.items()}
        rows = client.query("\nUNION ALL\n".join(statements), parameters=parameters, settings=LIMITS).result_rows
        traces = {"traces": [row[1] for row in rows], "judge": common_instrument(client, *sides.values())}
        judged = client.query(_SCORES, parameters=traces, settings=LIMITS).result_rows if rows else []
    scores = {str(trace): float(score) for trace, score in judged}
    of_a, of_b = ([_said(row[1:], scores) for row in rows if row[0] == name] for name in sides)
    return tuple(paired(of_a, of_b))


def paired(of_a: Sequence[Said], of_b: Sequence[Said]) -> list[Pair]:
    """Pairs of the same question, then of similar ones; each question once, each answer once."""
    if not of_a or not of_b:
        return []
    found = _same(of_a, of_b)
    if len(found) < MOST_PAIRS:
        used = {_key(pair.a.asked) for pair in found}
        found += _similar(*([one for one in side if _key(one.asked) not in used] for side in (of_a, of_b)))
    found = found or [Pair("worst", _worst(of_a), _worst(of_b))]
    return sorted(found, key=lambda pair: (pair.kind != "same", -pair.apart))[:MOST_PAIRS]


def _same(of_a: Sequence[Said], of_b: Sequence[Said]) -> list[Pair]:
    firsts_a, firsts_b = ({_key(one.asked): one for one in reversed(_judged_first(side))} for side in (of_a, of_b))
    return [Pair("same", one, firsts_b[key]) for key, one in firsts_a.items() if key in firsts_b]


def _judged_first(of: Sequence[Said]) -> list[Said]:
    """Those with a score, which say more, before those without; the newest first of both."""
    return sorted(of, key=lambda one: (one.score is None, -one.start.timestamp()))


def _similar(of_a: Sequence[Said], of_b: Sequence[Said]) -> list[Pair]:
    words_a, words_b = ([(one, frozenset(_key(one.asked).split())) for one in side] for side in (of_a, of_b))
    found, used = [], set[str]()
    for a, of_this in words_a:
        free = ((_alike(of_this, words), b) for b, words in words_b if b.trace_id not in used)
        share, b = max(free, key=lambda each: each[0], default=(0.0, a))
        if share >= _ALIKE:
            used.add(b.trace_id)
            found.append(Pair("similar", a, b))
        if len(found) >= MOST_PAIRS:
            break
    return found


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(len(one | other), 1)


def _worst(of: Sequence[Said]) -> Said:
    return min(of, key=lambda one: (2.0 if one.score is None else one.score, -one.start.timestamp()))


def _key(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _where(name: str, side: Side) -> str:
    return "".join(f" AND {check_dimension(each)} = {{{name}_{each}:String}}" for each in side.where)


def _said(row: Sequence[Any], scores: Mapping[str, float]) -> Said:
    trace_id, span_id, start, asked, answered = row
    return Said(trace_id, span_id, start, question(asked), plain_text(answered), scores.get(trace_id))
