"""Ranges and steps of time in statements on the sums per segment."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import datetime, timedelta
from itertools import compress
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SET: Final = "grouped"
"""Column that tells the rows of several steps apart."""

_MINUTE: Final = 60
_COARSE: Final = (("day", 86400), ("hour", 3600))
"""Resolutions of the sums above a minute, with their seconds."""


def bucket_of(step: str = "step") -> str:
    """SQL for the begin of the step that a row ``m`` lies in, in Unix seconds, counted from 1970-01-01 UTC.

    Args:
        step: name of the parameter with its seconds.
    """
    return f"intDiv(toUnixTimestamp(m.at), {{{step}:UInt32}}) * {{{step}:UInt32}}"


def whole_seconds(moment: datetime) -> int:
    """A time as the first whole second not before it; minutes are compared with it."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone; pass an aware datetime")
    return math.ceil(moment.timestamp())


def whole_minutes(step: timedelta) -> int:
    """A step in seconds.

    Raises:
        ValueError: it is no whole number of minutes.
    """
    minutes, rest = divmod(step, timedelta(minutes=1))
    if minutes < 1 or rest:
        raise ValueError(f"step must be a whole number of minutes, not {step}")
    return minutes * _MINUTE


def cover(first: int, end: int, step: int | None) -> list[tuple[str, int, int]]:
    """The coarsest sums that make up a time range, so that a long one is read from few rows.

    Args:
        first: start of the range in Unix seconds, inclusive.
        end: of it, exclusive.
        step: width of the buckets in seconds that no piece may straddle; None for one bucket.

    Returns:
        Pieces without overlap or gap: resolution, first second, end. Whole days, at their ends whole hours, at
        their ends minutes.
    """
    for resolution, seconds in _COARSE:
        begin, stop = -(-first // seconds) * seconds, end // seconds * seconds
        if begin < stop and (step is None or step % seconds == 0):
            before = cover(first, begin, step) if first < begin else []
            after = cover(stop, end, step) if stop < end else []
            return [*before, (resolution, begin, stop), *after]
    return [("minute", first, end)]


def needs_minutes(first: int, end: int, step: int | None) -> bool:
    """Whether most of a time range is read from the sums of minutes; the arguments are those of ``cover``."""
    return max(cover(first, end, step), key=lambda piece: piece[2] - piece[1])[0] == "minute"


def within(first: int, end: int, step: int | None = None) -> tuple[str, dict[str, int | str]]:
    """SQL for the rows that make up a time range, and its parameters; the arguments are those of ``cover``."""
    parameters: dict[str, int | str] = {}
    pieces = []
    for number, (resolution, begin, stop) in enumerate(cover(first, end, step)):
        parameters |= {f"first_{number}": begin, f"end_{number}": stop}
        pieces.append(
            f"(m.resolution = '{resolution}' AND m.at >= toDateTime({{first_{number}:UInt32}}, 'UTC') "
            f"AND m.at < toDateTime({{end_{number}:UInt32}}, 'UTC'))"
        )
    return f"({' OR '.join(pieces)})", parameters


def buckets(columns: Mapping[str, Sequence[Any]]) -> pd.Series[Any]:
    """The column ``bucket`` of an answer, of ``bucket_of``, as times in UTC."""
    return pd.to_datetime(pd.Series(columns["bucket"], dtype="int64"), unit="s", utc=True)


class Steps:
    """The same rows grouped by dimensions and, for each of some steps, by time.

    Attributes:
        width: in seconds, what all buckets are made of; None where nothing is split by time.
        columns: SQL of the keys, and of what tells the rows of several steps apart.
        clauses: SQL of the groups and their order.
        parameters: of both.
    """

    def __init__(self, dimensions: Sequence[str], steps: Sequence[int | None]) -> None:
        """Args: names of dimensions, and steps in seconds, of which None is no split by time."""
        widths = [step for step in steps if step is not None]
        names: dict[int | None, str] = {step: f"bucket_{step}" for step in widths}
        self._is_one = len(steps) == 1
        # SQL's ``grouping`` has a bit for each bucket that a row is not grouped by, the first one's the highest.
        bits: dict[int | None, int] = {step: 1 << place for place, step in enumerate(reversed(names))}
        self._rows = [(sum(bits.values()) - bits.get(step, 0), names.get(step)) for step in steps]
        self.width = math.gcd(*widths) or None
        self.parameters: dict[str, int | str] = {f"step_{step}": step for step in widths}
        self.columns = [
            *(f"m.{name} AS {name}" for name in dimensions),
            *(f"{bucket_of(f'step_{step}')} AS {name}" for step, name in names.items()),
            *([] if self._is_one else [f"grouping({', '.join(names.values())}) AS {_SET}"]),
        ]
        keys = ", ".join([*dimensions, *names.values()])
        sets = (", ".join([*dimensions, *([name] if name else [])]) for _, name in self._rows)
        groups = keys if self._is_one else f"GROUPING SETS ({', '.join(f'({one})' for one in sets)})"
        self.clauses = [f"GROUP BY {groups}", f"ORDER BY {keys}"] if keys else []

    def split(self, columns: Mapping[str, Sequence[Any]]) -> Iterator[Mapping[str, Sequence[Any]]]:
        """The rows of each step, with their begin as ``bucket``."""
        for number, name in self._rows:
            mine = columns if self._is_one else _where(columns, [each == number for each in columns[_SET]])
            yield mine if name is None else defaultdict(list, {**mine, "bucket": mine[name]})


def _where(columns: Mapping[str, Sequence[Any]], chosen: Sequence[bool]) -> Mapping[str, Sequence[Any]]:
    return defaultdict(list, {name: list(compress(values, chosen)) for name, values in columns.items()})
