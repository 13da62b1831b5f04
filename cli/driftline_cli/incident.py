"""``driftline incident``: what a post-mortem begins with."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from driftline.errors import DriftlineError
from driftline_alerts.postmortem.page import render
from driftline_alerts.postmortem.read import known, read
from driftline_store.client import connect
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from pathlib import Path

    from driftline.settings import Settings


def export(settings: Settings, incident: str, out: Path | None) -> None:
    """Print an incident's page, or write it to a new file.

    Args:
        settings: with the store.
        incident: its id.
        out: the file; None to print it.

    Raises:
        DriftlineError: there is no such incident, the file exists already or cannot be written.
        StoreError: the store cannot be used.
    """
    with closing(connect(settings)) as client:
        history = read(client, incident, datetime.now(UTC))
        if history is None:
            ids = known(client)
            hint = f"{closest(incident, ids)} (the latest)" if ids else "there is none"
            raise DriftlineError(f"incident {incident!r} is unknown; {hint}")
    page = render(history)
    if out is None:
        typer.echo(page, nl=False)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(page)
    except FileExistsError:
        raise DriftlineError(
            f"the file {out} exists already, perhaps with what people wrote; name another one"
        ) from None
    except OSError as error:
        raise DriftlineError(f"the file {out} cannot be written: {error.strerror}; name another one") from None
    typer.echo(f"incident {incident} is in {out}")
