"""``driftline dead-letters``: look at messages that could not be stored, and send them again."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from driftline_cli.options import BusUrl, DataDir, StoreUrl, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline_processors.dead_letters import Letter
    from driftline_store.client import Client

app = typer.Typer(
    no_args_is_help=True, help="Messages that could not be stored: list, show, export, send again, discard."
)

Place = Annotated[str, typer.Argument(help="topic/partition/offset, as the list shows it.")]
Places = Annotated[list[str] | None, typer.Argument(help="topic/partition/offset of each letter.")]
Topic = Annotated[str, typer.Option(help="Only letters of this topic.", show_default="all")]
Closed = Annotated[bool, typer.Option("--all", help="Also those that were sent again or discarded.")]
Limit = Annotated[int, typer.Option(help="Most letters to list.", min=1)]
Every = Annotated[bool, typer.Option("--all", help="Every open letter.")]
Fixed = Annotated[Path | None, typer.Option("--file", help="Send the bytes of this file in place of the letter's own.")]
Force = Annotated[bool, typer.Option("--force", help="Also if it was sent before or cannot be read.")]
Into = Annotated[Path, typer.Argument(help="File to write.")]


@contextlib.contextmanager
def _store(data_dir: Path | None, store: str | None) -> Iterator[Client]:
    from driftline_store.client import connect  # noqa: PLC0415 - commands start fast by importing only their own part

    with contextlib.closing(connect(load(data_dir=data_dir, store=store))) as client:
        yield client


@app.command("list")
def show_list(
    data_dir: DataDir = None, store: StoreUrl = None, topic: Topic = "", closed: Closed = False, limit: Limit = 50
) -> None:
    """Count the open letters by topic and error, and list the newest."""
    from driftline_cli import dead_letters_text as text  # noqa: PLC0415
    from driftline_processors import dead_letters  # noqa: PLC0415

    with _store(data_dir, store) as client:
        text.overview(
            dead_letters.groups(client), dead_letters.letters(client, closed=closed, topic=topic, limit=limit)
        )


@app.command()
def show(place: Place, data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Show one letter: its error, where it breaks, and as much of it as can be read."""
    from driftline_cli import dead_letters_text as text  # noqa: PLC0415
    from driftline_processors import dead_letters  # noqa: PLC0415

    with _store(data_dir, store) as client:
        letter = dead_letters.find(client, place)
        text.letter(letter, dead_letters.value_of(client, letter))


@app.command()
def export(place: Place, file: Into, data_dir: DataDir = None, store: StoreUrl = None) -> None:
    """Write the bytes of one letter to a file."""
    from driftline_processors import dead_letters  # noqa: PLC0415

    with _store(data_dir, store) as client:
        value = dead_letters.value_of(client, dead_letters.find(client, place))
    try:
        file.write_bytes(value)
    except OSError as error:
        raise dead_letters.DeadLetterError(f"{file} cannot be written: {error.strerror}; name another file") from None
    typer.echo(f"{len(value)} bytes written to {file}")


@app.command()
def resend(  # noqa: PLR0917 - typer calls it by name
    places: Places = None,
    data_dir: DataDir = None,
    bus: BusUrl = None,
    store: StoreUrl = None,
    every: Every = False,
    topic: Topic = "",
    file: Fixed = None,
    force: Force = False,
) -> None:
    """Put letters back on the bus, as they are or mended; each is stored once."""
    from driftline.bus import open_bus  # noqa: PLC0415
    from driftline_processors.dead_letters import DeadLetterError  # noqa: PLC0415
    from driftline_processors.resend import resend as send  # noqa: PLC0415

    fixed = _read(file, places)
    settings = load(data_dir=data_dir, bus=bus, store=store)
    with (
        _store(data_dir, store) as client,
        open_bus(settings.bus_url, max_message_bytes=settings.max_message_bytes) as opened,
        contextlib.closing(opened.producer()) as producer,
    ):
        chosen = _chosen(client, places, topic, every=every)
        refused = 0
        for letter in chosen:
            try:
                send(client, producer, letter, fixed=fixed, force=force)
            except DeadLetterError as error:
                if len(chosen) == 1:
                    raise
                refused += 1
                typer.echo(str(error), err=True)
            else:
                typer.echo(f"{letter.place} was sent to {letter.topic}")
    if refused:
        raise DeadLetterError(f"{refused} of {len(chosen)} dead letters were not sent, for the reasons above")


@app.command()
def discard(
    places: Places = None,
    data_dir: DataDir = None,
    store: StoreUrl = None,
    every: Every = False,
    topic: Topic = "",
) -> None:
    """Close letters that are of no use; their bytes stay, and they can still be sent with --force."""
    from driftline_processors import dead_letters  # noqa: PLC0415

    with _store(data_dir, store) as client:
        chosen = _chosen(client, places, topic, every=every)
        if chosen:
            dead_letters.note(client, chosen, "discarded")
    typer.echo(f"{len(chosen)} discarded")


def _read(file: Path | None, places: list[str] | None) -> bytes | None:
    from driftline_processors.dead_letters import DeadLetterError  # noqa: PLC0415

    if file is None:
        return None
    if places is None or len(places) != 1:
        raise DeadLetterError("--file holds the bytes of one message; name the one letter that they are for")
    try:
        return file.read_bytes()
    except OSError as error:
        raise DeadLetterError(f"{file} cannot be read: {error.strerror}; name a file with the mended bytes") from None


def _chosen(client: Client, places: list[str] | None, topic: str, *, every: bool) -> list[Letter]:
    """The letters that were named, or every open one, the oldest first."""
    from driftline_processors import dead_letters  # noqa: PLC0415

    if every == bool(places):
        raise dead_letters.DeadLetterError("name either the places of letters, such as otlp_spans/0/42, or --all")
    if every:
        return dead_letters.letters(client, topic=topic)[::-1]
    return [dead_letters.find(client, place) for place in dict.fromkeys(places or ())]
