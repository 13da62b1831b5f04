"""For any trace, what became of its judging; and for all of them, how many were chosen and judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from driftline_processors.judge.ledger import NOTHING, Spent, exhausted, spent
from driftline_processors.judge.plan import SCOPE, in_force
from driftline_processors.judge.queue import HORIZON
from driftline_processors.judge.task import NO_CONTENT
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.plan import Sampled

State = Literal["judged", "failed", "no content", "queued", "budget", "not sampled", "filtered", "not eligible"]

_JUDGED: Final = """\
SELECT name, run, score, error, at, evaluator, is_cached FROM evaluations
WHERE trace_id = {trace:String} AND source = 'judge' ORDER BY at"""

_QUEUED: Final = "SELECT evaluator, queued_at FROM judge_queue WHERE trace_id = {trace:String} AND run = ''"

# The span that stands for the request; of a trace under a web root what was settled of it, its bits are the same.
_REQUEST: Final = f"""\
SELECT {", ".join(SCOPE)}, model, operation, is_error, is_abandoned, is_request, bits FROM (
    SELECT {", ".join(SCOPE)}, model, operation, is_error, is_abandoned, is_request,
        reinterpretAsUInt64(reverse(substring(unhex(trace_id), 10, 7))) / 72057594037927936 AS bits
    FROM llm_spans WHERE trace_id = {{trace:String}}
    UNION ALL
    SELECT {", ".join(SCOPE)}, model, '', is_error, false, true,
        reinterpretAsUInt64(reverse(substring(unhex(trace_id), 10, 7))) / 72057594037927936
    FROM llm_traces WHERE trace_id = {{trace:String}} AND is_first
) ORDER BY is_request DESC, operation != '' DESC LIMIT 1"""

_RAISED: Final = " AND ".join(
    (
        "SELECT max(rate) FROM judge_rates FINAL WHERE evaluator = {name:String} AND until > now64(3)",
        *(f"{one} = {{{one}:String}}" for one in SCOPE),
    )
)

_COVERAGE: Final = """\
SELECT
    name, sum(chosen), sum(scored), sum(failed),
    (
        SELECT sum(requests) - sum(request_errors) FROM llm_rollups
        WHERE resolution = 'minute' AND at >= now() - INTERVAL 1 DAY
    )
FROM (
    SELECT evaluator AS name, count() AS chosen, 0 AS scored, 0 AS failed FROM judge_queue
    WHERE run = '' AND queued_at >= now64(3) - INTERVAL 1 DAY GROUP BY name
    UNION ALL
    SELECT name, 0, countIf(score IS NOT NULL), countIf(score IS NULL) FROM evaluations
    WHERE source = 'judge' AND run = '' AND at >= now64(3) - INTERVAL 1 DAY GROUP BY name
) GROUP BY name ORDER BY name"""


@dataclass(frozen=True, slots=True)
class Account:
    """What became of one trace at one evaluator.

    Attributes:
        why: in words.
    """

    evaluator: str
    state: State
    why: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """One evaluator's last 24 hours: chosen by the sampling, scored, failed, and how many could have been chosen."""

    evaluator: str
    sampled: int
    judged: int
    failed: int
    eligible: int


def coverage(client: Client) -> list[Coverage]:
    """Of each evaluator that was at work in the last 24 hours.

    Raises:
        StoreError: the store failed a query.
    """
    with store_errors("counting what was judged"):
        rows = client.query(_COVERAGE).result_rows
    return [
        Coverage(str(name), int(chosen), int(scored), int(failed), int(eligible))
        for name, chosen, scored, failed, eligible in rows
    ]


def why(client: Client, trace_id: str) -> list[Account]:
    """What became of a trace at each evaluator; nothing if the store has no such trace.

    Raises:
        StoreError: the store failed a query.
    """
    about = {"trace": trace_id}
    with store_errors("looking what became of a trace"):
        evaluators = in_force(client)
        done = client.query(_JUDGED, about).named_results()
        found = {str(row["name"]): _of_judgement(row) for row in done}
        so_far = spent(client)
        for name, queued_at in client.query(_QUEUED, about).result_rows:
            if name not in found:
                one = next((one for one in evaluators if one.name == name), None)
                found[str(name)] = _of_queue(str(name), queued_at, one, so_far)
        requests = list(client.query(_REQUEST, about).named_results())
        for one in evaluators:
            if one.name not in found and requests:
                found[one.name] = _unsampled(client, one, requests[0])
    return list(found.values())


def _of_judgement(row: dict[str, Any]) -> Account:
    name, at = str(row["name"]), f"{row['at']:%Y-%m-%d %H:%M:%S} UTC"
    run = f" in the run {row['run']!r}" if row["run"] else ""
    if row["score"] is not None:
        taken = ", taken over from an identical answer" if row["is_cached"] else ""
        return Account(name, "judged", f"{row['score']:.2f} at {at}{run} by {row['evaluator']}{taken}")
    state: State = "no content" if row["error"] == NO_CONTENT else "failed"
    return Account(name, state, f"{row['error']} at {at}{run} by {row['evaluator']}")


def _of_queue(name: str, queued_at: datetime, one: Sampled | None, so_far: dict[str, Spent]) -> Account:
    since = f"queued at {queued_at:%Y-%m-%d %H:%M:%S} UTC"
    if one is None:
        return Account(name, "queued", f"{since}, but no evaluator of that name is in force")
    if reason := exhausted(one.per_day, one.per_month, so_far.get(name, NOTHING)):
        return Account(name, "budget", f"{since}; {reason}")
    if datetime.now(UTC) - queued_at > HORIZON:
        return Account(name, "queued", f"{since}; given up, as it is older than {HORIZON.days} days")
    return Account(name, "queued", f"{since}; waits for its content, a worker or ingest")


def _unsampled(client: Client, one: Sampled, row: dict[str, Any]) -> Account:
    """Why the sampling left it out, by the rates of now."""
    if reason := _not_eligible(one, row):
        return Account(one.name, "not eligible", reason)
    for what, listed in (("feature", one.features), ("model", one.models), ("operation", one.operations)):
        if listed and row[what] not in listed:
            return Account(one.name, "filtered", f"its {what} is {row[what]!r}; it applies to {', '.join(listed)}")
    about = {"name": one.name, **{name: str(row[name]) for name in SCOPE}}
    raised = client.query(_RAISED, about).result_rows
    rate = max([one.rate, one.error_rate if row["is_error"] else 0.0, *(float(value) for (value,) in raised)])
    if one.unit == "session":
        return Account(one.name, "not sampled", f"sessions are chosen as a whole, {rate:.3g} of them")
    stands = f"its trace id stands at {row['bits']:.6f} of the range"
    return Account(one.name, "not sampled", f"{stands}, and a rate of {rate:.4g} chooses from {1 - rate:.6f} on")


def _not_eligible(one: Sampled, row: dict[str, Any]) -> str:
    reasons: Iterable[tuple[object, str]] = (
        (not row["is_request"], "none of its spans is a request"),
        (row["is_abandoned"], "nobody waited for its end"),
        (row["operation"] == "embeddings", "embeddings have no answer"),
        (row["is_error"] and not one.error_rate, "it failed, and failed requests are not judged"),
    )
    return next((reason for applies, reason in reasons if applies), "")
