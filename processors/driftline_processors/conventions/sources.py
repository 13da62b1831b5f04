"""Where a value can be found in a span or a log record, and the SQL expression that fetches it.

The expressions are used in a query that offers attributes as maps of slots (``conventions.slots``): ``a`` has those
of the span, ``r`` those of its resource, ``e`` those of its events. ``lists`` maps the keys of lists that are spread
over many attributes to their values. The span's own are ``name``, ``scope``, which is the instrumentation's name,
``start_nano``, ``event_names`` and ``event_nanos``.

Every expression is a String, empty where the value is not there, and total: whatever the bytes say, it
never fails, because a view that fails would leave the tables before it written (DESIGN: views are total).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from driftline_processors.conventions.slots import Slots, quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline_processors.conventions.slots import Keys


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


class Source(ABC):
    """One place where a value can stand."""

    @abstractmethod
    def sql(self, at: Places) -> str:
        """Expression of the value as text, '' when it is not there."""

    def reads(self) -> tuple[Keys, ...]:
        """Attribute keys that it looks for, in the runs in which ``at.text`` is asked for them."""
        return ()

    def reads_resource(self) -> Keys:
        """Keys of resource attributes that it looks for."""
        return ()

    def reads_events(self) -> Keys:
        """Keys of events' attributes that it looks for, each behind its event's name and a slash."""
        return ()

    def consumes(self) -> Keys:
        """Attribute keys that need no further copy once this source was read; none where it reads only a part."""
        return ()


class Attr(Source):
    """The first of these span attributes that is not empty; a structured value comes as its tagged bytes.

    See ``driftline_store.content`` for the tags.
    """

    def __init__(self, *keys: str) -> None:
        """Takes the keys, best first."""
        self.keys = keys

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        return at.text(*self.keys)

    def reads(self) -> tuple[Keys, ...]:
        """See ``Source``."""
        return (self.keys,)

    def consumes(self) -> Keys:
        """See ``Source``."""
        return self.keys


class Resource(Source):
    """The first of these resource attributes that is not empty."""

    def __init__(self, *keys: str) -> None:
        """Takes the keys, best first."""
        self.keys = keys

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        return at.resource.first(self.keys)

    def reads_resource(self) -> Keys:
        """See ``Source``."""
        return self.keys


@dataclass(frozen=True)
class Places:
    """The attributes that the sources of one query look for."""

    attributes: Slots
    resource: Slots
    events: Slots

    @classmethod
    def of(cls, sources: Iterable[Source]) -> Places:
        """What these sources look for."""
        known = tuple(sources)
        consumed = (key for source in known for key in source.consumes())
        return cls(
            Slots.of("a", (run for source in known for run in source.reads()), consumed),
            Slots.of("r", (source.reads_resource() for source in known)),
            Slots.of("e", (source.reads_events() for source in known)),
        )

    def text(self, *keys: str) -> str:
        """Expression of the first of these attributes that is not empty."""
        return self.attributes.first(keys)


@dataclass(frozen=True)
class Part(Source):
    """A source that reads a part of an attribute, which is therefore kept."""

    key: str

    def reads(self) -> tuple[Keys, ...]:
        """See ``Source``."""
        return ((self.key,),)


@dataclass(frozen=True)
class Loose(Part):
    """A span attribute under a name that can mean something else too, so its copy stays with the others.

    Logfire replaces what looks like a secret, and a session looks like one to it.
    """

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        value = at.text(self.key)
        return f"if(startsWith({value}, '[Scrubbed due to'), '', {value})"


@dataclass(frozen=True)
class Json(Part):
    """A member of a JSON document that is itself a text attribute; items of lists count from 1."""

    path: tuple[str | int, ...]

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        path = ", ".join(str(step) if isinstance(step, int) else quote(step) for step in self.path)
        return f"JSONExtractString({at.text(self.key)}, {path})"
