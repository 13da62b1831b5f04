"""What a configuration of judges would have cost on the traffic of the last days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from driftline_processors.judge.build import provider_of
from driftline_processors.judge.prompt import MAX_CHARS, system_text
from driftline_processors.judge.rubric import load_rubric
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.config import Evaluators, JudgeConfig
    from driftline_processors.prices import PriceBook

WINDOW: Final = timedelta(days=7)

_SAMPLE: Final = 5_000
"""Requests whose texts are measured."""


class Assumption(NamedTuple):
    """What a price of a judgement depends on and nobody knows before it is made.

    Attributes:
        bytes_per_token: of what the judge reads.
        answer_tokens: of what it writes.
        calls: for a judgement, with repetitions that are paid.
    """

    bytes_per_token: float
    answer_tokens: int
    calls: float


LOW: Final = Assumption(5.0, 80, 1.0)
LIKELY: Final = Assumption(4.0, 150, 1.01)
HIGH: Final = Assumption(3.0, 300, 1.05)


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of one judge.

    Attributes:
        units: requests, traces or sessions of the last days that it could have judged.
        judged: of these, by its rates.
        bytes_read: for one judgement, rubric included; 0 where no content is stored.
        usd_a_day: low, likely and high; None without a known price or without content.
    """

    judge: JudgeConfig
    units: float
    judged: float
    bytes_read: float
    usd_a_day: tuple[Decimal, Decimal, Decimal] | None


def estimate(client: Client, config: Evaluators, prices: PriceBook, now: datetime | None = None) -> list[Estimate]:
    """An estimate for each judge, from the sums per hour and the lengths of a sample of texts.

    Args:
        client: of the store.
        config: to be estimated; it need not be the one in force.
        prices: of the judges' models.
        now: end of the traffic; at present, if not given.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a query.
    """
    end = now or datetime.now(UTC)
    return [_estimate(client, judge, prices, end) for judge in config.judges]


def _estimate(client: Client, judge: JudgeConfig, prices: PriceBook, end: datetime) -> Estimate:
    # A judge of other units than requests has as many of them as there are, at its base rate.
    requests, judged, sessions = _traffic(client, judge, end)
    units = sessions if judge.unit == "session" else requests
    count = units * judge.rate if judge.unit == "session" else judged
    content = _content(client, judge, end, requests)
    if judge.unit == "session":
        content = min(content * requests / max(sessions, 1), MAX_CHARS)
    rubric = len(system_text(load_rubric(judge.rubric), judge.unit).encode())
    read = rubric + content if content else 0.0
    usd = [_usd(judge, prices, count, read, assumed) for assumed in (LOW, LIKELY, HIGH)]
    low, likely, high = usd
    known = (low, likely, high) if low is not None and likely is not None and high is not None else None
    return Estimate(judge, units, count, read, known if read or not count else None)


def _usd(judge: JudgeConfig, prices: PriceBook, judged: float, read: float, assumed: Assumption) -> Decimal | None:
    """USD a day."""
    quote = prices.quote(provider_of(judge), judge.model)
    each = quote.cost(round(read / assumed.bytes_per_token), assumed.answer_tokens)
    days = WINDOW / timedelta(days=1)
    return None if each is None else each * Decimal(judged * assumed.calls / days)


_SEGMENT: Final = ", ".join(f"m.{name}" for name in DIMENSIONS)
_VERSION: Final = "service, environment, feature, prompt_name, prompt_version"

_TRAFFIC: Final = f"""\
SELECT sum(n), sum(greatest(n * {{rate:Float64}}, least(n, {{least:UInt32}}), n * if(is_new, {{new:Float64}}, 0))
        + errors * {{error:Float64}} + down * greatest({{negative:Float64}} - {{rate:Float64}}, 0)),
    uniqCombinedMerge(13)(all_sessions)
FROM (
    SELECT *,
        prompt_version != '' AND first_at > {{since:DateTime('UTC')}} AND at < first_at + {{hold:UInt32}} AS is_new
    FROM (
        SELECT *, min(at) OVER (PARTITION BY {_VERSION}) AS first_at
        FROM (
            SELECT m.at AS at, {_SEGMENT},
                toFloat64(greatest(sum(m.requests) - sum(m.request_errors), 0)) AS n,
                toFloat64(sum(m.request_errors)) AS errors, toFloat64(sum(m.thumbs_down)) AS down,
                uniqCombinedMergeState(13)(m.sessions) AS all_sessions
            FROM llm_rollups AS m
            WHERE m.resolution = 'hour' AND m.at >= {{since:DateTime('UTC')}} AND m.at < {{end:DateTime('UTC')}}
                AND (empty({{features:Array(String)}}) OR m.feature IN {{features:Array(String)}})
                AND (empty({{models:Array(String)}}) OR m.model IN {{models:Array(String)}})
            GROUP BY at, {_SEGMENT}
        )
    )
)"""

# What was said in a request is on its own span or on its calls: the longest of each stands for it.
_CONTENT: Final = """\
SELECT avg(least(system + asked + answered + if({with_steps:Bool}, everything - asked - answered, 0), {most:UInt32}))
FROM (
    SELECT max(length(system)) AS system, max(length(input)) AS asked, max(length(output)) AS answered,
        sum(length(input) + length(output)) AS everything
    FROM (SELECT trace_id, feature, model, system, input, output FROM llm_spans
        WHERE start >= {since:DateTime('UTC')} AND start < {end:DateTime('UTC')}
            AND cityHash64(trace_id) % {every:UInt64} = 0)
    GROUP BY trace_id
    HAVING answered > 0 AND (empty({features:Array(String)}) OR countIf(feature IN {features:Array(String)}) > 0)
        AND (empty({models:Array(String)}) OR countIf(model IN {models:Array(String)}) > 0)
)"""


def _traffic(client: Client, judge: JudgeConfig, end: datetime) -> tuple[float, float, float]:
    """Requests, how many of them are judged, and sessions."""
    version = judge.raised.new_version
    [[requests, judged, sessions]] = client.query(
        _TRAFFIC,
        {
            **_range(judge, end),
            "rate": judge.rate,
            "least": judge.raised.min_per_hour,
            "new": version.rate if version else 0.0,
            "hold": int(version.for_.total_seconds()) if version else 0,
            "error": judge.boosts.error,
            "negative": judge.boosts.negative_feedback,
        },
    ).result_rows
    return float(requests or 0), float(judged or 0), float(sessions or 0)


def _content(client: Client, judge: JudgeConfig, end: datetime, requests: float) -> float:
    """Bytes of what there is to judge in a request, on average; 0 when nothing is stored."""
    parameters = {
        **_range(judge, end),
        "with_steps": judge.unit == "trace",
        "most": MAX_CHARS,
        "every": max(int(requests) // _SAMPLE, 1),
    }
    [[mean]] = client.query(_CONTENT, parameters).result_rows
    return float(mean) if mean == mean and mean is not None else 0.0  # noqa: PLR0124 - not a number


def _range(judge: JudgeConfig, end: datetime) -> dict[str, Any]:
    since = (end - WINDOW).replace(minute=0, second=0, microsecond=0)
    return {
        "since": since,
        "end": end,
        "features": list(judge.applies.features),
        "models": list(judge.applies.models),
    }
