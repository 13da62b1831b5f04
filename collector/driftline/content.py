"""Prompts and answers as bounded text: nothing in here raises, blocks or runs the application's code.

That is why unknown objects are named by their class instead of by ``repr()``: a ``repr`` may query a
database (an ORM's result set), print a whole table, or raise.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import math
import pathlib
import re
import uuid
from collections import deque
from typing import Any

from driftline.fields import clean
from driftline.frozen import named_fields

Message = dict[str, Any]
"""One message of the GenAI conventions: ``{"role": …, "parts": [{"type": …, …}]}``."""

CUT = "…"
_MAX_DEPTH = 12
_MAX_NODES = 4_000
_SECRET = re.compile(
    r"(?i)api[_-]?key|secret|passw(or)?d|authorization|credential|private[_-]?key|(access|auth|bearer|refresh)[_-]?token"
)
_TEXT_MODULES = frozenset({"datetime", "uuid", "decimal", "pathlib", "pathlib._local"})
_AS_TEXT = (dt.date, dt.time, dt.timedelta, uuid.UUID, decimal.Decimal, pathlib.PurePath)


class Budget:
    """How much more may be kept, and whether anything was cut."""

    __slots__ = ("chars", "nodes", "truncated")

    def __init__(self, chars: int, nodes: int = _MAX_NODES) -> None:
        self.chars = chars
        self.nodes = nodes
        self.truncated = False

    def cut(self, text: str) -> str:
        """Take as much of ``text`` as still fits."""
        kept = text[: max(self.chars, 0)]
        self.chars -= len(kept)
        if len(kept) < len(text):
            self.truncated = True
            kept += CUT
        return clean(kept)


def to_json(value: object, budget: Budget) -> str:
    """Write any object as JSON text within the budget."""
    return json.dumps(plain(value, budget), ensure_ascii=False, default=class_name)


def plain(value: object, budget: Budget) -> Any:
    """Reduce any object to what JSON knows, within the budget."""
    return _plain(value, budget, _MAX_DEPTH, frozenset())


def class_name(value: object) -> str:
    """Name an object by its class, without running any of its code."""
    kind = type(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"


_CONTAINER = object()
"""Says that a value is none of the simple ones."""


def _plain(value: object, budget: Budget, depth: int, path: frozenset[int]) -> Any:
    budget.nodes -= 1
    if isinstance(value, enum.Enum):
        value = value.value
    simple = _simple(value, budget)
    if simple is not _CONTAINER:
        return simple
    if id(value) in path:
        return "<cycle>"
    if depth <= 0:
        budget.truncated = True
        return CUT
    try:
        return _container(value, budget, depth - 1, path | {id(value)})
    except Exception:  # noqa: BLE001 - a property of the application's object may raise anything
        return class_name(value)


def _simple(value: object, budget: Budget) -> Any:
    result: Any = _CONTAINER
    if value is None or isinstance(value, bool):
        result = value
    elif isinstance(value, str):
        result = budget.cut(str.__str__(value))
    elif isinstance(value, int | float):
        result = _number(value)
    elif isinstance(value, bytes | bytearray | memoryview):
        result = f"<{len(value)} bytes>"
    elif type(value).__module__ in _TEXT_MODULES and isinstance(value, _AS_TEXT):
        result = budget.cut(str(value))
    return result


def _number(value: float) -> object:
    if isinstance(value, int):
        # CPython refuses to print longer ones, and a double holds fewer digits anyway.
        return int(value) if value.bit_length() <= 1024 else "<large number>"
    return float(value) if math.isfinite(value) else str(float(value))


def _container(value: object, budget: Budget, depth: int, path: frozenset[int]) -> Any:
    fields = named_fields(value, type(value))
    if fields is not None:
        result: dict[str, Any] = {}
        for key, item in fields:
            if budget.nodes <= 0 or budget.chars <= 0:
                budget.truncated = True
                break
            name = budget.cut(key if type(key) is str else str(_plain(key, budget, 1, path)))
            result[name] = "***" if _SECRET.search(name) else _plain(item, budget, depth, path)
        return result
    if isinstance(value, list | tuple | set | frozenset | deque):
        items = []
        for item in list(value):
            if budget.nodes <= 0 or budget.chars <= 0:
                budget.truncated = True
                break
            items.append(_plain(item, budget, depth, path))
        return items
    return class_name(value)
