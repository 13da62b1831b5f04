"""How often what is judged: the rates that the sampling views read, in the store.

Thresholds are nested: what is judged at a base rate is also judged at a rate that its segment is raised to, and that
also at the rate of a boost. They hold for what is stored from their change on, and never for what came before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from driftline_processors.dictionaries import JUDGE_PLAN, JUDGE_RAISED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from clickhouse_connect.driver.client import Client

SCOPE: Final = ("service", "environment", "feature", "prompt_name", "prompt_version")
"""What a raised rate holds for. Neither model nor variant: a root span seldom knows the model that will answer."""

Reason = Literal["few_judged", "new_version", "drift"]

_Place = tuple[str, tuple[str, ...]]
"""An evaluator, and values of ``SCOPE``."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """One evaluator as the sampling sees it.

    Attributes:
        name: of the evaluator.
        unit: what it judges as one: ``request``, ``trace`` or ``session``.
        rate: base rate, 0 to 1.
        min_per_hour: judged units an hour below which a segment's rate is raised; 0: never.
        new_version_rate: of the units of a prompt version that is new.
        new_version_hours: how long it counts as new.
        error_rate: of requests that failed; 0: they are not judged.
        feedback_rate: of requests that somebody complained about; their scores are no part of quality.
        per_day: USD that it may spend in a day of UTC; None: without a limit. Likewise in a month.
        features: that it applies to; without any, to all. Likewise models and operations.
        concurrency: judgements under way at once, in each worker.
    """

    name: str
    unit: str = "request"
    rate: float = 0.01
    min_per_hour: int = 0
    new_version_rate: float = 0.0
    new_version_hours: float = 0.0
    error_rate: float = 0.0
    feedback_rate: float = 0.0
    per_day: Decimal | None = None
    per_month: Decimal | None = None
    features: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    concurrency: int = 4


@dataclass(frozen=True, slots=True)
class Raise:
    """A segment's raised rate.

    Attributes:
        evaluator: whose rate it is.
        segment: values of ``SCOPE``.
        until: from when on it does not hold any more.
    """

    evaluator: str
    segment: tuple[str, ...]
    rate: float
    until: datetime
    reason: Reason


_PLANNED: Final = (
    *("evaluator", "rank", "unit", "rate", "error_rate", "per_day", "per_month"),
    *("features", "models", "operations", "active"),
)

_CURRENT: Final = f"SELECT {', '.join(_PLANNED)} FROM judge_plan FINAL ORDER BY rank, evaluator"

_NEW: Final = f"""\
SELECT {", ".join(SCOPE)}, min(at) AS first
FROM llm_rollups
WHERE resolution = 'hour' AND at >= now() - INTERVAL 35 DAY AND prompt_version NOT IN ('', '__other__')
GROUP BY {", ".join(SCOPE)}
HAVING sum(requests) > 0 AND first >= now() - toIntervalSecond({{seconds:UInt32}})"""

_ELIGIBLE: Final = {
    "request": "requests - m.request_errors",
    "trace": "settled_requests - m.request_errors",
    "session": "settled_sessions",
}
"""Column of the sums that counts what an evaluator of a unit could judge."""

_RAISED: Final = timedelta(hours=1)
_RENEWED: Final = timedelta(minutes=15)
"""How long before its end a raised rate is renewed."""

_MOST_RAISED: Final = 1000
"""Segments whose rate is raised at once, those with the most traffic first."""


def put_plan(client: Client, evaluators: Sequence[Sampled]) -> bool:
    """Make these the evaluators whose share of what is stored from now on is queued; others end.

    Returns:
        whether that was another plan before.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    wanted = {one.name: _planned(one, rank) for rank, one in enumerate(evaluators)}
    present = {str(row[0]): tuple(map(_frozen, row)) for row in client.query(_CURRENT).result_rows}
    ended = {name: (*row[:-1], False) for name, row in present.items() if name not in wanted and row[-1]}
    changed = [row for name, row in (wanted | ended).items() if present.get(name) != row]
    if changed:
        client.insert("judge_plan", [list(row) for row in changed], column_names=list(_PLANNED))
    # Also unchanged: who died between insert and reload has left the dictionary behind the table.
    reload(client)
    return bool(changed)


def in_force(client: Client) -> list[Sampled]:
    """The evaluators of the plan, as far as the store knows them: without their rules for raising rates.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed the query.
    """
    found = []
    for name, _, unit, rate, error_rate, per_day, per_month, *lists, active in client.query(_CURRENT).result_rows:
        if active:
            features, models, operations = map(tuple, lists)
            found.append(
                Sampled(
                    name,
                    unit,
                    rate,
                    error_rate=error_rate,
                    per_day=per_day,
                    per_month=per_month,
                    features=features,
                    models=models,
                    operations=operations,
                )
            )
    return found


def raise_rates(client: Client, raises: Iterable[Raise]) -> None:
    """Let segments be judged more often for a time.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    rows = [[one.evaluator, *one.segment, one.rate, one.until, one.reason] for one in raises]
    if rows:
        names = ["evaluator", *SCOPE, "rate", "until", "reason"]
        client.insert("judge_rates", rows, column_names=names)
        reload(client)


def reload(client: Client) -> None:
    """Let the views see what the tables of rates say now."""
    JUDGE_RAISED.reload(client)
    JUDGE_PLAN.reload(client)


def follow_traffic(client: Client, evaluators: Iterable[Sampled]) -> list[Raise]:
    """Raise the rates that the evaluators' rules ask for; to be called every few minutes, by one process at a time.

    Returns:
        what was raised. A rate that holds already and does not end soon is left as it is.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    now = datetime.now(UTC)
    found: dict[_Place, Raise] = {}
    for one in evaluators:
        for new in (*_for_new_versions(client, one, now), *_for_few(client, one, now)):
            place = (new.evaluator, new.segment)
            if place not in found or found[place].rate < new.rate:
                found[place] = new
    return raise_where_due(client, found.values(), now)


def raise_where_due(client: Client, wanted: Iterable[Raise], now: datetime) -> list[Raise]:
    """Raise rates, but leave those alone that are as high already and do not end soon.

    Returns:
        what was raised.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    held = _held(client)
    due = [one for one in wanted if _is_news(one, held.get((one.evaluator, one.segment)), now)]
    raise_rates(client, due)
    return due


def _for_few(client: Client, one: Sampled, now: datetime) -> list[Raise]:
    """Rates for segments that the base rate would give too few of, by the traffic of the last hour.

    By what could have been judged, not by what was: so a rate stays raised while there is a reason, and does not
    depend on the scores, nor on whether the judge was at work.
    """
    if not one.min_per_hour:
        return []
    query = (
        f"SELECT {', '.join(SCOPE)}, sum(m.{_ELIGIBLE[one.unit]}) AS seen FROM llm_rollups AS m "
        "WHERE resolution = 'minute' AND at >= now() - INTERVAL 1 HOUR "
        f"GROUP BY {', '.join(SCOPE)} HAVING seen > 0 ORDER BY seen DESC LIMIT {_MOST_RAISED}"
    )
    rows = [(tuple(map(str, row[:-1])), int(row[-1])) for row in client.query(query).result_rows]
    raised = [(segment, _rate_for(one.min_per_hour, seen)) for segment, seen in rows]
    return [
        Raise(one.name, segment, rate, now + _RAISED, "few_judged")
        for segment, rate in raised
        if rate > one.rate and _applies(one, segment)
    ]


def _rate_for(least: int, seen: int) -> float:
    """The rate at which ``seen`` units give ``least``, on the grid of powers of two, so that it changes seldom."""
    return min(1.0, 2.0 ** math.ceil(math.log2(least / seen)))


def _for_new_versions(client: Client, one: Sampled, now: datetime) -> list[Raise]:
    lasts = timedelta(hours=one.new_version_hours)
    if one.new_version_rate <= one.rate or not lasts:
        return []
    rows = client.query(_NEW, {"seconds": int(lasts.total_seconds())}).result_rows
    found = [(tuple(map(str, row[:-1])), row[-1].replace(tzinfo=UTC) + lasts) for row in rows]
    return [
        Raise(one.name, segment, one.new_version_rate, until, "new_version")
        for segment, until in found
        if until > now and _applies(one, segment)
    ]


def _applies(one: Sampled, segment: tuple[str, ...]) -> bool:
    return not one.features or segment[SCOPE.index("feature")] in one.features


def _held(client: Client) -> dict[_Place, tuple[float, datetime]]:
    query = f"SELECT evaluator, {', '.join(SCOPE)}, rate, until FROM judge_rates FINAL WHERE until > now64(3)"
    rows = client.query(query).result_rows
    return {(str(row[0]), tuple(map(str, row[1:-2]))): (float(row[-2]), row[-1]) for row in rows}


def _is_news(one: Raise, held: tuple[float, datetime] | None, now: datetime) -> bool:
    if held is None or one.rate > held[0]:
        return True
    return held[1] < now + _RENEWED and (one.rate, one.until) != held


def _planned(one: Sampled, rank: int) -> tuple[object, ...]:
    lists = (tuple(one.features), tuple(one.models), tuple(one.operations))
    return (one.name, rank, one.unit, one.rate, one.error_rate, one.per_day, one.per_month, *lists, True)


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
