"""Dead letters on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.table import Table

from driftline_processors.dead_letters import walk
from driftline_processors.wire import hex_dump

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from driftline_processors.dead_letters import Group, Letter

_FAULTS_SHOWN: Final = 10


def overview(groups: Sequence[Group], letters: Sequence[Letter]) -> None:
    """Print how many letters are open for which reason, and the letters that were asked for."""
    console = _console()
    if not groups:
        console.print("no open dead letters")
    else:
        counts = Table("open", "topic", "newest", "error", box=None)
        for group in groups:
            counts.add_row(f"{group.count:,}", group.topic, _time(group.newest), group.error)
        console.print(counts)
    if letters:
        console.print()
        listed = Table("place", "time", "bytes", "state", box=None)
        for letter in letters:
            listed.add_row(letter.place, _time(letter.at), f"{letter.size:,}", letter.state)
        console.print(listed)


def letter(letter: Letter, value: bytes) -> None:
    """Print one letter: where it came from, where it breaks, what can be read of it, the bytes there."""
    console = _console()
    console.print(f"{letter.place}, {_time(letter.at)}, {letter.size:,} bytes, {letter.state}")
    console.print(f"error: {letter.error}")
    reading = walk(letter, value)
    if not reading.faults:
        console.print("no fault was found by walking the fields; what the engine refuses may be a value")
    for fault in reading.faults[:_FAULTS_SHOWN]:
        console.print(str(fault))
    if len(reading.faults) > _FAULTS_SHOWN:
        console.print(f"and {len(reading.faults) - _FAULTS_SHOWN} more")
    console.print()
    for line in hex_dump(value, reading.faults[0].at if reading.faults else 0):
        console.print(line)
    console.print()
    for line in reading.lines:
        console.print(line)


def _console() -> Console:
    # What applications sent is no markup, and lines are not to be cut where the output is no terminal.
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True)


def _time(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"
