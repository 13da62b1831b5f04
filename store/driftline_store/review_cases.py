"""Cases that review rules found, for people to look at; a label on an answer of the trace closes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from driftline_store.client import store_errors
from driftline_store.labels import IS_LABEL, micros
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

_CASES: Final = f"""\
SELECT rule, trace_id, span_id, found, at, start, {", ".join(DIMENSIONS)}
FROM review_cases FINAL
WHERE at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC') AND {{rule:String}} IN ('', rule)
    AND ({{every:Bool}} OR trace_id NOT IN (SELECT trace_id FROM evaluations WHERE {IS_LABEL}))
ORDER BY at DESC, rule, trace_id"""


@dataclass(frozen=True, slots=True)
class Case:
    """An answer that a rule found.

    Attributes:
        found: what the rule looks for: a phrase, a pattern, a confidence.
        at: when it was found, aware.
        start: of the span.
        segment: dimension -> value.
    """

    rule: str
    trace_id: str
    span_id: str
    found: str
    at: datetime
    start: datetime
    segment: dict[str, str]


def cases(client: Client, since: datetime, *, rule: str = "", every: bool = False) -> list[Case]:
    """Cases that wait for somebody, the latest first.

    Args:
        client: of the store.
        since: those found from then on.
        rule: only of that rule; of all if empty.
        every: also those that have been labelled.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    parameters: dict[str, Any] = {"since": micros(since), "rule": rule, "every": every}
    with store_errors("reading the cases to review"):
        rows = client.query(_CASES, parameters=parameters).result_rows
    return [
        Case(rule, trace, span, found, at, start, dict(zip(DIMENSIONS, segment, strict=True)))
        for rule, trace, span, found, at, start, *segment in rows
    ]
