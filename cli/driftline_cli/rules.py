"""``driftline rules``: what ``alerts.yaml`` says, whether it is right, and what it would have found."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from driftline.errors import DriftlineError
from driftline_cli.options import AsJson, DataDir, StoreUrl, load

app = typer.Typer(no_args_is_help=True, help="What is watched, and who is told of it.")

AlertsYaml = Annotated[
    Path | None, typer.Argument(help="An alerts.yaml.", show_default="the one in force", dir_okay=False)
]


@app.command("check")
def check(
    file: AlertsYaml = None,
    *,
    is_without_secrets: Annotated[
        bool, typer.Option("--without-secrets", help="Channels' variables need not be set here, as where CI runs.")
    ] = False,
) -> None:
    """Read the file as the alert worker does: all mistakes at once, with line and column."""
    from driftline_alerts.alerts_file import load_file  # noqa: PLC0415 - commands start fast
    from driftline_alerts.channels.config import without_secrets  # noqa: PLC0415

    with without_secrets() if is_without_secrets else contextlib.nullcontext():
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


@app.command("preview")
def preview(
    file: AlertsYaml = None,
    *,
    days: Annotated[int, typer.Option(help="How far back, in days.", min=1, max=90)] = 14,
    every: Annotated[str, typer.Option(help="Time between two looks, such as 5m or 1h.")] = "1h",
    only: Annotated[str, typer.Option("--rule", help="Name of one rule.", show_default="all")] = "",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Show what would have fired on what is stored: all rules evaluated again, as the alert worker does."""
    from driftline_alerts.alerts_file import load_rules  # noqa: PLC0415 - commands start fast
    from driftline_alerts.limit import parse_duration  # noqa: PLC0415
    from driftline_alerts.preview import moments, replay  # noqa: PLC0415
    from driftline_cli import rules_text  # noqa: PLC0415
    from driftline_store.client import connect  # noqa: PLC0415

    settings = load(alerts_file=str(file) if file else None, data_dir=data_dir, store=store)
    try:
        pause = parse_duration(every)
    except ValueError as error:
        raise DriftlineError(f"--every {error}") from None
    rules = [rule for rule in load_rules(settings) if only in {"", rule.name}]
    if not rules:
        raise DriftlineError(f"no rule is named {only!r}; see driftline rules check")
    about_us = [rule.name for rule in rules if rule.is_system]
    rules = [rule for rule in rules if not rule.is_system]
    until = datetime.now(UTC).replace(second=0, microsecond=0)
    since = until - timedelta(days=days)
    looks = moments(since, until, pause)
    with (
        contextlib.closing(connect(settings)) as client,
        typer.progressbar(length=len(looks), label="looking back", file=sys.stderr) as bar,
    ):
        episodes = replay(client, rules, looks, lambda _: bar.update(1))
    if as_json:
        rules_text.print_json(episodes, since, until, pause, about_us)
    else:
        rules_text.print_preview(episodes, rules, since, until, about_us)
