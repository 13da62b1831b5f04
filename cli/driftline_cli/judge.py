"""``driftline judge``: the part that scores, and questions about it."""

from __future__ import annotations

import typer

from driftline_cli.options import BusUrl, ConfigOption, DataDir, StoreUrl, load
from driftline_cli.part import run_part

app = typer.Typer(help="Score the sampled requests; or ask what that would cost.")


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
