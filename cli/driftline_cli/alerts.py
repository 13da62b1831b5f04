"""``driftline alerts``: what is wrong now, and who looks after it."""

from __future__ import annotations

from typing import Annotated

import typer

from driftline_cli.options import AsJson, DataDir, StoreUrl, load

app = typer.Typer(no_args_is_help=True, help="What is wrong now, and who looks after it.")

Incident = Annotated[str, typer.Argument(help="As `driftline alerts list` names it.")]
Why = Annotated[str, typer.Option(help="In a few words; stored, and told to the others.")]


@app.command("list")
def show(*, as_json: AsJson = False, data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """List the alerts that are open, or about to be."""
    from driftline_cli.open_alerts import show  # noqa: PLC0415 - commands start fast

    show(load(data_dir=data_dir, store=store), as_json=as_json)


@app.command()
def ack(incident: Incident, *, why: Why = "", data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Say that you look after an incident: nobody else is called for it."""
    from driftline_cli.open_alerts import acknowledge  # noqa: PLC0415

    acknowledge(load(data_dir=data_dir, store=store), incident, why)


@app.command()
def silence(
    incident: Annotated[str, typer.Argument(help="Only this one.", show_default="any")] = "",
    *,
    rule: Annotated[str, typer.Option(help="Only alerts of this rule.", show_default="any")] = "",
    feature: Annotated[str, typer.Option(help="Only of this feature.", show_default="any")] = "",
    environment: Annotated[str, typer.Option(help="Only of this environment.", show_default="any")] = "",
    model: Annotated[str, typer.Option(help="Only of this model.", show_default="any")] = "",
    prompt_version: Annotated[str, typer.Option(help="Only of this prompt version.", show_default="any")] = "",
    length: Annotated[str, typer.Option("--for", help="How long: 30m, 4h, 2d; 0m takes it back.")] = "1h",
    why: Why = "",
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Let nobody be told of something for a while; it is still watched, stored and shown."""
    from driftline_cli.open_alerts import silence  # noqa: PLC0415

    segment = {"environment": environment, "feature": feature, "model": model, "prompt_version": prompt_version}
    settings = load(data_dir=data_dir, store=store)
    silence(settings, incident=incident, rule=rule, segment=segment, length=length, why=why)
