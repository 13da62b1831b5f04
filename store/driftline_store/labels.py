"""Labels: what people who looked at single answers say about their quality, to check the judge by.

They are rows of ``evaluations`` with source ``human`` like the feedback of users, and differ from it by naming who
labelled, in the column that names the judge of a score. Of a labeller's labels of an answer the latest counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from driftline_store.client import store_errors

if TYPE_CHECKING:
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

PASS: Final = "pass"  # noqa: S105 - a verdict
FAIL: Final = "fail"

IS_LABEL: Final = "(source = 'human' AND evaluator != '' AND score IS NOT NULL)"
"""SQL for an evaluation that is a label."""

LATEST: Final = f"""\
SELECT trace_id, span_id, name, evaluator AS labeller, max(at) AS labelled_at, argMax(score, at) AS given,
    argMax(label, at) AS verdict, argMax(explanation, at) AS note, argMax(inclusion_probability, at) AS probability
FROM evaluations
WHERE {IS_LABEL}{{conditions}}
GROUP BY trace_id, span_id, name, labeller"""
"""SQL for the labels that count; ``conditions`` begin with AND, on columns that a later label of an answer shares."""

_WITHDRAW: Final = f"""\
DELETE FROM evaluations
WHERE {IS_LABEL} AND trace_id = {{trace:String}} AND name = {{name:String}} AND evaluator = {{labeller:String}}
    AND at >= fromUnixTimestamp64Milli({{at:Int64}}, 'UTC')"""


@dataclass(frozen=True, slots=True)
class Label:
    """One person's verdict on one answer.

    Attributes:
        name: of the evaluation whose scores it is comparable with.
        score: 0 (bad) to 1 (good).
        label: ``pass`` or ``fail``.
        probability: with which a judged answer was drawn to be labelled; 0 where that is not known.
    """

    trace_id: str
    span_id: str
    name: str
    labeller: str
    at: datetime
    score: float
    label: str
    note: str
    probability: float


def micros(moment: datetime) -> int:
    """A time as statements take it.

    Raises:
        ValueError: it has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; pass an aware datetime")
    return round(moment.timestamp() * 1e6)


def labels(client: Client, since: datetime, *, name: str = "", failed: bool = False) -> list[Label]:
    """Labels that count, the latest first.

    Args:
        client: of the store.
        since: those given from then on.
        name: of the evaluation; all if empty.
        failed: only those of answers that failed.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    parameters: dict[str, Any] = {"since": micros(since), "name": name}
    latest = LATEST.format(conditions=" AND name = {name:String}" if name else "")
    query = (
        "SELECT trace_id, span_id, name, labeller, labelled_at, given, verdict, note, probability "
        f"FROM ({latest}) WHERE labelled_at >= fromUnixTimestamp64Micro({{since:Int64}}, 'UTC')"
        f"{f' AND verdict = {FAIL!r}' if failed else ''} "
        "ORDER BY labelled_at DESC, trace_id, span_id, labeller"
    )
    with store_errors("reading the labels"):
        return [Label(*row) for row in client.query(query, parameters=parameters).result_rows]


def withdraw(client: Client, label: Label) -> None:
    """Take back what somebody said of an answer by mistake, from the time of the label on; earlier ones count again.

    Args:
        client: of the store.
        label: what is taken back; only the answer's trace, the evaluation, the labeller and the time matter.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    parameters = {
        "trace": label.trace_id,
        "name": label.name,
        "labeller": label.labeller,
        "at": micros(label.at) // 1000,
    }
    with store_errors("taking back a label"):
        client.command(_WITHDRAW, parameters=parameters)
