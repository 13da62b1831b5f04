"""Slots: each attribute key of a span is looked at once, however many keys are known.

The obvious expression for an attribute, ``v[indexOf(k, 'gen_ai.system')]``, compares one name with every key of the
span, and there are some 150 names; and each such expression is planned anew for every insert. Instead one table of
constants turns a span's keys into numbers, the values are put into a map by these numbers, and a field reads its
value from the map (``docs/decisions/0007``).

A slot is a run of keys that are looked for one after the other and nowhere else; the map gives the first of them
that is not empty. A key that several sources look for is a slot of its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

Keys = tuple[str, ...]
"""Attribute keys, best first."""

_WIDTH: Final = 100
"""A code is ``_WIDTH * slot + 2 * rank``, and one more where the attribute is kept beside its column."""

_UNKNOWN: Final = 65535
"""Code of all other keys: the last one, of no slot, and kept."""


def quote(text: str) -> str:
    """A SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def first_of(expressions: Iterable[str]) -> str:
    """SQL for the first text that is not empty."""
    found = list(expressions)
    return found[0] if len(found) == 1 else f"firstNonDefault({', '.join(found)})"


@dataclass(frozen=True)
class Slots:
    """Where the values of attributes stand in a map.

    Attributes:
        column: the map's name.
        slots: the keys of each slot.
        consumed: keys that need no further copy once they were read.
    """

    column: str
    slots: tuple[Keys, ...]
    consumed: frozenset[str] = frozenset()

    @classmethod
    def of(cls, column: str, runs: Iterable[Keys], consumed: Iterable[str] = ()) -> Slots:
        """Slots for everything that is looked for."""
        wanted = [run for run in dict.fromkeys(runs) if run]
        seekers: defaultdict[str, int] = defaultdict(int)
        for key in (key for run in wanted for key in run):
            seekers[key] += 1
        slots: dict[Keys, None] = {}
        for run in wanted:
            for is_shared, part in groupby(run, key=lambda key: seekers[key] > 1):
                keys = tuple(part)
                slots.update(dict.fromkeys([(key,) for key in keys] if is_shared else [keys]))
        return cls(column, tuple(slots), frozenset(consumed))

    def first(self, keys: Keys) -> str:
        """SQL for the first of these attributes that is not empty, as text; '' when there is none."""
        numbers = {key: number for number, slot in enumerate(self.slots) for key in slot}
        return first_of(f"{self.column}[{number}]" for number in dict.fromkeys(numbers[key] for key in keys))

    def codes(self, keys: str) -> str:
        """SQL for the codes of an array of keys."""
        known = {
            key: _WIDTH * number + 2 * rank + (key not in self.consumed)
            for number, slot in enumerate(self.slots)
            for rank, key in enumerate(slot)
        }
        names, codes = ", ".join(map(quote, known)), ", ".join(map(str, known.values()))
        return f"arrayMap(x -> transform(x, [{names}], [{codes}], {_UNKNOWN}), {keys})"

    def filled(self, codes: str, values: str) -> str:
        """SQL for the map of slots; reading it gives the first entry of a slot, so the best come first."""
        found = f"mapFromArrays({codes}, {values})"
        if any(len(slot) > 1 for slot in self.slots):
            found = f"mapSort((x, y) -> if(y = '', {_UNKNOWN}, x), {found})"
        return f"mapApply((x, y) -> (intDiv(x, {_WIDTH}), y), {found})"


def is_kept(code: str) -> str:
    """SQL that holds for the code of an attribute that is kept beside what was read from it."""
    return f"{code} % 2 = 1"
