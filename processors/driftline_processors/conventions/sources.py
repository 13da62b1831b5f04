"""Where a value can be found in a span or a log record, and the SQL expression that fetches it.

The expressions are used in a query that offers parallel arrays: ``k`` has the attribute keys and ``v``
their values as text; ``av`` has the raw bytes of values that are arrays. ``rk`` and ``rv`` are the keys
and values of the resource, ``events`` the span's events and ``start_nano`` its start.

Every expression is a String, empty where the value is not there, and total: whatever the bytes say, it
never fails, because a view that fails would leave the tables before it written (DESIGN: views are total).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Kind(Enum):
    """Type of a canonical field: how its text becomes the column's value; NULL where it cannot."""

    TEXT = "{text}"
    UINT = "toUInt64OrNull({text})"
    FLOAT = "toFloat64OrNull({text})"
    BOOL = "multiIf({text} IN ('true', '1'), true, {text} IN ('false', '0'), false, NULL)"

    def sql(self, text: str) -> str:
        """Expression of this kind from one of text."""
        return self.value.format(text=text)


def quote(text: str) -> str:
    """A SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Source(Protocol):
    """One place where a value can stand."""

    def sql(self) -> str:
        """Expression of the value as text, '' when it is not there."""

    def consumes(self) -> str | None:
        """Attribute key that needs no further copy once this source was read."""


class _Keeps:
    """A source that reads a part of something that says more, which is therefore kept."""

    def consumes(self) -> str | None:
        """See ``Source``."""
        return None


@dataclass(frozen=True)
class Attr:
    """A span attribute; a structured value comes as its tagged bytes (see ``driftline_store.content``)."""

    key: str

    def sql(self) -> str:
        """See ``Source``."""
        return f"v[indexOf(k, {quote(self.key)})]"

    def consumes(self) -> str | None:
        """See ``Source``."""
        return self.key


@dataclass(frozen=True)
class Resource(_Keeps):
    """A resource attribute."""

    key: str

    def sql(self) -> str:
        """See ``Source``."""
        return f"rv[indexOf(rk, {quote(self.key)})]"


@dataclass(frozen=True)
class Json(_Keeps):
    """A member of a JSON document that is itself a text attribute; items of lists count from 1."""

    key: str
    path: tuple[str | int, ...]

    def sql(self) -> str:
        """See ``Source``."""
        path = ", ".join(str(step) if isinstance(step, int) else quote(step) for step in self.path)
        return f"JSONExtractString({Attr(self.key).sql()}, {path})"


@dataclass(frozen=True)
class FirstItem:
    """The first text of an array attribute, read from its raw bytes.

    An ``ArrayValue`` is ``0A <len> AnyValue``, a text ``AnyValue`` is ``0A <len> text``; one length byte
    each, which covers texts of up to 125 bytes. Also accepts a JSON array in a text, and a plain text.
    """

    key: str

    def sql(self) -> str:
        """See ``Source``."""
        raw = f"ifNull(av[indexOf(k, {quote(self.key)})], '')"
        item = f"substring({raw}, 5, reinterpretAsUInt8(substring({raw}, 4, 1)))"
        text = Attr(self.key).sql()
        plain = f"if(startsWith({text}, 'otlp-') OR startsWith({text}, '['), '', {text})"
        is_text = f"substring({raw}, 1, 1) = '\\x0A' AND substring({raw}, 3, 1) = '\\x0A'"
        return f"multiIf({is_text}, {item}, startsWith({text}, '['), JSONExtractString({text}, 1), {plain})"

    def consumes(self) -> str | None:
        """See ``Source``."""
        return self.key


@dataclass(frozen=True)
class Flattened(_Keeps):
    """A list of objects spread over keys like ``prefix.0.message.role``, gathered as one JSON object."""

    prefix: str

    def sql(self) -> str:
        """See ``Source``."""
        mine = f"startsWith(x, {quote(self.prefix)})"
        keys, values = f"arrayFilter(x -> {mine}, k)", f"arrayFilter((y, x) -> {mine}, v, k)"
        return f"if(arrayExists(x -> {mine}, k), toJSONString(mapFromArrays({keys}, {values})), '')"


@dataclass(frozen=True)
class EventDelay(_Keeps):
    """Seconds from the span's start to its first event of that name."""

    name: str

    def sql(self) -> str:
        """See ``Source``."""
        at = f"arrayFirst(e -> e.name = {quote(self.name)}, events).time_unix_nano"
        return f"if({at} >= start_nano, toString(({at} - start_nano) / 1e9), '')"


@dataclass(frozen=True)
class EventAttr(_Keeps):
    """A text attribute of the span's first event of that name."""

    event: str
    key: str

    def sql(self) -> str:
        """See ``Source``."""
        attributes = f"arrayFirst(e -> e.name = {quote(self.event)}, events).attributes"
        return f"ifNull(arrayFirst(a -> a.key = {quote(self.key)}, {attributes}).value.string_value, '')"
