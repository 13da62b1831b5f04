"""Rules that the engine checks every answer by, kept in a table so that they change without a deployment.

A rule applies to one feature or to all. An answer that a ``fallback`` rule matches is a second choice, for the
reason that is the rule's name; one that breaks any other rule has failed it. A change holds for what comes after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clickhouse_connect.driver.exceptions import DatabaseError

from driftline.errors import SettingsError
from driftline_processors.conventions.classes import FALLBACK_PATTERNS
from driftline_processors.dictionaries import ANSWER_CHECKS
from driftline_store.client import is_transient

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

KINDS: Final = ("fallback", "forbidden", "required", "length", "json")
WITH_PATTERN: Final = ("fallback", "forbidden", "required")
NO_LIMIT: Final = 2**64 - 1


@dataclass(frozen=True)
class Check:
    """One rule.

    Attributes:
        name: its own; for a fallback the reason that is written down.
        kind: ``fallback`` and ``forbidden`` match a pattern, ``required`` does not, ``length`` is outside of its
            bounds, ``json`` cannot be parsed.
        feature: that it is for; '' for every one.
        pattern: regular expression, any case, without look-around or back-references.
        shortest: fewest characters of an answer, for ``length``.
        longest: most characters.
    """

    name: str
    kind: str
    feature: str = ""
    pattern: str = ""
    shortest: int = 0
    longest: int = NO_LIMIT


DEFAULTS: Final = tuple(Check(reason, "fallback", pattern=pattern) for reason, pattern in FALLBACK_PATTERNS.items())
"""What a new store starts with."""

_COLUMNS: Final = ("name", "kind", "feature", "pattern", "shortest", "longest")


def preload(client: Client) -> None:
    """Give the store the default rules that it never had; what was changed or removed stays so.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed a statement.
    """
    known = {name for (name,) in client.query("SELECT name FROM answer_checks FINAL").result_rows}
    _write(client, [check for check in DEFAULTS if check.name not in known])
    ANSWER_CHECKS.reload(client)


def active(client: Client) -> list[Check]:
    """The rules in force, by name."""
    rows = client.query(f"SELECT {', '.join(_COLUMNS)} FROM answer_checks FINAL WHERE active ORDER BY name")
    return [Check(*row) for row in rows.result_rows]


def put(client: Client, check: Check) -> None:
    """Add a rule, or put it into the place of the one of that name.

    Raises:
        SettingsError: the rule makes no sense, or the engine cannot use its pattern.
    """
    _validate(client, check)
    _write(client, [check])
    ANSWER_CHECKS.reload(client)


def remove(client: Client, name: str) -> None:
    """Take a rule out of force.

    Raises:
        SettingsError: there is none of that name.
    """
    in_force = {check.name: check for check in active(client)}
    if name not in in_force:
        raise SettingsError(f"there is no check {name!r}; in force are: {', '.join(in_force) or 'none'}")
    _write(client, [in_force[name]], is_active=False)
    ANSWER_CHECKS.reload(client)


def _write(client: Client, checks: list[Check], *, is_active: bool = True) -> None:
    if checks:
        rows = [[*(getattr(check, column) for column in _COLUMNS), is_active] for check in checks]
        client.insert("answer_checks", rows, column_names=[*_COLUMNS, "active"])


def _validate(client: Client, check: Check) -> None:
    if check.kind not in KINDS:
        raise SettingsError(f"check {check.name!r}: kind must be one of {', '.join(KINDS)}, not {check.kind!r}")
    if not check.name:
        raise SettingsError("a check needs a name")
    if (check.kind in WITH_PATTERN) != bool(check.pattern):
        need = "needs a pattern" if check.kind in WITH_PATTERN else "takes no pattern"
        raise SettingsError(f"check {check.name!r}: the kind {check.kind} {need}")
    if check.kind == "length" and not 0 <= check.shortest <= check.longest <= NO_LIMIT:
        raise SettingsError(
            f"check {check.name!r}: shortest ({check.shortest}) must not be above longest ({check.longest})"
        )
    if check.pattern:
        _try_pattern(client, check)


def _try_pattern(client: Client, check: Check) -> None:
    """A pattern that the engine cannot compile would stop all ingest, so it is compiled here first."""
    try:
        client.query(
            f"SELECT multiMatchAllIndices('', [{_ANY_CASE} || {{pattern:String}}])",
            parameters={"pattern": check.pattern},
        )
    except DatabaseError as error:
        if is_transient(error):
            raise
        reason = str(error).partition("Pattern")[2].partition("(for url")[0] or str(error)
        raise SettingsError(
            f"check {check.name!r}: the engine cannot use the pattern {check.pattern!r}: {reason[:200]}; "
            "look-around and back-references are not supported"
        ) from None


_ANY_CASE: Final = "'(?i)'"


def _lists(use: str, *columns: str) -> tuple[str, ...]:
    """The parallel lists of one use: constants for the engine, read anew by each insert."""
    empty = {"shortest": "Array(UInt64)", "longest": "Array(UInt64)"}
    return tuple(
        f"dictGetOrDefault('{ANSWER_CHECKS.name}', '{column}', tuple('{use}'), "
        f"CAST([], '{empty.get(column, 'Array(String)')}'))"
        for column in columns
    )


def _matches(text: str, patterns: str) -> str:
    """Numbers of the patterns that a text matches; all of them are one automaton, whatever their number."""
    return f"multiMatchAllIndices({text}, arrayMap(p -> {_ANY_CASE} || p, {patterns}))"


def fallback_sql(output: str, feature: str) -> str:
    """SQL for the reason why an answer is no real answer, or the empty text."""
    names, features, patterns = _lists("fallback", "names", "features", "patterns")
    mine = f"arrayFirst(i -> {features}[i] IN ('', {feature}), {_matches(output, patterns)})"
    return f"{names}[{mine}]"


ANSWER_TEXT: Final = r"""multiIf(
    output = '' OR startsWith(output, 'otlp-'), '',
    startsWith(output, '[') AND JSONHas(output, 1, 'role'), arrayStringConcat(arrayMap(m -> firstNonDefault(
        arrayStringConcat(arrayMap(p -> firstNonDefault(JSONExtractString(p, 'content'), JSONExtractString(p, 'text')),
            arrayConcat(JSONExtractArrayRaw(m, 'parts'), JSONExtractArrayRaw(m, 'content')))),
        JSONExtractString(m, 'content'), JSONExtractString(m, 'message', 'content')),
        JSONExtractArrayRaw(output)), '\n'),
    match(output, '^\\{"(llm|gen_ai)\\.'), arrayStringConcat(arrayMap(kv -> kv.2,
        arrayFilter(kv -> endsWith(kv.1, 'content'), JSONExtractKeysAndValues(output, 'String'))), '\n'),
    output)"""
"""SQL for what a person would read of ``output``: the texts in a list of messages, else the whole."""


def applying_sql(feature: str) -> str:
    """SQL for the numbers of the rules that apply to an answer of a feature."""
    (features,) = _lists("rule", "features")
    return f"arrayFilter((i, f) -> f IN ('', {feature}), arrayEnumerate({features}), {features})"


def failed_sql(applying: str, text: str) -> str:
    """SQL for the names of the rules that a text fails.

    Args:
        applying: column of ``applying_sql``.
        text: column of ``ANSWER_TEXT``.
    """
    columns = ("names", "kinds", "patterns", "shortest", "longest")
    names, kinds, patterns, shortest, longest = _lists("rule", *columns)
    # Each list is named once, since every part of an expression is planned again with each insert.
    fails = (
        f"multiIf(kind = 'json', NOT isValidJSON({text}), "
        f"kind = 'length', lengthUTF8({text}) NOT BETWEEN {shortest}[i] AND {longest}[i], "
        f"has({_matches(text, patterns)}, i) = (kind = 'forbidden'))"
    )
    of_kind = f"arrayMap(i -> {kinds}[i], {applying})"
    failed = f"arrayFilter((i, kind) -> {fails}, {applying}, {of_kind})"
    return f"if(empty({applying}), [], arrayMap(i -> {names}[i], {failed}))"
