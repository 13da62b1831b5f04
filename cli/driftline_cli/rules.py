"""``driftline rules``: what ``alerts.yaml`` says, whether it is right, and what it would have found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from driftline_cli.options import load

app = typer.Typer(no_args_is_help=True, help="What is watched, and who is told of it.")

AlertsYaml = Annotated[
    Path | None, typer.Argument(help="An alerts.yaml.", show_default="the one in force", dir_okay=False)
]


@app.command("check")
def check(file: AlertsYaml = None) -> None:
    """Read the file as the alert worker does: all mistakes at once, with line and column."""
    from driftline_alerts.alerts_file import load_file  # noqa: PLC0415 - commands start fast

    found = load_file(load(alerts_file=str(file) if file else None))
    counts = (
        (len(found.rules), "rules"),
        (len(found.review), "review rules"),
        (len(found.channels), "channels"),
        (len(found.routes), "routes"),
    )
    typer.echo(f"right: {', '.join(f'{number} {what}' for number, what in counts)}")


@app.command("test")
def try_channels(
    *,
    channel: Annotated[
        list[str] | None, typer.Option(help="Only this channel; again for more.", show_default="all")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="An alerts.yaml.", show_default="the one in force")] = None,
) -> None:
    """Send a sample to each channel, and say what came of it."""
    from driftline_alerts.alerts_file import load_file  # noqa: PLC0415
    from driftline_alerts.notifiers import notifiers  # noqa: PLC0415
    from driftline_cli.rules_test import send_samples  # noqa: PLC0415

    settings = load(alerts_file=str(file) if file else None)
    send_samples(notifiers(settings, load_file(settings).channels), channel or ())
