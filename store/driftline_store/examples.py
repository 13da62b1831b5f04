"""Answers with their texts, for people: drawn to be labelled, or labelled ones as test cases."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from driftline_store.client import store_errors
from driftline_store.content import plain_text
from driftline_store.filters import filtered
from driftline_store.labels import micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

Key = tuple[str, str]
"""Trace and span id."""

Texts = tuple[str, str, str]
"""System instructions, input and output, as text; '' where nothing was recorded."""

_PAGE: Final = 500

_DRAWN: Final = """\
SELECT trace_id, span_id, count() OVER () AS judged
FROM evaluations
WHERE source = 'judge' AND score IS NOT NULL AND run = '' AND unit != 'anchor'
    AND trace_id != '' AND name = {name:String}
    AND request_start >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')
    AND request_start < fromUnixTimestamp64Micro({until:Int64}, 'UTC')AND_WHERE
GROUP BY trace_id, span_id
ORDER BY sipHash64(trace_id, span_id, {seed:UInt64}), trace_id, span_id
LIMIT {most:UInt32}"""

# The last answer of a trace is the one that a user saw, if its request has none itself.
_TEXTS: Final = """\
SELECT trace_id, span_id, system, input, output FROM (
    SELECT trace_id, span_id, at, system, input, output FROM llm_content
    WHERE trace_id IN {traces:Array(String)} AND output != ''
    UNION ALL
    SELECT trace_id, span_id, start AS at, system, input, output FROM llm_spans
    WHERE trace_id IN {traces:Array(String)} AND (is_call OR is_request) AND output != ''
)
ORDER BY at"""


def draw(
    client: Client,
    name: str,
    most: int,
    *,
    since: datetime,
    until: datetime,
    where: Mapping[str, str] | None = None,
    seed: int = 0,
) -> tuple[list[Key], float]:
    """Judged answers by chance, each as likely as any other; the same ones for the same arguments.

    Args:
        client: of the store.
        name: of the evaluation.
        most: how many; all if there are fewer.
        since: of their requests, inclusive.
        until: exclusive.
        where: dimensions that must have exactly this value.
        seed: another one draws others.

    Returns:
        the answers in the order in which they were drawn, and the probability with which each was.

    Raises:
        ValueError: an unknown dimension.
        StoreError: the store cannot be reached or fails.
    """
    of_segment, bound = filtered(where)
    parameters = {"name": name, "most": most, "since": micros(since), "until": micros(until), "seed": seed} | bound
    conditions = "".join(f" AND {one}" for one in of_segment)
    with store_errors("drawing answers"):
        rows = client.query(_DRAWN.replace("AND_WHERE", conditions), parameters=parameters).result_rows
    return [(trace, span) for trace, span, _ in rows], min(1.0, most / rows[0][2]) if rows else 1.0


def texts(client: Client, answers: Sequence[Key]) -> dict[Key, Texts]:
    """What was asked and answered; answers whose texts are not there any more, or never were, are left out.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    found: dict[Key, Texts] = {}
    for begin in range(0, len(answers), _PAGE):
        page = answers[begin : begin + _PAGE]
        traces = sorted({trace for trace, _ in page})
        with store_errors("reading the texts of answers"):
            rows = client.query(_TEXTS, parameters={"traces": traces}).result_rows
        found |= _of_page(page, rows)
    return found


def _of_page(page: Iterable[Key], rows: Iterable[Sequence[str]]) -> dict[Key, Texts]:
    of_trace: dict[str, dict[str, Texts]] = defaultdict(dict)
    for trace, span, system, asked, said in rows:
        of_trace[trace][span] = (plain_text(system), plain_text(asked), plain_text(said))
    found = {}
    for trace, span in page:
        spans = of_trace[trace]
        if contents := spans.get(span) or next(reversed(spans.values()), None):
            found[trace, span] = contents
    return found
