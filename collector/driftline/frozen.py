"""Copies of what the application may change later, made while it waits: so they are shallow in everything immutable.

Only containers are copied; texts, numbers, dates and bytes are taken as they are. Nothing is written out, cut to size
or redacted here: that happens on the export thread (``content``), which sees the copy. Unknown objects are named by
their class, so that no code of the application runs.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import uuid
from collections import deque
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

CUT: Final = "…"
_MAX_DEPTH: Final = 12
_MAX_NODES: Final = 4_000
_WORDS: Final = 512
"""Characters among which a text that people read has a space."""
_IMMUTABLE: Final = frozenset(
    {int, float, bool, bytes, type(None), complex, dt.date, dt.datetime, dt.time, dt.timedelta, uuid.UUID}
    | {decimal.Decimal, pathlib.PurePath, pathlib.PurePosixPath, pathlib.PureWindowsPath, pathlib.PosixPath}
)
_LISTS: Final = (list, tuple, set, frozenset, deque)


class Room:
    """How much of one value may still be copied.

    Attributes:
        longest: characters kept of one text.
        nodes: values that may still be visited.
        size: bytes that the copies hold on to, roughly.
    """

    __slots__ = ("longest", "nodes", "size")

    def __init__(self, longest: int) -> None:
        self.longest = longest
        self.nodes = _MAX_NODES
        self.size = 0


def freeze(value: object, room: Room, path: tuple[int, ...] = ()) -> Any:
    """Copy a value as far as it could still change: dicts, lists, texts, numbers and names of classes.

    Objects with named fields (pydantic, dataclasses, attrs, named tuples) become dicts. A text of words that is longer
    than the room allows loses its end, which whoever cuts it to its final, shorter size notices. Never raises.

    Args:
        value: anything.
        room: what may still be copied; counts what was.
        path: ids of the containers around it, by which cycles are found.
    """
    kind = type(value)
    if kind is str:
        room.size += 64 + len(value)  # type: ignore[arg-type]  # it is a text
        if len(value) <= room.longest or " " not in value[:_WORDS]:  # type: ignore[arg-type, index]
            return value  # as most are; or an encoded image, which is described by its size and hash
        return value[: room.longest]  # type: ignore[index]
    if kind in _IMMUTABLE:
        room.size += 64 if kind is not bytes else 64 + len(value)  # type: ignore[arg-type]
        return value
    try:
        return _container(value, kind, room, path)
    except Exception:  # noqa: BLE001 - a property of the application's object may raise anything
        return class_name(value)


def class_name(value: object) -> str:
    """Name an object by its class, without running any of its code."""
    kind = type(value)
    return f"<{kind.__module__}.{kind.__qualname__}>"


def _container(value: Any, kind: type, room: Room, path: tuple[int, ...]) -> Any:
    room.nodes -= 1
    room.size += 100
    if id(value) in path:
        return "<cycle>"
    if len(path) >= _MAX_DEPTH or room.nodes <= 0:
        return CUT
    path = (*path, id(value))
    if kind is dict:
        return _pairs(value.items(), room, path)
    if kind is list or kind is tuple:
        return _items(value, room, path)
    return _uncommon(value, kind, room, path)


def _uncommon(value: Any, kind: type, room: Room, path: tuple[int, ...]) -> Any:
    if isinstance(value, enum.Enum | str):
        return freeze(value.value if isinstance(value, enum.Enum) else str.__str__(value), room, path)
    if isinstance(value, int | float | pathlib.PurePath):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    fields = named_fields(value, kind)
    if fields is not None:
        return _pairs(fields, room, path)
    if isinstance(value, _LISTS):
        return _items(value, room, path)
    return class_name(value)


def _pairs(pairs: Any, room: Room, path: tuple[int, ...]) -> dict[Any, Any]:
    copy: dict[Any, Any] = {}
    for key, item in tuple(islice(pairs, max(room.nodes, 0) + 1)):
        if room.nodes <= 0:
            copy[CUT] = CUT
            break
        room.nodes -= 1
        copy[key if type(key) is str else str(freeze(key, room, path))] = freeze(item, room, path)
    return copy


def _items(values: Any, room: Room, path: tuple[int, ...]) -> list[Any]:
    copy: list[Any] = []
    for item in tuple(islice(values, max(room.nodes, 0) + 1)):  # a copy, as another thread may add to it
        if room.nodes <= 0:
            copy.append(CUT)
            break
        room.nodes -= 1
        copy.append(freeze(item, room, path))
    return copy


def named_fields(value: Any, kind: type) -> list[tuple[Any, Any]] | None:
    """The named parts of an object that has such, else None."""
    names: list[str] | None = None
    if isinstance(value, dict | MappingProxyType):
        return list(value.items())
    if dataclasses.is_dataclass(kind):
        names = [part.name for part in dataclasses.fields(kind)]
    elif isinstance(value, tuple):
        names = list(getattr(kind, "_fields", ())) or None
    elif hasattr(kind, "model_fields"):  # pydantic
        names = list(vars(value))
    elif hasattr(kind, "__attrs_attrs__"):
        names = [part.name for part in kind.__attrs_attrs__]
    return None if names is None else [(name, getattr(value, name, None)) for name in names]
