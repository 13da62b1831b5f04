"""The commands of ``driftline``: one a part, and those that start several."""

from __future__ import annotations

import importlib.util
import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from driftline.errors import MissingExtraError
from driftline_cli.alerts import app as alerts_app
from driftline_cli.anchors import app as anchors_app
from driftline_cli.checks import app as checks_app
from driftline_cli.dead_letters import app as dead_letters
from driftline_cli.evaluators import app as evaluators
from driftline_cli.judge import app as judge_app
from driftline_cli.labels import app as labels_app
from driftline_cli.options import AsJson, BusUrl, DataDir, DaysBack, OutFile, StoreUrl, load
from driftline_cli.part import PARENT, run_part, set_up_logging
from driftline_cli.rules import app as rules_app

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Driftline notices when an LLM feature gets worse. Every option is also a setting: see docs/settings.md.",
)
app.add_typer(alerts_app, name="alerts")
app.add_typer(checks_app, name="checks")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(anchors_app, name="anchors")
app.add_typer(labels_app, name="labels")
app.add_typer(evaluators, name="evaluators")
app.add_typer(judge_app, name="judge")
app.add_typer(rules_app, name="rules")

ReceiverPort = Annotated[int | None, typer.Option(help="Port of the OTLP/HTTP receiver.", show_default="4318")]
Port = Annotated[int | None, typer.Option(help="Port of the dashboard.", show_default="8501")]
Seconds = Annotated[float | None, typer.Option(help="End by itself after this time.", show_default="until Ctrl-C")]
Days = Annotated[int, typer.Option(help="How far back calls are counted, in days.", min=1, max=400)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")]
Program = Annotated[list[str], typer.Argument(help="A .py file, or -m and a module, or a command; and its arguments.")]
Browser = Annotated[bool, typer.Option(help="Open the dashboard in a browser.")]


@app.command()
def up(
    data_dir: DataDir = None,
    bus: BusUrl = None,
    store: StoreUrl = None,
    port: Port = None,
    receiver_port: ReceiverPort = None,
) -> None:
    """Run everything on this machine: store, receiver, ingest, judge, alerts and dashboard."""
    from driftline_cli.up import run  # noqa: PLC0415 - commands start fast by importing only their own part

    run(load(data_dir=data_dir, bus=bus, store=store, dashboard_port=port, receiver_port=receiver_port))


@app.command()
def demo(seconds: Seconds = None, browser: Browser = True, port: Port = None) -> None:
    """See it work: a simulated support bot gets worse part-way, and a Slack message says so."""
    from driftline_cli.demo import run  # noqa: PLC0415

    raise typer.Exit(run(seconds=seconds, browser=browser, port=port))


@app.command()
def store(data_dir: DataDir = None) -> None:
    """Run the embedded store, which owns the data folder and serves ClickHouse's HTTP interface on loopback."""
    from driftline_store.embedded import serve  # noqa: PLC0415

    # It minds signals and its parent by itself, since it has to close the engine in between.
    set_up_logging()
    serve(load(data_dir=data_dir).data_path, with_parent=PARENT in os.environ)


@app.command()
def receive(data_dir: DataDir = None, bus: BusUrl = None, receiver_port: ReceiverPort = None) -> None:
    """Take traces and logs from any OpenTelemetry SDK over OTLP/HTTP and put them on the bus."""
    from driftline.receiver.serve import run  # noqa: PLC0415

    run_part(run, load(data_dir=data_dir, bus=bus, receiver_port=receiver_port))


@app.command()
def ingest(data_dir: DataDir = None, bus: BusUrl = None, store: StoreUrl = None) -> None:
    """Move messages from the bus into the store."""
    from driftline_processors.ingest_worker import run  # noqa: PLC0415

    run_part(run, load(data_dir=data_dir, bus=bus, store=store))


@app.command()
def alert(data_dir: DataDir = None, bus: BusUrl = None, store: StoreUrl = None) -> None:
    """Evaluate the alert rules and tell Slack."""
    from driftline_alerts.worker import run  # noqa: PLC0415

    run_part(run, load(data_dir=data_dir, bus=bus, store=store))


@app.command()
def dashboard(data_dir: DataDir = None, store: StoreUrl = None, port: Port = None) -> None:
    """Serve the dashboard."""
    # It runs in a process of its own, which would say so less clearly.
    if importlib.util.find_spec("streamlit") is None:
        raise MissingExtraError("the dashboard", "streamlit")
    from driftline_dashboard.serve import run  # noqa: PLC0415

    run_part(run, load(data_dir=data_dir, store=store, dashboard_port=port))


@app.command(context_settings={"ignore_unknown_options": True}, add_help_option=False)
def run(program: Program) -> None:
    """Run a Python program and record its calls of models, without touching its code."""
    from driftline.run import main  # noqa: PLC0415

    main(program)


@app.command()
def status(data_dir: DataDir = None, bus: BusUrl = None, store: StoreUrl = None) -> None:
    """Say what runs, how much is stored and what waits on the bus."""
    from driftline_cli.status import show  # noqa: PLC0415

    show(load(data_dir=data_dir, bus=bus, store=store))


@app.command()
def event(
    text: Annotated[str, typer.Argument(help="What happened, in a line.")],
    *,
    kind: Annotated[str, typer.Option(help="What kind of change it is.")] = "deploy",
    feature: Annotated[str, typer.Option(help="The feature that it is about.", show_default="all")] = "",
    environment: Annotated[str, typer.Option(help="The environment that it is in.", show_default="all")] = "",
    at: Annotated[
        str | None, typer.Option(help="When: 2026-11-20T08:00 (UTC), or 90m, 6h, 2d ago.", show_default="now")
    ] = None,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Tell drift detection that something changed, so that it looks closer and can say so."""
    from driftline_cli.events import tell  # noqa: PLC0415

    where = {"environment": environment, "feature": feature}
    tell(load(data_dir=data_dir, store=store), text, kind=kind, at=at, segment=where)


@app.command()
def events(
    days: DaysBack = 30,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """List what changed in the application, as it was told or noticed in its spans."""
    from driftline_cli.events import show  # noqa: PLC0415

    show(load(data_dir=data_dir, store=store), days, as_json=as_json)


@app.command()
def monitors(
    *,
    metric: Annotated[list[str] | None, typer.Option(help="Only this one; again for more.", show_default="all")] = None,
    feature: Annotated[str, typer.Option(help="Only streams of this feature.", show_default="all")] = "",
    most: Annotated[int, typer.Option(help="Streams at most, those with most traffic first.", min=1)] = 20,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Say what drift detection promises: how often it errs, what it finds, and how soon."""
    from driftline_cli.monitors import show  # noqa: PLC0415

    show(load(data_dir=data_dir, store=store), metric or [], feature=feature, most=most, as_json=as_json)


@app.command()
def incidents(
    days: DaysBack = 30,
    *,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """List the incidents of drift detection and of rules, the latest first."""
    from driftline_cli.incidents import show  # noqa: PLC0415

    show(load(data_dir=data_dir, store=store), days, as_json=as_json)


@app.command()
def incident(
    incident: Annotated[str, typer.Argument(help="As `driftline incidents` or a message names it.")],
    *,
    out: OutFile = None,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Write down all that is known of an incident, as Markdown: timeline, figures, charts and examples."""
    from driftline_cli.incident import export  # noqa: PLC0415

    export(load(data_dir=data_dir, store=store), incident, out)


@app.command()
def accept(
    incident: Annotated[str, typer.Argument(help="As `driftline incidents` names it.")],
    *,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Take the level that an incident has led to for the new normal."""
    from driftline_cli.incidents import accept_incident  # noqa: PLC0415

    accept_incident(load(data_dir=data_dir, store=store), incident)


@app.command()
def learn(
    since: Annotated[str, typer.Option(help="Begin: 2026-11-20T08:00 (UTC), or 90m, 6h, 2d ago.")],
    until: Annotated[str, typer.Option(help="End, likewise.")],
    *,
    metric: Annotated[str, typer.Option(help="Only this one.", show_default="all")] = "",
    feature: Annotated[str, typer.Option(help="Only streams of this feature.", show_default="all")] = "",
    environment: Annotated[str, typer.Option(help="Only streams of this environment.", show_default="all")] = "",
    prompt_version: Annotated[str, typer.Option(help="Only streams of this version.", show_default="all")] = "",
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Take what was in a time that you choose for normal, from now on."""
    from driftline_cli.incidents import learn_from  # noqa: PLC0415

    where = {"environment": environment, "feature": feature, "prompt_version": prompt_version}
    learn_from(load(data_dir=data_dir, store=store), where, metric, since, until)


prices_app = typer.Typer(help="List by which prices calls are priced, and the models without one.")
app.add_typer(prices_app, name="prices")


@prices_app.callback(invoke_without_command=True)
def prices(context: typer.Context, data_dir: DataDir = None, store: StoreUrl = None, days: Days = 30) -> None:
    """List by which prices the calls of the last days are priced, and the models without a price."""
    from driftline_cli.prices import show  # noqa: PLC0415

    if context.invoked_subcommand is None:
        show(load(data_dir=data_dir, store=store), days)


@prices_app.command("reload")
def reload_prices(data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Take over the price file at once, instead of within a minute, and price the calls that came before."""
    from driftline_cli.prices import reload  # noqa: PLC0415

    reload(load(data_dir=data_dir, store=store))


@app.command()
def compare(
    *,
    a: Annotated[list[str] | None, typer.Option("--a", help="The one, such as prompt_version=v4; repeatable.")] = None,
    b: Annotated[list[str] | None, typer.Option("--b", help="The other, such as prompt_version=v5.")] = None,
    feature: Annotated[str | None, typer.Option(help="Only this feature, of both.", show_default="all")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Begin of both: 2026-11-20T08:00 (UTC), or 14d ago.",
            show_default="the first hour that has both",
        ),
    ] = None,
    hours: Annotated[
        int | None, typer.Option(help="Instead: how far back from the end of each; for one look.", min=1, max=9600)
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="What to compare; repeatable.", show_default="the usual five")
    ] = None,
    a_from: Annotated[str | None, typer.Option(help="Begin of A: 2026-11-20T08:00 (UTC), or 14d ago.")] = None,
    a_until: Annotated[str | None, typer.Option(help="End of A.", show_default="now")] = None,
    b_from: Annotated[str | None, typer.Option(help="Begin of B.")] = None,
    b_until: Annotated[str | None, typer.Option(help="End of B.", show_default="now")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Compare two versions, models, variants or periods: which is better, or how long until that is known."""
    from driftline_cli.compare import asked, run  # noqa: PLC0415

    now = datetime.now(UTC)
    common = {} if feature is None else {"feature": feature}
    first = asked(a or (), common, (a_from or since, a_until), hours, now)
    second = asked(b or (), common, (b_from or since, b_until), hours, now)
    run(load(data_dir=data_dir, store=store), first, second, metric or (), as_json=as_json)


@app.command()
def migrate(data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Bring the store's schema and views up to date, while no ingest runs."""
    from driftline_processors.prepare import prepare  # noqa: PLC0415

    prepare(load(data_dir=data_dir, store=store), replace_views=True).close()
    typer.echo("the store is up to date")


@app.command()
def purge(
    *,
    user: Annotated[str | None, typer.Option(help="Id of the user whose traces are meant.")] = None,
    session: Annotated[str | None, typer.Option(help="Id of the session that is meant.")] = None,
    trace: Annotated[str | None, typer.Option(help="Id of the trace that is meant, in hexadecimal.")] = None,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Remove what is stored about a user, session or trace: content, attributes and ids of persons."""
    from driftline_cli.purge import run, subject  # noqa: PLC0415

    def confirm() -> bool:
        return yes or typer.confirm("remove this? It cannot be undone")

    run(
        load(data_dir=data_dir, store=store),
        subject(user=user, session=session, trace=trace),
        dry_run=dry_run,
        confirm=confirm,
    )


@app.command()
def replay(
    *,
    since: Annotated[
        str, typer.Option("--from", help="Bus time of the first message: 2026-11-20T08:00 (UTC), or 6h, 2d ago.")
    ],
    until: Annotated[
        str | None, typer.Option("--to", help="Bus time before which the last one came.", show_default="now")
    ] = None,
    dry_run: DryRun = False,
    data_dir: DataDir = None,
    bus: BusUrl = None,
    store: StoreUrl = None,
) -> None:
    """Derive tables again from messages on the bus, after conventions, patterns or prices changed."""
    from driftline_cli.replay import run  # noqa: PLC0415

    run(load(data_dir=data_dir, bus=bus, store=store), since, until, dry_run=dry_run)
