"""The minutes that may still grow, with what was already taken of each: the difference is new, and taken once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from driftline_alerts.drift.segments import LEAF
from driftline_alerts.drift.series import NUMBER, SERIES, packed, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Leaf = tuple[str, ...]
"""Evaluator and fingerprint, '' for what is not judged, and the values of ``LEAF``."""

_KEYS_FROM: Final = 3 + len(LEAF)
"""Place of the keys in a row of ``series.statement``, after time, evaluator, fingerprint and leaf."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What newly arrived in a minute for a leaf.

    Attributes:
        at: begin of the minute, in seconds of Unix time.
        counts: by packed series and key, above 0.
    """

    at: int
    leaf: Leaf
    counts: dict[int, int]


@dataclass
class Window:
    """What was taken of the minutes that are still looked at.

    A count that has become smaller, as rows were deleted, is nothing new, nor is what fills it up again: the most that
    there ever was is taken.

    Attributes:
        taken: minute -> leaf -> packed keys and their counts.
    """

    taken: dict[int, dict[Leaf, tuple[list[int], list[int]]]] = field(default_factory=dict)

    def take(self, rows: Iterable[Sequence[Any]]) -> list[Fresh]:
        """Note the totals of minutes, as rows of ``series.statement``, and give what is new in them."""
        found = []
        for row in rows:
            at, leaf, keys, counts = row[0], tuple(row[1:_KEYS_FROM]), row[_KEYS_FROM], row[_KEYS_FROM + 1]
            leaves = self.taken.setdefault(at, {})
            before = leaves.get(leaf)
            if before == (keys, counts):
                continue
            known = dict(zip(*before, strict=True)) if before else {}
            totals = dict(zip(keys, counts, strict=True))
            most = known | {key: max(count, known.get(key, 0)) for key, count in totals.items()}
            leaves[leaf] = (keys, counts) if most == totals else (list(most), list(most.values()))
            if new := {key: more for key, count in most.items() if (more := count - known.get(key, 0))}:
                found.append(Fresh(at, leaf, new))
        return found

    def close(self, before: int) -> dict[int, int]:
        """Forget the minutes that begin before a moment; gives how many observations were taken of each."""
        closed = {at: self.taken.pop(at) for at in sorted(self.taken) if at < before}
        return {at: sum(sum(counts) for _, counts in leaves.values()) for at, leaves in closed.items()}

    def dump(self) -> bytes:
        """All of it."""
        rows = [(at, leaf, *counted) for at, leaves in self.taken.items() for leaf, counted in leaves.items()]
        leaves = list(dict.fromkeys(leaf for _, leaf, _, _ in rows))
        number = {leaf: place for place, leaf in enumerate(leaves)}
        names = json.dumps({"leaves": leaves, "series": [one.name for one in SERIES]}).encode()
        file = BytesIO()
        np.savez(
            file,
            names=np.frombuffer(names, dtype=np.uint8),
            at=np.array([row[0] for row in rows], dtype=np.int64),
            leaf=np.array([number[row[1]] for row in rows], dtype=np.int32),
            length=np.array([len(row[2]) for row in rows], dtype=np.int32),
            keys=np.fromiter(chain.from_iterable(row[2] for row in rows), dtype=np.int32),
            counts=np.fromiter(chain.from_iterable(row[3] for row in rows), dtype=np.int64),
        )
        return file.getvalue()

    @classmethod
    def load(cls, data: bytes) -> Self:
        """What was dumped, perhaps by a version that counted other series: what is not known any more is left out."""
        with np.load(BytesIO(data), allow_pickle=False) as file:
            names = json.loads(file["names"].tobytes())
            at, leaf, length = (file[name].tolist() for name in ("at", "leaf", "length"))
            keys, counts = file["keys"].tolist(), file["counts"].tolist()
        leaves = [tuple(one) for one in names["leaves"]]
        window, begin = cls(), 0
        for minute, place, size in zip(at, leaf, length, strict=True):
            end = begin + size
            pairs = _renumbered(zip(keys[begin:end], counts[begin:end], strict=True), names["series"])
            window.taken.setdefault(minute, {})[leaves[place]] = (list(pairs), list(pairs.values()))
            begin = end
        return window


def _renumbered(pairs: Iterable[tuple[int, int]], series: Sequence[str]) -> dict[int, int]:
    found = {}
    for number, count in pairs:
        place, key = unpacked(number)
        if series[place] in NUMBER:
            found[packed(NUMBER[series[place]], key)] = count
    return found
