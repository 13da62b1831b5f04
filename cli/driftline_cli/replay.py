"""``driftline replay``: derives tables again from messages on the bus, and swaps them for the live ones."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from driftline.bus import open_bus
from driftline.errors import DriftlineError
from driftline_processors import replay as replaying
from driftline_processors.judge.config import load_checks
from driftline_processors.prepare import prepare
from driftline_processors.replay.derive import Range
from driftline_processors.replay.swap import complete
from driftline_store.client import connect

if TYPE_CHECKING:
    from types import TracebackType

    from driftline.settings import Settings
    from driftline_processors.replay import Outcome

_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str) -> float:
    """A time that somebody wrote, in seconds since 1970.

    Args:
        text: ISO 8601, in UTC unless it says otherwise, such as ``2026-11-20T08:00``; or how long ago, such as ``90m``,
            ``6h`` or ``2d``.

    Raises:
        DriftlineError: it is neither.
    """
    if text[:-1].isdecimal() and text[-1] in _UNITS:
        return time.time() - timedelta(**{_UNITS[text[-1]]: int(text[:-1])}).total_seconds()
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise DriftlineError(
            f"a time must look like 2026-11-20T08:00 (UTC), or like 90m, 6h or 2d for so long ago, but is {text!r}"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def run(settings: Settings, since: str, until: str | None, *, dry_run: bool) -> None:
    """Replay, or complete a replay that was cut off, and say what changed.

    Raises:
        DriftlineError: bus or store cannot be used, or something that writes is running.
    """
    console = Console(highlight=False)
    span = Range(moment(since), moment(until) if until else time.time())
    if span.since >= span.until:
        raise DriftlineError(f"--from must be before --to, but {since} is not before {until or 'now'}")
    with closing(connect(settings)) as client:
        if replaying.unfinished(client) and complete(client):
            console.print("completed the replay that was cut off; run it again to replay once more")
            return
    with (
        closing(prepare(settings)) as client,
        open_bus(settings.bus_url, max_message_bytes=settings.max_message_bytes) as bus,
        Steps(console) as steps,
    ):
        outcome = replaying.replay(
            client,
            bus,
            span,
            batch_bytes=settings.batch_bytes,
            dry_run=dry_run,
            progress=steps,
            checks=load_checks(settings),
        )
    _show(console, outcome)


class Steps:
    """The steps of a replay as bars."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console)
        self._task: TaskID | None = None
        self._total: int | None = None

    def step(self, what: str, total: int | None = None) -> None:
        """End the step before and begin this one."""
        self._end()
        self._task, self._total = self._bars.add_task(what, total=total), total

    def advance(self, parts: int) -> None:
        """So many parts of the step are done."""
        if self._task is not None:
            self._bars.advance(self._task, parts)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._end()
        self._bars.stop()

    def _end(self) -> None:
        if self._task is not None:
            total = self._total or 1
            self._bars.update(self._task, total=total, completed=total)


def _show(console: Console, outcome: Outcome) -> None:
    table = Table("table", "what", "before", "after", box=None)
    for name, figures in outcome.figures.items():
        for title, (before, after) in figures.items():
            table.add_row(name, title, *("none" if value is None else f"{value:,}" for value in (before, after)))
    console.print(table)
    console.print(f"{outcome.read.messages:,} messages read, {outcome.read.unreadable:,} of them unreadable")
    if outcome.left:
        console.print(
            f"sums of {len(outcome.left)} days stay as they are, since rows of these days have expired: "
            f"{', '.join(sorted(outcome.left))}"
        )
    console.print("swapped" if outcome.swapped else "nothing was swapped")
