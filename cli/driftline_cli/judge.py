"""``driftline judge``: the part that scores, and questions about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from driftline_cli.options import BusUrl, ConfigOption, DataDir, StoreUrl, load
from driftline_cli.part import run_part

if TYPE_CHECKING:
    from driftline.settings import Settings

app = typer.Typer(help="Score the sampled requests; or ask what that would cost, or what became of one.")

Trace = Annotated[str, typer.Argument(help="Id of the trace, in hexadecimal.")]


@app.callback(invoke_without_command=True)
def judge(context: typer.Context, data_dir: DataDir = None, bus: BusUrl = None, store: StoreUrl = None) -> None:
    """Score the sampled requests."""
    from driftline_processors.judge.worker import run  # noqa: PLC0415 - commands import only their own part

    if context.invoked_subcommand is None:
        run_part(run, load(data_dir=data_dir, bus=bus, store=store))


@app.command()
def estimate(file: ConfigOption = None, data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Say what judging would cost, on the traffic of the last week, before it does."""
    from driftline_cli.judge_estimate import show  # noqa: PLC0415

    show(load(data_dir=data_dir, store=store, evaluators_file=str(file) if file else None))


@app.command()
def why(trace: Trace, data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Say for a trace what score it has, or why it has none."""
    _why(load(data_dir=data_dir, store=store), trace.strip().lower())


@app.command()
def again(
    *,
    evaluator: Annotated[str, typer.Option(help="Name of the evaluator whose requests are judged once more.")],
    since: Annotated[
        str, typer.Option("--from", help="Start of the first request: 2026-11-20T08:00 (UTC), or 6h, 2d ago.")
    ],
    until: Annotated[
        str | None, typer.Option("--to", help="Start before which the last one began.", show_default="now")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Name of the run.", show_default="again and the time")] = None,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Judge once more what was judged in a time, by the rubric and model of now; the old scores stay."""
    from driftline_cli.replay import moment  # noqa: PLC0415
    from driftline_processors.judge.again import judge_again  # noqa: PLC0415
    from driftline_store.client import connect  # noqa: PLC0415

    begin, end = (datetime.fromtimestamp(moment(text), UTC) for text in (since, until or "0s"))
    name = run or f"again {datetime.now(UTC):%Y-%m-%dT%H:%M}"
    client = connect(load(data_dir=data_dir, store=store))
    try:
        found = judge_again(client, evaluator, since=begin, until=end, run=name)
    finally:
        client.close()
    typer.echo(f"{found:,} are judged again by {evaluator}, as the run {name!r}, while driftline judge runs")


def _why(settings: Settings, trace: str) -> None:
    from driftline_processors.judge import accounting  # noqa: PLC0415
    from driftline_store.client import connect  # noqa: PLC0415

    client = connect(settings)
    try:
        accounts = accounting.why(client, trace)
    finally:
        client.close()
    if not accounts:
        typer.echo(f"the store has no trace {trace}, or no evaluator was ever in force")
        raise typer.Exit(1)
    table = Table("evaluator", "state", "why", box=None)
    for account in accounts:
        table.add_row(account.evaluator, account.state, account.why)
    Console().print(table)
