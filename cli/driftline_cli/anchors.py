"""``driftline anchors``: answers with scores by people, by which the judge is watched."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - typer reads it
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from driftline_cli.options import DataDir, StoreUrl, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

app = typer.Typer(no_args_is_help=True, help="Answers that people have scored, which the judge scores again and again.")

Score = Annotated[float, typer.Option(help="By people, from 0 (bad) to 1 (good).", min=0, max=1)]

_SHOWN: Final = 60


@contextmanager
def _store(data_dir: Path | None, store: str | None) -> Iterator[Client]:
    from driftline_store.client import connect  # noqa: PLC0415 - commands import only their own part

    client = connect(load(data_dir=data_dir, store=store))
    try:
        yield client
    finally:
        client.close()


@app.command("list")
def show(data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Show the anchors in force."""
    from driftline_processors.judge.anchors import anchors  # noqa: PLC0415
    from driftline_store.content import plain_text  # noqa: PLC0415

    with _store(data_dir, store) as client:
        found = anchors(client)
    shown = Table("id", "score", "answer", "note", box=None)
    for one in found:
        shown.add_row(one.id, f"{one.score:.2f}", plain_text(one.output)[:_SHOWN], one.note)
    Console().print(shown)


@app.command()
def add(
    trace: Annotated[str, typer.Argument(help="Id of the request's trace, in hexadecimal.")],
    *,
    score: Score,
    note: Annotated[str, typer.Option(help="Why, or by whom.")] = "",
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Make a stored request an anchor; its content is copied, so that it outlives the request."""
    from driftline_processors.judge.anchors import of_trace, put  # noqa: PLC0415

    with _store(data_dir, store) as client:
        put(client, [of_trace(client, trace.strip().lower(), score, note)])
    typer.echo(f"{trace} is an anchor now")


@app.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(help="JSONL: objects with id, output, score, and input, system, note.")],
    data_dir: DataDir = None,
    store: StoreUrl = None,
) -> None:
    """Take anchors from a file; those of the same id are replaced."""
    from driftline_processors.judge.anchors import put, read_file  # noqa: PLC0415

    found = list(read_file(file))
    with _store(data_dir, store) as client:
        put(client, found)
    typer.echo(f"{len(found)} anchors were taken from {file}")


@app.command()
def remove(
    anchor: Annotated[str, typer.Argument(help="Its id.")], data_dir: DataDir = None, store: StoreUrl = None
) -> None:
    """Let an anchor be judged no more, and forget its content; its scores stay."""
    from dataclasses import replace  # noqa: PLC0415

    from driftline_processors.judge.anchors import AnchorError, anchors, put  # noqa: PLC0415

    with _store(data_dir, store) as client:
        found = [one for one in anchors(client) if one.id == anchor]
        if not found:
            raise AnchorError(f"there is no anchor {anchor!r}; see driftline anchors list")
        put(client, [replace(one, system="", input="", output="", note="") for one in found], active=False)
    typer.echo(f"{anchor} is no anchor any more")
