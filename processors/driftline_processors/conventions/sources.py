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
    # Written out once: each mention of a text is looked up and planned again.
    BOOL = "CAST(transform({text}, ['true', '1', 'false', '0'], [true, true, false, false], NULL), 'Nullable(Bool)')"

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
class Loose(_Keeps):
    """A span attribute under a name that can mean something else too, so its copy stays with the others.

    Logfire replaces what looks like a secret, and a session looks like one to it.
    """

    key: str

    def sql(self) -> str:
        """See ``Source``."""
        value = Attr(self.key).sql()
        return f"if(startsWith({value}, '[Scrubbed due to'), '', {value})"


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
