"""Options that several commands share, and how they become settings."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from driftline import settings as table

if TYPE_CHECKING:
    from driftline.settings import Settings

DataDir = Annotated[
    Path | None, typer.Option(help="Folder of the embedded bus and store.", show_default="~/.driftline")
]
BusUrl = Annotated[
    str | None,
    typer.Option("--bus", help="sqlite:///path/bus.db or kafka://host:9092", show_default="in the data folder"),
]
StoreUrl = Annotated[
    str | None, typer.Option("--store", help="clickhouse://user:pass@host:8443/db", show_default="embedded")
]

ConfigFile = Annotated[
    Path | None, typer.Argument(help="An evaluators.yaml.", show_default="the one in force", dir_okay=False)
]
ConfigOption = Annotated[
    Path | None, typer.Option("--file", help="An evaluators.yaml.", show_default="the one in force", dir_okay=False)
]
DaysBack = Annotated[int, typer.Option("--days", help="How far back, in days.", min=1, max=4000)]
OutFile = Annotated[
    Path | None, typer.Option(help="File to write to; it must not exist yet.", show_default="printed", dir_okay=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def user_name() -> str:
    """Who gives a command, for what is stored about it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without names
        return "somebody"


def load(**arguments: Any) -> Settings:
    """The settings, with the options that were given.

    Raises:
        SettingsError: a value cannot be used.
    """
    data_dir = arguments.pop("data_dir", None)
    return table.load(data_dir=str(data_dir) if data_dir else None, **arguments)
