"""``driftline purge``: removes what is stored about one user, session or trace."""

from __future__ import annotations

import getpass
import socket
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from driftline.errors import DriftlineError
from driftline_store import purge
from driftline_store.client import connect
from driftline_store.holdings import HOLDINGS
from driftline_store.purge import Subject

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from driftline.settings import Settings
    from driftline_store.purge import Kind

_REMAINS: Final = """\
Not reached by this: the messages on the bus, until their retention ends ({bus}); backups; what was sent to the \
judge's model. Spans that arrive from now on are stored as always."""


def subject(**given: str | None) -> Subject:
    """The one thing that was named.

    Args:
        given: kind -> id, or None where it was not named.

    Raises:
        DriftlineError: none or several were named.
    """
    named: dict[Kind, str] = {kind: value for kind, value in given.items() if value}  # type: ignore[misc]
    if len(named) != 1:
        raise DriftlineError(
            f"purge takes exactly one of --user, --session and --trace but {len(named)} were given; "
            "run it once for each"
        )
    [(kind, value)] = named.items()
    return Subject(kind, value.lower() if kind == "trace" else value)


def run(settings: Settings, who: Subject, *, dry_run: bool, confirm: Callable[[], bool]) -> None:
    """Show what is stored about the subject and remove it.

    Args:
        settings: where the store is.
        who: the subject.
        dry_run: only show.
        confirm: asked before anything is removed.

    Raises:
        DriftlineError: the store cannot be reached or failed a statement; repeating is safe.
    """
    console = Console(highlight=False)
    client = connect(settings)
    try:
        found = purge.find(client, who)
        try:
            rows = purge.count(client, found)
            console.print(_table(rows))
            if dry_run or not confirm():
                console.print("nothing was changed")
                return
            purge.record(client, found, who, f"{getpass.getuser()}@{socket.gethostname()}", rows)
            purge.carry_out(client, found)
        finally:
            purge.forget(client, found)
    finally:
        client.close()
    console.print(f"done; {sum(rows.values()):,} rows were emptied or deleted", _REMAINS.format(bus=_bus(settings)))


def _table(rows: Mapping[str, int]) -> Table:
    table = Table("table", "rows", "what happens to them", box=None)
    for holding in HOLDINGS:
        what = f"emptied: {', '.join(holding.emptied)}" if holding.emptied else "deleted"
        table.add_row(holding.table, f"{rows[holding.table]:,}", what)
    return table


def _bus(settings: Settings) -> str:
    if settings.bus_url.startswith("sqlite"):
        return f"{settings.bus_retention_hours:g} hours after they were stored, see bus_retention_hours"
    return "retention.ms of the topics otlp_spans and otlp_logs"
