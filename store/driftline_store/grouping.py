"""Many groupings of the same rows in one statement: SQL's GROUPING SETS, and which row belongs to which of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from driftline_store.metrics import DIMENSIONS, check_dimension

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Dimensions = tuple[str, ...]
"""Some of ``DIMENSIONS``, in their order."""

Segment = tuple[tuple[str, str], ...]
"""Dimensions and their values, coarse to fine; empty for everything."""

ROW = "grouped"
"""Column that tells rows of different sets apart."""


class Grouping:
    """Rows of a table that is called ``m``, grouped by each of several sets of dimensions by itself.

    Attributes:
        columns: SQL of the columns that ``segments`` needs.
        group_by: SQL of the clause.
    """

    def __init__(self, sets: Iterable[Dimensions], also: Sequence[str] = ()) -> None:
        """Args: the sets, and further SQL to group all of them by.

        Raises:
            ValueError: a name is no dimension.
        """
        self._sets = sorted(set(sets))
        used = {check_dimension(name) for one in self._sets for name in one}
        self._names = [name for name in DIMENSIONS if name in used]
        keys = [f"m.{name}" for name in self._names]
        number = f"grouping({', '.join(keys)})" if keys else "0"
        self.columns = [
            *(f"{key} AS {name}" for key, name in zip(keys, self._names, strict=True)),
            f"{number} AS {ROW}",
        ]
        listed = (", ".join([*(f"m.{name}" for name in one), *also]) for one in self._sets)
        self.group_by = f"GROUP BY GROUPING SETS ({', '.join(f'({one})' for one in listed)})"

    @property
    def keys(self) -> list[str]:
        """Names of the columns that together tell every row's segment."""
        return [*self._names, ROW]

    def segments(self, columns: Mapping[str, Sequence[Any]]) -> dict[Dimensions, dict[Segment, int]]:
        """Which row holds which segment of which set."""
        found: dict[Dimensions, dict[Segment, int]] = {one: {} for one in self._sets}
        by_number = {self._number(one): one for one in self._sets}
        for row, number in enumerate(columns[ROW]):
            one = by_number[number]
            found[one][tuple((name, str(columns[name][row])) for name in one)] = row
        return found

    def _number(self, one: Dimensions) -> int:
        """What SQL's ``grouping`` says about a row of a set: a bit for each dimension that is not in it."""
        return sum(1 << place for place, name in enumerate(reversed(self._names)) if name not in one)
