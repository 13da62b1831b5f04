"""What people complained about goes to the judge more often, for those who want to read why.

The complaint comes after the sampling, whose scores have their weights by then. To weigh these as well, the weights
of all others with a complaint would have to change. So they are a run of their own, and no part of quality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_store.feedback import IS_DOWN, IS_REPORT
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.plan import Sampled

RUN: Final = "feedback"

_SEGMENT: Final = ", ".join(DIMENSIONS)

_RECENT: Final = f"at >= now() - INTERVAL 1 HOUR AND ({IS_DOWN} OR {IS_REPORT}) AND trace_id != ''"

_QUEUE: Final = f"""\
INSERT INTO judge_queue (
    trace_id, span_id, queued_at, request_start, {_SEGMENT}, evaluator, unit, unit_id, run,
    inclusion_probability, uniform_probability, tier, system, input, output
)
SELECT trace_id, span_id, now64(3, 'UTC'), start, {_SEGMENT}, {{name:String}}, 'request', trace_id, '{RUN}',
    {{rate:Float64}}, 0, 'boost', system, input, output
FROM llm_spans
WHERE trace_id IN (SELECT trace_id FROM evaluations WHERE {_RECENT})
    AND start >= (SELECT min(request_start) FROM evaluations WHERE {_RECENT}) - INTERVAL 1 HOUR
    AND is_request AND NOT is_abandoned AND operation != 'embeddings'
    AND (empty({{features:Array(String)}}) OR has({{features:Array(String)}}, toString(feature)))
    AND reinterpretAsUInt64(reverse(substring(unhex(trace_id), 10, 7))) >= (1 - {{rate:Float64}}) * 72057594037927936
    AND trace_id NOT IN (SELECT trace_id FROM judge_queue WHERE evaluator = {{name:String}})"""


def queue_complaints(client: Client, evaluators: Iterable[Sampled]) -> None:
    """Queue the requests that somebody complained about in the last hour; meant to be called every minute or so.

    What is queued already, also by the sampling, is left out, so that a repeat adds nothing.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    for one in evaluators:
        if one.feedback_rate and one.unit == "request":
            parameters = {"name": one.name, "rate": one.feedback_rate, "features": list(one.features)}
            client.command(_QUEUE, parameters=parameters)
