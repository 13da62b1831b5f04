"""Sources that have to be read out of something: arrays, JSON, families of keys, events, names.

Total like all sources. What is rare stands behind a cheap condition: the engine evaluates the branch of an
``if`` only for the rows that take it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from driftline_processors.conventions.classes import by_start
from driftline_processors.conventions.slots import first_of, quote
from driftline_processors.conventions.sources import Part, Source

if TYPE_CHECKING:
    from driftline_processors.conventions.slots import Keys
    from driftline_processors.conventions.sources import Places


@dataclass(frozen=True)
class Document(Source):
    """The first of some members of a JSON object, which one of several attributes holds; a dot goes one level down."""

    keys: Keys
    members: tuple[str, ...]

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        text = at.text(*self.keys)
        paths = (", ".join(map(quote, member.split("."))) for member in self.members)
        return f"if({text} = '', '', {first_of(f'JSONExtractString({text}, {path})' for path in paths)})"

    def reads(self) -> tuple[Keys, ...]:
        """See ``Source``."""
        return (self.keys,)


@dataclass(frozen=True)
class FirstItem(Part):
    """The first text of an array attribute, read from its raw bytes.

    An ``ArrayValue`` is ``0A <len> AnyValue``, a text ``AnyValue`` is ``0A <len> text``; one length byte
    each, which covers texts of up to 125 bytes. Also accepts a JSON array in a text, and a plain text.
    """

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        text = at.text(self.key)
        raw = f"tryBase64Decode(substring({text}, {len('otlp-array:') + 1}))"
        item = f"substring({raw}, 5, reinterpretAsUInt8(substring({raw}, 4, 1)))"
        is_text = f"substring({raw}, 1, 1) = '\\x0A' AND substring({raw}, 3, 1) = '\\x0A'"
        of_array = f"if({is_text}, {item}, '')"
        in_json = f"JSONExtractString({text}, 1)"
        return f"multiIf(startsWith({text}, 'otlp-'), {of_array}, startsWith({text}, '['), {in_json}, {text})"

    def consumes(self) -> Keys:
        """See ``Source``."""
        return (self.key,)


@dataclass(frozen=True)
class Unquoted(Part):
    """A text that was encoded as JSON once more."""

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        return f"trim(BOTH '\"' FROM {at.text(self.key)})"


@dataclass(frozen=True)
class Scaled(Part):
    """A number in another unit."""

    factor: float

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        return f"ifNull(toString(toFloat64OrNull({at.text(self.key)}) * {self.factor}), '')"

    def consumes(self) -> Keys:
        """See ``Source``."""
        return (self.key,)


@dataclass(frozen=True)
class When(Part):
    """Another key's value, or a constant, where one attribute has a certain value.

    Attributes:
        then: key to read; a constant when it begins with ``=``.
    """

    value: str
    then: str

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        found = quote(self.then[1:]) if self.then.startswith("=") else at.text(self.then)
        return f"if({at.text(self.key)} = {quote(self.value)}, {found}, '')"

    def reads(self) -> tuple[Keys, ...]:
        """See ``Source``."""
        return ((self.key,),) if self.then.startswith("=") else ((self.key,), (self.then,))


@dataclass(frozen=True)
class Holding(Part):
    """An attribute that can hold many things, where it holds a certain text."""

    text: str

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        value = at.text(self.key)
        return f"if(position({value}, {quote(self.text)}) > 0, {value}, '')"


@dataclass(frozen=True)
class Together(Source):
    """A text and what can stand beside it: the text alone, or both as one JSON object by their keys."""

    key: str
    beside: str

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        one, other = at.text(self.key), at.text(self.beside)
        both = f"toJSONString(map({quote(self.key)}, {one}, {quote(self.beside)}, {other}))"
        return f"if({other} = '', {one}, {both})"

    def reads(self) -> tuple[Keys, ...]:
        """See ``Source``."""
        return ((self.key,), (self.beside,))

    def consumes(self) -> Keys:
        """See ``Source``."""
        return (self.key, self.beside)


@dataclass(frozen=True)
class Named(Source):
    """A variant with the experiment that it belongs to, ``experiment:variant``; neither is anything alone."""

    key: str
    of: str

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        one, other = at.text(self.of), at.text(self.key)
        return f"if({one} = '' OR {other} = '', '', concat({one}, ':', {other}))"

    def reads(self) -> tuple[Keys, ...]:
        """See ``Source``."""
        return ((self.key,), (self.of,))

    def consumes(self) -> Keys:
        """See ``Source``."""
        return (self.key, self.of)


@dataclass(frozen=True)
class Either(Source):
    """``true`` where one of two attributes is; else what the second one says."""

    key: str
    other: str

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        one = at.text(self.key)
        return f"if({one} = 'true', {one}, {at.text(self.other)})"

    def reads(self) -> tuple[Keys, ...]:
        """See ``Source``."""
        return ((self.key,), (self.other,))

    def consumes(self) -> Keys:
        """See ``Source``."""
        return (self.key, self.other)


@dataclass(frozen=True)
class OfList(Part):
    """One member of such a list as ``Flattened`` gathers, by its whole key."""

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        return at.text(self.key)


@dataclass(frozen=True)
class Flattened(Source):
    """A list of objects spread over keys like ``prefix.0.message.role``, gathered as one JSON object.

    Attributes:
        prefix: up to the number.
    """

    prefix: str

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        del at  # its keys are not known beforehand
        mine = f"mapExtractKeyLike(lists, {quote(self.prefix + '%')})"
        return f"if(empty({mine}), '', toJSONString({mine}))"


@dataclass(frozen=True)
class Events(Part):
    """Messages of OpenTelemetry's first events, kept as a JSON list in an attribute of a name that is anybody's.

    Attributes:
        of_answer: takes the choices of the answer; else everything but them.
    """

    of_answer: bool

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        text = at.text(self.key)
        compared = "=" if self.of_answer else "!="
        mine = f"x -> JSONExtractString(x, 'event.name') {compared} 'gen_ai.choice'"
        found = f"arrayStringConcat(arrayFilter({mine}, JSONExtractArrayRaw({text})), ',')"
        is_there = f"position({text}, 'event.name') > 0"
        return f"if({is_there} AND {found} != '', concat('[', {found}, ']'), '')"


@dataclass(frozen=True)
class EventDelay(Source):
    """Seconds from the span's start to its first event of one of these names."""

    names: tuple[str, ...]

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        del at
        names = ", ".join(map(quote, self.names))
        then = f"arrayFirst((x, y) -> y IN ({names}), event_nanos, event_names)"
        return f"if({then} >= start_nano, toString(({then} - start_nano) / 1e9), '')"


@dataclass(frozen=True)
class TimeDelay(Part):
    """Seconds from the span's start to a point in time that is written out, in quotes or without.

    What is not within a day of it is a mistake.
    """

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        then = f"parseDateTime64BestEffortOrNull({Unquoted(self.key).sql(at)}, 6, 'UTC')"
        seconds = f"(toUnixTimestamp64Micro({then}) - toInt64(intDiv(start_nano, 1000))) / 1e6"
        is_there = f"{at.text(self.key)} != ''"
        return f"if({is_there}, ifNull(if({seconds} BETWEEN 0 AND 86400, toString({seconds}), ''), ''), '')"


@dataclass(frozen=True)
class EventAttr(Source):
    """A text attribute of the first of the span's events of that name which has it."""

    event: str
    key: str

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        return at.events.first(self.reads_events())

    def reads_events(self) -> Keys:
        """See ``Source``."""
        return (f"{self.event}/{self.key}",)


@dataclass(frozen=True)
class SpanName(Source):
    """What a span is by its own name, for instrumentations that say it nowhere else.

    Attributes:
        known: by instrumentation, starts of names and what they stand for; the first match wins.
    """

    known: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

    def sql(self, at: Places) -> str:
        """See ``Source``."""
        del at
        scopes = ", ".join(quote(scope) for scope, _ in self.known)
        starts = {f"{scope}/{name}": meaning for scope, names in self.known for name, meaning in names}
        found = by_start("concat(scope, '/', name)", starts)
        return f"if(scope IN ({scopes}), {found}, '')"
