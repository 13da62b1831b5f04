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
        "provider String, model String, from_tokens UInt64, to_tokens UInt64, input Decimal64(6), "
        "cache_read Decimal64(6), cache_write Decimal64(6), output Decimal64(6), version String"
    ),
    key="provider, model",
    query=(
        "SELECT provider, model, from_tokens, to_tokens, input, cache_read, cache_write, output, version "
        "FROM {database}.model_prices FINAL WHERE known"
    ),
    layout="COMPLEX_KEY_RANGE_HASHED",
    range="RANGE(MIN from_tokens MAX to_tokens)",
)
"""USD per million tokens by provider and model, in the tier that the number of input tokens falls into."""

JUDGE_RATE: Final = Dictionary(
    name="judge_rate",
    columns="scope String, rate Float64",
    key="scope",
    query="SELECT scope, rate FROM {database}.judge_rates FINAL",
    layout="COMPLEX_KEY_HASHED",
)
"""Share of requests that is judged."""

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

DICTIONARIES: Final = (PRICES, JUDGE_RATE, ADMITTED_SEGMENTS, ANSWER_CHECKS)
