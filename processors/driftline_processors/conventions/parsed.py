"""Sources that have to be read out of something: arrays, JSON, families of keys, events, names.

Total like all sources. What is rare stands behind a cheap condition: the engine evaluates the branch of an
``if`` only for the rows that take it.
"""

from __future__ import annotations

from dataclasses import dataclass

from driftline_processors.conventions.sources import Attr, _Keeps, quote


def first_of(expressions: list[str]) -> str:
    """The first text that is not empty."""
    return expressions[0] if len(expressions) == 1 else f"firstNonDefault({', '.join(expressions)})"


@dataclass(frozen=True)
class Document(_Keeps):
    """The first member that is there of a column of ``fields.DOCUMENTS``; a dot goes one level down."""

    column: str
    members: tuple[str, ...]

    def sql(self) -> str:
        """See ``Source``."""
        found = [
            f"JSONExtractString({self.column}, {', '.join(map(quote, member.split('.')))})" for member in self.members
        ]
        return f"if({self.column} = '', '', {first_of(found)})"


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
class Unquoted(_Keeps):
    """A text that was encoded as JSON once more."""

    key: str

    def sql(self) -> str:
        """See ``Source``."""
        return f"trim(BOTH '\"' FROM {Attr(self.key).sql()})"


@dataclass(frozen=True)
class Scaled:
    """A number in another unit."""

    key: str
    factor: float

    def sql(self) -> str:
        """See ``Source``."""
        number = f"toFloat64OrNull({Attr(self.key).sql()})"
        return f"ifNull(toString({number} * {self.factor}), '')"

    def consumes(self) -> str | None:
        """See ``Source``."""
        return self.key


@dataclass(frozen=True)
class When(_Keeps):
    """Another key's value, or a constant, where one attribute has a certain value.

    Attributes:
        then: key to read; a constant when it begins with ``=``.
    """

    key: str
    value: str
    then: str

    def sql(self) -> str:
        """See ``Source``."""
        found = quote(self.then[1:]) if self.then.startswith("=") else Attr(self.then).sql()
        return f"if({Attr(self.key).sql()} = {quote(self.value)}, {found}, '')"


@dataclass(frozen=True)
class Holding(_Keeps):
    """An attribute that can hold many things, where it holds a certain text."""

    key: str
    text: str

    def sql(self) -> str:
        """See ``Source``."""
        value = Attr(self.key).sql()
        return f"if(position({value}, {quote(self.text)}) > 0, {value}, '')"


@dataclass(frozen=True)
class Together:
    """A text and what can stand beside it: the text alone, or both as one JSON object by their keys."""

    key: str
    beside: str

    def sql(self) -> str:
        """See ``Source``."""
        one, other = Attr(self.key).sql(), Attr(self.beside).sql()
        both = f"toJSONString(map({quote(self.key)}, {one}, {quote(self.beside)}, {other}))"
        return f"if({other} = '', {one}, {both})"

    def consumes(self) -> str | None:
        """See ``Source``."""
        return self.key


@dataclass(frozen=True)
class Flattened(_Keeps):
    """A list of objects spread over keys like ``prefix.0.message.role``, gathered as one JSON object.

    Attributes:
        prefix: up to the number.
        opens: what follows the prefix in a key that is always there; without it any key of the family will do,
            which takes longer to find.
    """

    prefix: str
    opens: tuple[str, ...] = ()

    def sql(self) -> str:
        """See ``Source``."""
        mine = self.is_of("x")
        keys, values = f"arrayFilter(x -> {mine}, k)", f"arrayFilter((y, x) -> {mine}, v, k)"
        opening = ", ".join(quote(self.prefix + key) for key in self.opens)
        is_there = f"hasAny(k, [{opening}])" if opening else f"arrayExists(x -> {mine}, k)"
        return f"if({is_there}, toJSONString(mapFromArrays({keys}, {values})), '')"

    def is_of(self, key: str) -> str:
        """Condition that a key belongs to the family; ``gen_ai.prompt.name`` is none of ``gen_ai.prompt.0``'s."""
        # The colon is what follows the digits in ASCII.
        return f"({key} BETWEEN {quote(self.prefix + '0')} AND {quote(self.prefix + ':')})"


@dataclass(frozen=True)
class Events:
    """Messages of OpenTelemetry's first events, kept as a JSON list in an attribute.

    Attributes:
        of_answer: takes the choices of the answer; else everything but them.
    """

    key: str
    of_answer: bool

    def sql(self) -> str:
        """See ``Source``."""
        compared = "=" if self.of_answer else "!="
        mine = f"x -> JSONExtractString(x, 'event.name') {compared} 'gen_ai.choice'"
        found = f"arrayStringConcat(arrayFilter({mine}, JSONExtractArrayRaw({Attr(self.key).sql()})), ',')"
        is_there = f"position({Attr(self.key).sql()}, 'event.name') > 0"
        return f"if({is_there} AND {found} != '', concat('[', {found}, ']'), '')"

    def consumes(self) -> str | None:
        """See ``Source``."""
        return None  # ``events`` is anybody's word


@dataclass(frozen=True)
class EventDelay(_Keeps):
    """Seconds from the span's start to its first event of one of these names."""

    names: tuple[str, ...]

    def sql(self) -> str:
        """See ``Source``."""
        names = ", ".join(map(quote, self.names))
        at = f"arrayFirst(e -> e.name IN ({names}), events).time_unix_nano"
        return f"if({at} >= start_nano, toString(({at} - start_nano) / 1e9), '')"


@dataclass(frozen=True)
class TimeDelay(_Keeps):
    """Seconds from the span's start to a point in time that is written out, in quotes or without.

    What is not within a day of it is a mistake.
    """

    key: str

    def sql(self) -> str:
        """See ``Source``."""
        at = f"parseDateTime64BestEffortOrNull({Unquoted(self.key).sql()}, 6, 'UTC')"
        seconds = f"(toUnixTimestamp64Micro({at}) - toInt64(intDiv(start_nano, 1000))) / 1e6"
        is_there = f"{Attr(self.key).sql()} != ''"
        return f"if({is_there}, ifNull(if({seconds} BETWEEN 0 AND 86400, toString({seconds}), ''), ''), '')"


@dataclass(frozen=True)
class EventAttr(_Keeps):
    """A text attribute of the span's first event of that name."""

    event: str
    key: str

    def sql(self) -> str:
        """See ``Source``."""
        attributes = f"arrayFirst(e -> e.name = {quote(self.event)}, events).attributes"
        found = f"ifNull(arrayFirst(a -> a.key = {quote(self.key)}, {attributes}).value.string_value, '')"
        return f"if(has(events.name, {quote(self.event)}), {found}, '')"


@dataclass(frozen=True)
class SpanName(_Keeps):
    """What a span is by its own name, for instrumentations that say it nowhere else.

    Attributes:
        known: by instrumentation, starts of names and what they stand for; the first match wins.
    """

    known: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]

    def sql(self) -> str:
        """See ``Source``."""
        scopes = ", ".join(quote(scope) for scope, _ in self.known)
        rows = [(f"{scope}/{name}", meaning) for scope, names in self.known for name, meaning in names]
        starts, meanings = (", ".join(map(quote, column)) for column in zip(*rows, strict=True))
        found = f"[{meanings}][arrayFirstIndex(x -> startsWith(concat(scope, '/', s.name), x), [{starts}])]"
        return f"if(scope IN ({scopes}), {found}, '')"
