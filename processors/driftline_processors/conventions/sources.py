"""Where a value can be found in a span or a log record, and the SQL expression that fetches it.

The expressions are used in a query that offers these arrays, parallel to each other: ``k`` (keys),
``sv``, ``iv``, ``dv``, ``bv`` (string, integer, double and boolean values, NULL where the value has
another type), ``av`` and ``lv`` (raw bytes of an array or key-value list). ``rk`` and ``rsv`` are the
keys and string values of the resource; ``events`` are the span's events and ``start_nano`` its start.

Every expression is total: whatever the bytes say, it yields NULL rather than an error, because a view
that throws would leave the tables before it written (DESIGN: views are total).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Kind(Enum):
    """Type of a canonical field: its ClickHouse type and what stands for *not sent*."""

    TEXT = ("String", "''")
    UINT = ("Nullable(UInt64)", "NULL")
    FLOAT = ("Nullable(Float64)", "NULL")
    BOOL = ("Nullable(Bool)", "NULL")
    CONTENT = ("String", "''")

    @property
    def missing(self) -> str:
        """SQL literal of a value that was not sent."""
        return self.value[1]


def quote(text: str) -> str:
    """A SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Source(Protocol):
    """One place where a value can stand."""

    def sql(self, kind: Kind) -> str:
        """Expression of the kind's type, NULL when the value is not there."""

    def consumes(self) -> str | None:
        """Attribute key that needs no further copy once this source was read."""


def _scalar(kind: Kind, n: str) -> str:
    match kind:
        case Kind.UINT:
            return (
                f"coalesce(accurateCastOrNull(iv[{n}], 'UInt64'), accurateCastOrNull(dv[{n}], 'UInt64'), "
                f"toUInt64OrNull(sv[{n}]))"
            )
        case Kind.FLOAT:
            return f"coalesce(dv[{n}], toFloat64(iv[{n}]), toFloat64OrNull(sv[{n}]))"
        case Kind.BOOL:
            return f"coalesce(bv[{n}], accurateCastOrNull(iv[{n}], 'Bool'), lower(sv[{n}]) = 'true')"
        case Kind.CONTENT:
            return (
                f"coalesce(nullIf(sv[{n}], ''), 'otlp-array:' || base64Encode(av[{n}]), "
                f"'otlp-kvlist:' || base64Encode(lv[{n}]))"
            )
        case Kind.TEXT:
            return f"coalesce(nullIf(sv[{n}], ''), toString(iv[{n}]), toString(dv[{n}]))"


@dataclass(frozen=True)
class Attr:
    """A span attribute with a plain value; for content also a structured one."""

    key: str

    def sql(self, kind: Kind) -> str:
        """See ``Source``."""
        return _scalar(kind, f"indexOf(k, {quote(self.key)})")

    def consumes(self) -> str | None:
        """See ``Source``."""
        return self.key


@dataclass(frozen=True)
class Resource:
    """A resource attribute, always text."""

    key: str

    def sql(self, kind: Kind) -> str:
        """See ``Source``."""
        del kind
        return f"nullIf(rsv[indexOf(rk, {quote(self.key)})], '')"

    def consumes(self) -> str | None:
        """See ``Source``."""
        return None


@dataclass(frozen=True)
class Json:
    """A member of a JSON document that is itself a string attribute; items of lists count from 1."""

    key: str
    path: tuple[str | int, ...]

    def sql(self, kind: Kind) -> str:
        """See ``Source``."""
        path = ", ".join(str(step) if isinstance(step, int) else quote(step) for step in self.path)
        wanted = "Nullable(String)" if kind in {Kind.TEXT, Kind.CONTENT} else kind.value[0]
        return f"JSONExtract(coalesce(sv[indexOf(k, {quote(self.key)})], ''), {path}, '{wanted}')"

    def consumes(self) -> str | None:
        """See ``Source``: the document says more than this member, so it is kept."""
        return None


@dataclass(frozen=True)
class FirstItem:
    """The first text of an array attribute, read from its raw bytes.

    An ``ArrayValue`` is ``0A <len> AnyValue``, a text ``AnyValue`` is ``0A <len> text``; one length byte
    each, which covers texts of up to 125 bytes. Also accepts a JSON array in a string.
    """

    key: str

    def sql(self, kind: Kind) -> str:
        """See ``Source``."""
        del kind
        n = f"indexOf(k, {quote(self.key)})"
        text = f"substring(av[{n}], 5, reinterpretAsUInt8(substring(av[{n}], 4, 1)))"
        is_text = f"substring(av[{n}], 1, 1) = '\\x0A' AND substring(av[{n}], 3, 1) = '\\x0A'"
        listed = f"nullIf(JSONExtractString(coalesce(sv[{n}], ''), 1), '')"
        return f"coalesce(if({is_text}, nullIf({text}, ''), NULL), {listed}, nullIf(sv[{n}], ''))"

    def consumes(self) -> str | None:
        """See ``Source``."""
        return self.key


@dataclass(frozen=True)
class Flattened:
    """A list of objects spread over keys like ``prefix.0.message.role``, gathered as one JSON object."""

    prefix: str

    def sql(self, kind: Kind) -> str:
        """See ``Source``."""
        del kind
        mine = f"startsWith(x, {quote(self.prefix)})"
        keys = f"arrayFilter(x -> {mine}, k)"
        values = f"arrayMap(v -> ifNull(v, ''), arrayFilter((v, x) -> {mine}, sv, k))"
        return f"if(arrayExists(x -> {mine}, k), toJSONString(mapFromArrays({keys}, {values})), NULL)"

    def consumes(self) -> str | None:
        """See ``Source``: see ``consumed_prefixes`` in ``fields`` for whole families of keys."""
        return None


@dataclass(frozen=True)
class EventDelay:
    """Seconds from the span's start to its first event of that name."""

    name: str

    def sql(self, kind: Kind) -> str:
        """See ``Source``."""
        del kind
        at = f"arrayFirst(e -> e.name = {quote(self.name)}, events).time_unix_nano"
        return f"if({at} >= start_nano, ({at} - start_nano) / 1e9, NULL)"

    def consumes(self) -> str | None:
        """See ``Source``."""
        return None


@dataclass(frozen=True)
class EventAttr:
    """A text attribute of the span's first event of that name."""

    event: str
    key: str

    def sql(self, kind: Kind) -> str:
        """See ``Source``."""
        del kind
        attributes = f"arrayFirst(e -> e.name = {quote(self.event)}, events).attributes"
        found = f"arrayFirst(a -> a.key = {quote(self.key)}, {attributes}).value.string_value"
        return f"nullIf({found}, '')"

    def consumes(self) -> str | None:
        """See ``Source``."""
        return None
