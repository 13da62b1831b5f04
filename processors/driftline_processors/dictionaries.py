"""Small tables that views look things up in while rows stream by, held in memory by the engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client


@dataclass(frozen=True)
class Dictionary:
    """A ClickHouse dictionary over one of our tables.

    It has no lifetime: whoever changes the table calls ``reload``, so that the next insert sees the change.
    """

    name: str
    columns: str
    key: str
    query: str
    layout: str
    range: str = ""

    @property
    def create(self) -> str:
        """Statement that creates the dictionary if it is not there."""
        query = self.query.replace("'", "\\'")
        return (
            f"CREATE DICTIONARY IF NOT EXISTS {self.name} ({self.columns}) PRIMARY KEY {self.key} "
            f"SOURCE(CLICKHOUSE(QUERY '{query}')) LAYOUT({self.layout}()) {self.range} LIFETIME(0)"
        )

    def reload(self, client: Client) -> None:
        """Make the table's present rows visible to views.

        Raises:
            StoreError: the store failed the statement.
        """
        client.command(f"SYSTEM RELOAD DICTIONARY {self.name}")


PRICES: Final = Dictionary(
    name="prices",
    columns=(
        "provider String, model String, valid_from Date, from_minute UInt16, from_tokens UInt64, to_tokens UInt64, "
        "input Decimal64(6), cache_read Decimal64(6), cache_write Decimal64(6), output Decimal64(6), version String"
    ),
    key="provider, model, valid_from, from_minute",
    query=(
        "SELECT provider, model, valid_from, from_minute, from_tokens, to_tokens, "
        "input, cache_read, cache_write, output, version FROM {database}.model_prices FINAL WHERE known"
    ),
    layout="COMPLEX_KEY_RANGE_HASHED",
    range="RANGE(MIN from_tokens MAX to_tokens)",
)
"""USD per million tokens by ``price_key_sql``, in the tier that the number of input tokens falls into."""

PRICE_DAYS: Final = Dictionary(
    name="price_days",
    columns="provider String, model String, valid_from Date, valid_to Date, since Date",
    key="provider, model",
    query=(
        "SELECT DISTINCT provider, model, valid_from, valid_to, valid_from AS since "
        "FROM {database}.model_prices FINAL WHERE known AND valid_from > toDate(0)"
    ),
    layout="COMPLEX_KEY_RANGE_HASHED",
    range="RANGE(MIN valid_from MAX valid_to)",
)
"""First day of the prices that hold on a day, for the models whose prices have changed."""

PRICE_HOURS: Final = Dictionary(
    name="price_hours",
    columns="provider String, model String, from_minute UInt16, to_minute UInt16, since UInt16",
    key="provider, model",
    query=(
        "SELECT DISTINCT provider, model, from_minute, to_minute, from_minute AS since "
        "FROM {database}.model_prices FINAL WHERE known AND from_minute > 0"
    ),
    layout="COMPLEX_KEY_RANGE_HASHED",
    range="RANGE(MIN from_minute MAX to_minute)",
)
"""First minute of the prices that hold at a time of the day (UTC), for the few models sold by the hour."""

PRICE_DICTIONARIES: Final = (PRICES, PRICE_DAYS, PRICE_HOURS)
"""All that have to be reloaded when ``model_prices`` changes."""


def price_key_sql(provider: str, model: str, start: str) -> str:
    """Expression for the key of ``PRICES``; most models have one price, which is found at day and minute 0.

    Args:
        provider: expression of type String.
        model: expression of type String.
        start: expression of type DateTime64 in UTC.
    """
    minute = f"toUInt16(intDiv(toUnixTimestamp({start}) % 86400, 60))"
    since_day = f"dictGetOrDefault('price_days', 'since', ({provider}, {model}), toDate({start}), toDate(0))"
    since_minute = f"dictGetOrDefault('price_hours', 'since', ({provider}, {model}), {minute}, toUInt16(0))"
    return f"({provider}, {model}, {since_day}, {since_minute})"


JUDGE_RAISED: Final = Dictionary(
    name="judge_raised",
    columns=(
        "evaluator String, service String, environment String, feature String, prompt_name String, "
        "prompt_version String, rate Float64, until DateTime64(3, 'UTC')"
    ),
    key="evaluator, service, environment, feature, prompt_name, prompt_version",
    query=(
        "SELECT evaluator, service, environment, feature, prompt_name, prompt_version, rate, until "
        "FROM {database}.judge_rates FINAL WHERE until > now64(3)"
    ),
    layout="COMPLEX_KEY_HASHED",
)
"""Rates that segments are raised to, and until when."""

_LISTED: Final = ", ".join(
    f"groupArray(arrayStringConcat({name}, char(10)))" for name in ("features", "models", "operations")
)

JUDGE_PLAN: Final = Dictionary(
    name="judge_plan_now",
    columns=(
        "unit String, ceiling Float64, names Array(String), rates Array(Float64), error_rates Array(Float64), "
        "features Array(String), models Array(String), operations Array(String)"
    ),
    key="unit",
    query=(
        "SELECT unit, "
        "greatest(max(rate), max(error_rate), "
        "(SELECT max(rate) FROM {database}.judge_rates FINAL WHERE until > now64(3))) AS ceiling, "
        f"groupArray(evaluator), groupArray(rate), groupArray(error_rate), {_LISTED} "
        "FROM (SELECT * FROM {database}.judge_plan FINAL WHERE active ORDER BY rank, evaluator) GROUP BY unit"
    ),
    layout="COMPLEX_KEY_HASHED",
)
"""The active evaluators of each unit as parallel lists, and the highest of all their rates."""

ADMITTED_SEGMENTS: Final = Dictionary(
    name="admitted_segments_now",
    columns="key UInt64, set_at DateTime64(3)",
    key="key",
    query=(
        "SELECT key, set_at FROM {database}.admitted_segments "
        "WHERE set_at = (SELECT max(set_at) FROM {database}.admitted_segments)"
    ),
    layout="HASHED",
)
"""Hashes of the segments that keep sums of their own; see ``driftline_processors.segments``."""

ANSWER_CHECKS: Final = Dictionary(
    name="answer_checks_now",
    columns=(
        "use String, names Array(String), kinds Array(String), features Array(String), patterns Array(String), "
        "shortest Array(UInt64), longest Array(UInt64)"
    ),
    key="use",
    # A rule without a pattern gets one that is never looked at, so that all lists are of one length.
    query=(
        "SELECT if(kind = 'fallback', 'fallback', 'rule') AS use, groupArray(name), groupArray(kind), "
        "groupArray(feature), groupArray(if(pattern = '', '-', pattern)), "
        "groupArray(shortest), groupArray(longest) "
        "FROM (SELECT * FROM {database}.answer_checks FINAL WHERE active ORDER BY set_at, name) GROUP BY use"
    ),
    layout="COMPLEX_KEY_HASHED",
)
"""The active rules for answers as parallel lists: one row for fallbacks, one for all others."""

DICTIONARIES: Final = (*PRICE_DICTIONARIES, JUDGE_PLAN, JUDGE_RAISED, ADMITTED_SEGMENTS, ANSWER_CHECKS)
