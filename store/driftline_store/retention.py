"""How long what is kept: one table of rules, put into the store's tables as TTLs.

The engine empties or removes what is older when it merges parts, at most once a day for a part, so a limit is
exceeded by up to a day. Sums are tables of their own and stay when the rows that they were made of go.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rule:
    """How long a table's rows, or the values of some of its columns, are kept.

    Attributes:
        time: column with the rows' time.
        setting: name of the setting with the days; 0 is for ever.
        columns: what is emptied; without any, whole rows are removed.
        only: condition on the rows; for all of them if empty.
        at_most: days that the setting cannot exceed, also not by 0; 0 is no such limit.
    """

    table: str
    time: str
    setting: str
    columns: tuple[str, ...] = ()
    only: str = ""
    at_most: int = 0

    def expression(self, settings: Settings) -> str:
        """The TTL as the engine writes it; empty: for ever."""
        days = int(getattr(settings, self.setting))
        if self.at_most:
            days = min(days or self.at_most, self.at_most)
        condition = f" WHERE {self.only}" if self.only else ""
        return f"toDateTime({self.time}) + toIntervalDay({days}){condition}" if days else ""


RULES: Final = (
    Rule("llm_spans", "start", "keep_spans_days"),
    Rule(
        "llm_spans",
        "start",
        "keep_content_days",
        columns=("system", "input", "output", "attributes", "error_message"),
    ),
    Rule("llm_content", "at", "keep_content_days"),
    Rule("evaluations", "at", "keep_evaluations_days"),
    Rule("evaluations", "at", "keep_content_days", columns=("explanation", "error")),
    Rule("evaluations_pending", "arrived", "keep_evaluations_days"),
    Rule("evaluations_pending", "arrived", "keep_content_days", columns=("explanation", "error")),
    Rule("evaluations_matched", "at", "keep_evaluations_days"),
    # The judge reads no older ones.
    Rule("judge_queue", "queued_at", "keep_content_days", at_most=7),
    Rule("review_cases", "at", "keep_spans_days"),
    Rule("drift_monitors", "at", "keep_minutes_days"),
    Rule("dead_letters", "at", "keep_dead_letters_days"),
    Rule("unpriced_calls", "start", "keep_spans_days"),
    # Whole months, since a batch's number is told from those before it.
    Rule("cost_corrections", "start", "keep_evaluations_days"),
    Rule("llm_traces", "start", "keep_spans_days"),
    Rule("llm_sessions", "start", "keep_spans_days"),
    # The sums; a part has those of all resolutions.
    Rule("llm_rollups", "at", "keep_minutes_days", only="resolution = 'minute'"),
    Rule("llm_rollups", "at", "keep_hours_days", only="resolution = 'hour'"),
    Rule("llm_rollups", "at", "keep_days_days", only="resolution = 'day'"),
    Rule("llm_rollups", "at", "keep_hours_days", only="resolution = 'arrival'"),
    Rule("judged_rollups", "at", "keep_minutes_days", only="resolution = 'minute'"),
    Rule("judged_rollups", "at", "keep_hours_days", only="resolution = 'hour'"),
    Rule("judged_rollups", "at", "keep_days_days", only="resolution = 'day'"),
    Rule("judged_rollups", "at", "keep_hours_days", only="resolution = 'arrival'"),
)

_SETTINGS: Final = {
    # A part with content is rewritten at most once a day while it expires.
    "merge_with_ttl_timeout": "86400",
    # A new TTL is computed for the parts that there are, which reads times only, and does not rewrite them at once.
    # (Not computed at all, by materialize_ttl_after_modify=0, it would never reach a part that no merge takes up.)
    "materialize_ttl_recalculate_only": "1",
}

_DROP_PARTS: Final = "ttl_only_drop_parts"
"""Setting by which a part goes when all of it has expired, instead of being rewritten day by day before."""

_COLUMN: Final = re.compile(r"^    `(\w+)` .*? TTL (.+?),?$", re.MULTILINE)
_TABLE: Final = re.compile(r"^TTL (.+?)(?=^SETTINGS|\Z)", re.MULTILINE | re.DOTALL)
_SETTING: Final = re.compile(r"(\w+) = ([^,\s]+)")


@dataclass(frozen=True)
class Kept:
    """The TTLs of a table: its own, and those of its columns."""

    rows: str
    columns: dict[str, str]


def apply(client: Client, settings: Settings, rules: Iterable[Rule] = RULES) -> list[str]:
    """Give the tables the TTLs that the settings ask for; changes only what differs.

    Args:
        client: of the store.
        settings: with the days.
        rules: what is kept how long; no two for the same rows or column.

    Returns:
        names of the tables that were changed.

    Raises:
        StoreError: the store failed a statement.
    """
    rules = tuple(rules)
    changed = []
    for table in dict.fromkeys(rule.table for rule in rules):
        its_rules = [rule for rule in rules if rule.table == table]
        wanted = _wanted(its_rules, settings)
        # Rows of different limits in one part never expire together.
        table_settings = _SETTINGS | {_DROP_PARTS: "0" if any(rule.only for rule in its_rules) else "1"}
        with store_errors(f"setting how long {table} is kept"):
            if _apply(client, table, wanted, table_settings):
                changed.append(table)
    if changed:
        logger.info("changed how long is kept: %s", ", ".join(changed))
    return changed


def _wanted(rules: list[Rule], settings: Settings) -> Kept:
    rows = [rule.expression(settings) for rule in rules if not rule.columns]
    columns = {column: rule.expression(settings) for rule in rules for column in rule.columns}
    return Kept(", ".join(filter(None, rows)), columns)


def _apply(client: Client, table: str, wanted: Kept, settings: Mapping[str, str]) -> bool:
    present, its_settings = _read(client, table)
    if settings.items() - its_settings.items():
        assignments = ", ".join(f"{name} = {value}" for name, value in settings.items())
        client.command(f"ALTER TABLE {table} MODIFY SETTING {assignments}")
    changes = [
        f"MODIFY COLUMN `{column}` TTL {ttl}" if ttl else f"MODIFY COLUMN `{column}` REMOVE TTL"
        for column, ttl in wanted.columns.items()
        if ttl != present.columns.get(column, "")
    ]
    if wanted.rows != present.rows:
        changes.append(f"MODIFY TTL {wanted.rows}" if wanted.rows else "REMOVE TTL")
    if changes:
        client.command(f"ALTER TABLE {table} {', '.join(changes)}")
    return bool(changes)


def _read(client: Client, table: str) -> tuple[Kept, dict[str, str]]:
    """The present TTLs, and the settings, out of the statement that would create the table."""
    statement = str(client.query(f"SHOW CREATE TABLE {table}").result_rows[0][0])
    found = _TABLE.search(statement)
    rows = " ".join(found[1].split()) if found else ""
    its_settings = dict(_SETTING.findall(statement.rpartition("\nSETTINGS ")[2]))
    return Kept(rows, dict(_COLUMN.findall(statement))), its_settings
