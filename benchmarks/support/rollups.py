"""Rows of ``llm_rollups`` as a given number of spans would have left them, made by SQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from driftline_store.client import Client

SEGMENTS = 200
DAYS = 30
_DAY = 86_400

# Each cell (segment and minute, hour or day) has as many spans as there are on average, rounded up or down by chance.
# A histogram has up to 61 bins, and no more than spans; the five have the same bins at other places.
_FILL = """\
INSERT INTO llm_rollups (
    resolution, at, service, environment, feature, model, prompt_name, prompt_version,
    requests, request_errors, request_error_classes, fallbacks, request_seconds, settled_requests, request_cost,
    calls, call_errors, call_seconds, first_token_seconds, call_cost, call_output_tokens,
    input_tokens, output_tokens, cached_tokens, cost, sessions, users, thumbs_up, thumbs_down,
    judged, judged_w, judged_ws, judged_w2, judged_w2s, judged_w2s2
)
SELECT
    resolution, toDateTime({first:UInt32} + intDiv(number, {segments:UInt32}) * {seconds:UInt32}, 'UTC') AS at,
    'shop', 'production', concat('feature-', toString(segment % 20)),
    concat('model-', toString(intDiv(segment, 20) % 2)), 'answer', concat('v', toString(intDiv(segment, 40))),
    spans, failed, if(failed > 0, map('timeout', failed), map()), share(0.02, 2), histogram(0), spans, histogram(-180),
    spans, failed, histogram(-2), histogram(-25), histogram(-180), histogram(130),
    500 * spans, 200 * spans, 50 * spans, toDecimal64(0.0012, 12) * spans, seen, seen, share(0.03, 3), share(0.01, 4),
    share(0.01, 5) AS score, 100. * score, 80. * score, 10000. * score, 8000. * score, 6500. * score
FROM (
    SELECT
        number, number % {segments:UInt32} AS segment, cityHash64(number, {seconds:UInt32}) AS chance,
        toInt64(floor({mean:Float64} + chance / 18446744073709551616.)) AS spans,
        arraySort(arrayDistinct(arrayMap(
            i -> toInt16(cityHash64(chance, i) % 31 + cityHash64(i, chance) % 31) - 30, range(least(spans, 400))
        ))) AS bins,
        arrayMap(i -> intDiv(spans, length(bins)) + (i <= spans % length(bins)), arrayEnumerate(bins)) AS counts,
        arrayReduce(
            'uniqCombinedState(13)',
            arrayMap(i -> toString(cityHash64(chance, i)), range(least(intDiv(spans, 3) + 1, 2000)))
        ) AS seen,
        share(0.02, 1) AS failed
    FROM numbers({cells:UInt64})
    WHERE spans > 0
)
ARRAY JOIN {resolutions:Array(String)} AS resolution"""
_WITH = """\
WITH
    (part, salt) -> toInt64(floor(part * spans + cityHash64(chance, salt) / 18446744073709551616.)) AS share,
    place -> CAST((arrayMap(bin -> toInt16(bin + place), bins), counts), 'Map(Int16, Int64)') AS histogram
"""


def fill(client: Client, spans: int, until: datetime, *, all_minutes: bool) -> None:
    """What ``spans`` spans of ``SEGMENTS`` segments, evenly over the ``DAYS`` before ``until``, leave behind.

    Args:
        client: of a database with the tables.
        spans: how many.
        until: the end.
        all_minutes: False leaves out the sums by arrival, and those per minute of all but the first and the last two
            days: what no query of whole days reads.
    """
    end, rate = int(until.timestamp()), spans / SEGMENTS / DAYS / _DAY
    start = end - DAYS * _DAY
    pieces = [(start, end, _DAY, ["day"]), (start, end, 3600, ["hour"])]
    names = ["minute", "arrival"] if all_minutes else ["minute"]
    ends = (start + 2 * _DAY, end - 2 * _DAY)
    pieces += [
        (begin, begin + _DAY, 60, names)
        for begin in range(start, end, _DAY)
        if all_minutes or not ends[0] <= begin < ends[1]
    ]
    for begin, stop, seconds, resolutions in pieces:
        first = begin // seconds * seconds
        cells = (stop - first + seconds - 1) // seconds * SEGMENTS
        _fill(client, first=first, cells=cells, seconds=seconds, mean=rate * seconds, resolutions=resolutions)


def _fill(client: Client, **parameters: object) -> None:
    head, _, select = _FILL.partition("SELECT")
    client.command(f"{head}{_WITH}SELECT{select}", parameters=parameters | {"segments": SEGMENTS})


def recent() -> datetime:
    """Some seconds ago, in the midst of a minute: the dashboard's ranges mostly end there too."""
    return datetime.now(UTC).replace(second=25, microsecond=0) - timedelta(minutes=1)
