"""Purges again, in the tables of a replay, what was purged after its messages had come: the bus still has them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from driftline_processors.replay.shadow import NEW
from driftline_processors.replay.tables import ROWS
from driftline_store import purge
from driftline_store.client import store_errors
from driftline_store.holdings import HOLDINGS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_SPANS: Final = f"llm_spans{NEW}"
_PERSONS: Final = ("user", "session")
_KNOWN: Final = "SELECT DISTINCT '{purge}', 'trace', trace_id FROM purged_traces"
# Those in which the person is recognised only now.
_RECOGNISED: Final = (
    f"SELECT DISTINCT '{{purge}}', 'trace', trace_id FROM {_SPANS} AS span INNER JOIN purges AS done "
    "ON lower(hex(SHA256(span.{kind}_id))) = done.sha256 "
    "WHERE done.kind = '{kind}' AND span.{kind}_id != '' AND span.arrived <= done.at"
)
_RESPONSES: Final = (
    f"SELECT DISTINCT '{{purge}}', 'response', response_id FROM {_SPANS} WHERE response_id != '' AND trace_id IN "
    "(SELECT id FROM purge_marks WHERE purge = '{purge}' AND kind = 'trace')"
)

_ANY: Final = "SELECT count() FROM purge_marks WHERE purge = '{purge}'"


def repeat(client: Client) -> None:
    """Carry out all recorded purges in the new tables.

    Raises:
        StoreError: the store failed a statement.
    """
    name = uuid.uuid4().hex
    searches = [_KNOWN, *(_RECOGNISED.replace("{kind}", kind) for kind in _PERSONS)]
    replayed = {rows.table for rows in ROWS}
    try:
        with store_errors("looking for what was purged before"):
            for search in (*searches, _RESPONSES):
                purge.mark(client, search.format(purge=name))
            if not client.query(_ANY.format(purge=name)).result_rows[0][0]:
                return  # a change of rows plans and rewrites whole columns, however few it means
        holdings = [holding for holding in HOLDINGS if holding.table in replayed]
        purge.carry_out(client, name, holdings, suffix=NEW)
    finally:
        purge.forget(client, name)
