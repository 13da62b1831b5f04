"""A JSON Schema as an expression of the engine, which then checks every answer while it arrives.

What is understood stands in ``_KEYWORDS``. Any other keyword that restricts values is refused, since a check that
silently ignores half of its schema is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, Final

from driftline_processors.conventions.slots import quote
from driftline_processors.judge.patterns import usable_pattern

_TYPES: Final = {
    "string": "JSONType({v}) = 'String'",
    "boolean": "JSONType({v}) = 'Bool'",
    # The engine's JSONType says 'Null' of anything that is no JSON, too.
    "null": "match({v}, '^\\\\s*null\\\\s*$')",
    "object": "JSONType({v}) = 'Object'",
    "array": "JSONType({v}) = 'Array'",
    "number": "JSONType({v}) IN ('Int64', 'UInt64', 'Double')",
    # 1.0 is a whole number to JSON Schema.
    "integer": (
        "(JSONType({v}) IN ('Int64', 'UInt64') OR JSONType({v}) = 'Double' AND JSONExtractFloat({v}) = "
        "round(JSONExtractFloat({v})))"
    ),
}

_ANNOTATIONS: Final = frozenset(
    ("title", "description", "default", "examples", "deprecated", "$schema", "$id", "$comment", "$defs", "definitions",
     "format")
)  # fmt: skip
"""Keywords that restrict nothing; ``format`` does not either, by the standard's default."""

MAX_SQL: Final = 40_000
"""Longest expression, in characters: each insert plans it anew."""

_MOST_PARTS: Final = 1_000
"""Schemas within a schema, each counted as often as it is referred to."""


def json_schema_sql(schema: Mapping[str, Any], value: str) -> str:
    """SQL for whether a text is JSON of a form.

    Args:
        schema: JSON Schema.
        value: expression for the text.

    Raises:
        ValueError: the schema has something that the engine cannot check; says what, as the rest of a sentence.
    """
    try:
        sql = f"isValidJSON({value}) AND {_Compiler(schema).passes(schema, value)}"
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if len(sql) > MAX_SQL:
        raise ValueError(f"has become {len(sql):,} characters of SQL; at most {MAX_SQL:,} are possible")
    return sql


class _Compiler:
    """One run, which knows the definitions and has handed out names.

    Expressions name a value by the raw text of its JSON.
    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._names = count(1)
        self._parts = 0
        self._inside: list[str] = []

    def passes(self, schema: object, value: str) -> str:
        """SQL for whether a value fits."""
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise ValueError(f"has more than {_MOST_PARTS:,} parts")
        if isinstance(schema, bool):
            return str(int(schema))
        if not isinstance(schema, Mapping):
            raise ValueError(f"has {schema!r} where a schema belongs")  # noqa: TRY004 - a mistake in a file
        for keyword in schema:
            if keyword not in _KEYWORDS and keyword not in _ANNOTATIONS:
                raise ValueError(f"has {keyword!r}, which cannot be checked here; known are: {', '.join(_KEYWORDS)}")
        parts = [_KEYWORDS[key](self, schema, value) for key in schema if key in _KEYWORDS]
        return _all(parts)

    def name(self) -> str:
        """A name for a lambda's argument that no other has."""
        return f"x{next(self._names)}"

    def reference(self, path: object, value: str) -> str:
        """SQL for a definition elsewhere in the schema."""
        if not isinstance(path, str) or not path.startswith("#/"):
            raise ValueError(
                f"has the reference {path!r}; only those within itself, such as '#/$defs/item', are followed"
            )
        if path in self._inside:
            raise ValueError(f"contains {path!r} in itself; recursive schemas cannot be checked here")
        found: object = self._root
        for step in path.removeprefix("#/").split("/"):
            found = found.get(step) if isinstance(found, Mapping) else None
        if found is None:
            raise ValueError(f"has the reference {path!r}, which leads nowhere")
        self._inside.append(path)
        try:
            return self.passes(found, value)
        finally:
            self._inside.pop()


_Keyword = Callable[[_Compiler, Mapping[str, Any], str], str]


def _all(parts: list[str]) -> str:
    return f"({' AND '.join(parts)})" if parts else "1"


def _type(_: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    given = schema["type"]
    names = given if isinstance(given, list) else [given]
    if not names or not all(isinstance(name, str) and name in _TYPES for name in names):
        raise ValueError(f"has the type {given!r}; known are: {', '.join(_TYPES)}")
    return f"({' OR '.join(_TYPES[name].format(v=value) for name in names)})"


def _equals(constant: object, value: str) -> str:
    match constant:
        case None:
            return _TYPES["null"].format(v=value)
        case bool():
            return f"(JSONType({value}) = 'Bool' AND JSONExtractBool({value}) = {int(constant)})"
        case str():
            return f"(JSONType({value}) = 'String' AND JSONExtractString({value}) = {quote(constant)})"
        case int() | float():
            return f"({_TYPES['number'].format(v=value)} AND JSONExtractFloat({value}) = {float(constant)!r})"
    raise ValueError(f"asks for the value {constant!r}; only texts, numbers, booleans and null can be compared")


def _const(_: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    return _equals(schema["const"], value)


def _enum(_: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    values = schema["enum"]
    if not isinstance(values, list) or not values:
        raise ValueError("has an 'enum' that is no list of values")
    return f"({' OR '.join(_equals(one, value) for one in values)})"


def _properties(compiler: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    parts = [
        f"(NOT JSONHas({value}, {quote(key)}) OR {compiler.passes(inner, _member(value, key))})"
        for key, inner in _mapping(schema, "properties").items()
    ]
    return f"(JSONType({value}) != 'Object' OR {_all(parts)})"


def _required(_: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    keys = schema["required"]
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise ValueError("has a 'required' that is no list of names")
    return f"(JSONType({value}) != 'Object' OR {_all([f'JSONHas({value}, {quote(key)})' for key in keys])})"


def _additional(compiler: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    inner = schema["additionalProperties"]
    known = ", ".join(map(quote, _mapping(schema, "properties")))
    name = compiler.name()
    others = f"{name}.1 NOT IN ({known})" if known else "1"
    return (
        f"(JSONType({value}) != 'Object' OR arrayAll({name} -> NOT ({others}) OR "
        f"{compiler.passes(inner, f'{name}.2')}, JSONExtractKeysAndValuesRaw({value})))"
    )


def _items(compiler: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    name = compiler.name()
    fits = compiler.passes(schema["items"], name)
    return f"(JSONType({value}) != 'Array' OR arrayAll({name} -> {fits}, JSONExtractArrayRaw({value})))"


def _any_of(compiler: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    return f"({' OR '.join(compiler.passes(one, value) for one in _schemas(schema, 'anyOf'))})"


def _all_of(compiler: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    return _all([compiler.passes(one, value) for one in _schemas(schema, "allOf")])


def _reference(compiler: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    return compiler.reference(schema["$ref"], value)


def _pattern(_: _Compiler, schema: Mapping[str, Any], value: str) -> str:
    pattern = usable_pattern(schema["pattern"])
    # JSON Schema's dot does not match a line break.
    return f"(JSONType({value}) != 'String' OR match(JSONExtractString({value}), {quote('(?-s)' + pattern)}))"


def _bound(keyword: str, kinds: str, measure: str, comparison: str) -> _Keyword:
    def sql(_: _Compiler, schema: Mapping[str, Any], value: str) -> str:
        bound = schema[keyword]
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise ValueError(f"has {bound!r} for {keyword!r}, which must be a number")  # noqa: TRY004
        return f"(JSONType({value}) NOT IN ({kinds}) OR {measure.format(v=value)} {comparison} {bound!r})"

    return sql


_NUMBERS: Final = "'Int64', 'UInt64', 'Double'"
_FLOAT: Final = "JSONExtractFloat({v})"
_CHARACTERS: Final = "lengthUTF8(JSONExtractString({v}))"
_LENGTH: Final = "JSONLength({v})"

_KEYWORDS: Final[dict[str, _Keyword]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "items": _items,
    "anyOf": _any_of,
    "allOf": _all_of,
    "$ref": _reference,
    "pattern": _pattern,
    "minLength": _bound("minLength", "'String'", _CHARACTERS, ">="),
    "maxLength": _bound("maxLength", "'String'", _CHARACTERS, "<="),
    "minItems": _bound("minItems", "'Array'", _LENGTH, ">="),
    "maxItems": _bound("maxItems", "'Array'", _LENGTH, "<="),
    "minProperties": _bound("minProperties", "'Object'", _LENGTH, ">="),
    "maxProperties": _bound("maxProperties", "'Object'", _LENGTH, "<="),
    "minimum": _bound("minimum", _NUMBERS, _FLOAT, ">="),
    "maximum": _bound("maximum", _NUMBERS, _FLOAT, "<="),
    "exclusiveMinimum": _bound("exclusiveMinimum", _NUMBERS, _FLOAT, ">"),
    "exclusiveMaximum": _bound("exclusiveMaximum", _NUMBERS, _FLOAT, "<"),
}


def _member(value: str, key: str) -> str:
    return f"JSONExtractRaw({value}, {quote(key)})"


def _mapping(schema: Mapping[str, Any], keyword: str) -> Mapping[str, Any]:
    found = schema.get(keyword, {})
    if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
        raise ValueError(f"has a {keyword!r} that does not map names to schemas")
    return found


def _schemas(schema: Mapping[str, Any], keyword: str) -> list[Any]:
    found = schema[keyword]
    if not isinstance(found, list) or not found:
        raise ValueError(f"has an {keyword!r} that is no list of schemas")
    return found
