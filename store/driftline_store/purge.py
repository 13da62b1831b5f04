"""Removes what the store holds about one user, session or trace.

Rows of spans and scores stay, so that sums and rows still agree, but without content, attributes and ids of
persons; the trace id, a random number, stays. All else that belongs to the traces is deleted. What is meant is
written to ``purge_marks`` first and referred to from there, so that no statement, which the engine keeps for a
while, has an id in it. Of rows that are stored meanwhile nothing is promised.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from driftline.errors import StoreError
from driftline_store.client import store_errors
from driftline_store.holdings import HOLDINGS, LETTER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from clickhouse_connect.driver.client import Client

    from driftline_store.holdings import Holding

Kind = Literal["user", "session", "trace"]

_MARKED: Final = "SELECT id FROM purge_marks WHERE purge = '{purge}' AND kind = '{kind}'"

_FIND: Final = {
    "user": "SELECT DISTINCT '{purge}', 'trace', trace_id FROM llm_spans WHERE user_id = {{id:String}}",
    "session": "SELECT DISTINCT '{purge}', 'trace', trace_id FROM llm_spans WHERE session_id = {{id:String}}",
}
_SESSIONS: Final = (
    "SELECT DISTINCT '{purge}', 'session', session_id FROM llm_spans WHERE user_id = {{id:String}} AND session_id != ''"
)
_RESPONSES: Final = (
    "SELECT DISTINCT '{purge}', 'response', response_id FROM llm_spans "
    f"WHERE trace_id IN ({_MARKED.replace('{kind}', 'trace')}) AND response_id != ''"
)
# A trace id stands in protobuf as its 16 bytes and in JSON as text.
_LETTERS: Final = (
    f"SELECT '{{purge}}', 'letter', {LETTER} FROM dead_letters WHERE arrayExists("
    "sought -> positionCaseInsensitive(value, sought) > 0, (SELECT groupArrayArray(arrayFilter(notEmpty, "
    "[id, if(kind = 'trace', unhex(id), '')])) FROM purge_marks WHERE purge = '{purge}'))"
)


@dataclass(frozen=True)
class Subject:
    """Whose data goes.

    Attributes:
        id: as it was recorded; never stored nor shown again.
    """

    kind: Kind
    id: str

    @property
    def sha256(self) -> str:
        """Fingerprint of the id, in hexadecimal."""
        return hashlib.sha256(self.id.encode()).hexdigest()


def find(client: Client, subject: Subject) -> str:
    """Mark everything that belongs to a subject.

    Returns:
        name of the purge, for the other functions; `forget` it at the end.

    Raises:
        StoreError: the store failed a statement.
    """
    purge = uuid.uuid4().hex
    with store_errors("looking for what is to be purged"):
        client.insert("purge_marks", [[purge, subject.kind, subject.id]], column_names=["purge", "kind", "id"])
        searches = [_FIND.get(subject.kind), _SESSIONS if subject.kind == "user" else None, _RESPONSES, _LETTERS]
        for search in filter(None, searches):
            mark(client, search.format(purge=purge), id=subject.id)
    return purge


def mark(client: Client, search: str, **parameters: str) -> None:
    """Add what a search gives, as (purge, kind, id), to the marks."""
    client.command(f"INSERT INTO purge_marks (purge, kind, id) {search}", parameters=parameters)


def count(client: Client, purge: str) -> dict[str, int]:
    """How many rows of each table are meant.

    Raises:
        StoreError: the store failed a statement.
    """
    with store_errors("counting what is to be purged"):
        return {
            holding.table: int(
                client.query(f"SELECT count() FROM {holding.table} WHERE {_condition(holding, purge)}").result_rows[0][
                    0
                ]
            )
            for holding in HOLDINGS
        }


def carry_out(client: Client, purge: str, holdings: Iterable[Holding] = HOLDINGS, *, suffix: str = "") -> None:
    """Empty and delete what is marked, and wait until it is done. Safe to repeat after a crash.

    Args:
        client: of the store.
        purge: name of the purge.
        holdings: the tables.
        suffix: of the names of the tables, where they are not the live ones.

    Raises:
        StoreError: the store failed a statement.
    """
    for holding in holdings:
        table = holding.table + suffix
        updates = ", ".join(f"{column} = defaultValueOfArgumentType({column})" for column in holding.emptied)
        what = f"UPDATE {updates}" if updates else "DELETE"
        with store_errors(f"purging {table}"):
            client.command(f"ALTER TABLE {table} {what} WHERE {_condition(holding, purge)}")
            wait_for_mutations(client, table)


def record(client: Client, purge: str, subject: Subject, by: str, rows: dict[str, int]) -> None:
    """Note that a purge is done, before it is: afterwards a repeat would find its traces no more.

    Args:
        client: of the store.
        purge: name of the purge, whose traces a replay has to purge again.
        subject: whose data goes.
        by: who does it.
        rows: how many of each table are meant.

    Raises:
        StoreError: the store failed a statement.
    """
    traces = _MARKED.format(purge=purge, kind="trace")
    with store_errors("recording the purge"):
        client.command(f"INSERT INTO purged_traces (trace_id) {traces}")
        client.insert(
            "purges",
            [[subject.kind, subject.sha256, by, rows]],
            column_names=["kind", "sha256", "by", "rows"],
        )


def forget(client: Client, purge: str) -> None:
    """Remove the marks."""
    with store_errors("removing the marks of the purge"):
        client.command(f"ALTER TABLE purge_marks DROP PARTITION '{purge}'")


def wait_for_mutations(client: Client, table: str) -> None:
    """Wait until all changes of a table's rows are made, however long that takes.

    Raises:
        StoreError: the engine cannot make one.
    """
    pause = 0.02
    while True:
        left, reason = client.query(
            "SELECT count(), any(latest_fail_reason) FROM system.mutations "
            "WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done",
            parameters={"table": table},
        ).result_rows[0]
        if not left:
            return
        if reason:
            raise StoreError(f"the store cannot change rows of {table}: {str(reason)[:300]}")
        time.sleep(pause)
        pause = min(pause * 2, 1.0)


def _condition(holding: Holding, purge: str) -> str:
    return " OR ".join(
        f"{column} IN ({_MARKED.format(purge=purge, kind=kind)})" for column, kind in holding.found_by.items()
    )
