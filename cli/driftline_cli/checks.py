"""``driftline checks``: the rules that every answer is checked by."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from driftline_cli.options import DataDir, StoreUrl, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clickhouse_connect.driver.client import Client

    from driftline_processors.checks import Check

app = typer.Typer(no_args_is_help=True, help="Rules that every answer is checked by, from the next span on.")


@contextmanager
def _store(data_dir: Path | None, store: str | None) -> Iterator[Client]:
    from driftline_store.client import connect, store_errors  # noqa: PLC0415 - commands import only their own part

    client = connect(load(data_dir=data_dir, store=store))
    try:
        with store_errors("changing the checks"):
            yield client
    finally:
        client.close()


@app.command("list")
def show(data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Show the rules in force."""
    from driftline_processors import checks  # noqa: PLC0415

    with _store(data_dir, store) as client:
        found = checks.active(client)
    shown = Table("name", "kind", "feature", "rule", box=None)
    for check in found:
        shown.add_row(check.name, check.kind, check.feature or "all", _rule(check))
    Console().print(shown)


def _rule(check: Check) -> str:
    if check.kind == "length":
        return f"{check.shortest:,} to {check.longest:,} characters"
    return check.pattern or "can be parsed as JSON"


@app.command("set")
def put(
    name: Annotated[str, typer.Argument(help="Of the rule; for a fallback the reason that is recorded.")],
    *,
    kind: Annotated[str, typer.Option(help="fallback, forbidden, required, length or json.")],
    feature: Annotated[str, typer.Option(help="The feature that it is for.", show_default="all")] = "",
    pattern: Annotated[str, typer.Option(help="Regular expression, any case.")] = "",
    shortest: Annotated[int, typer.Option(help="Fewest characters.")] = 0,
    longest: Annotated[int, typer.Option(help="Most characters.", show_default="no limit")] = 2**64 - 1,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Add a rule, or change the one of that name."""
    from driftline_processors import checks  # noqa: PLC0415

    with _store(data_dir, store) as client:
        checks.put(client, checks.Check(name, kind, feature, pattern, shortest, longest))
    typer.echo(f"{name} holds from the next span on")


@app.command()
def remove(name: str, data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Take a rule out of force."""
    from driftline_processors import checks  # noqa: PLC0415

    with _store(data_dir, store) as client:
        checks.remove(client, name)
    typer.echo(f"{name} is out of force from the next span on")
