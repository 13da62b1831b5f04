"""Checks of ``evaluators.yaml`` as expressions of the engine, for a view to run over every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_processors.conventions.classes import FALLBACK_PATTERNS
from driftline_processors.conventions.slots import quote
from driftline_processors.judge.json_schema_sql import json_schema_sql
from driftline_processors.judge.language_sql import language_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from driftline_processors.judge.check import CheckConfig
    from driftline_processors.judge.fields import Applies


def passes_sql(check: CheckConfig, text: str) -> str:
    """SQL for whether an answer passes a check.

    Args:
        check: as declared.
        text: name of a column with what a person reads of the answer, as ``checks.ANSWER_TEXT`` makes it.
    """
    return _CONDITIONS[check.condition](check, text)


def applies_sql(applies: Applies) -> str:
    """SQL for whether something is meant, over the columns ``feature``, ``model`` and ``operation``."""
    wanted = (("feature", applies.features), ("model", applies.models), ("operation", applies.operations))
    parts = [f"{column} IN ({', '.join(map(quote, values))})" for column, values in wanted if values]
    return f"({' AND '.join(parts)})" if parts else "1"


def failed_sql(checks: Iterable[CheckConfig], text: str) -> str:
    """SQL for the names of the checks that apply to an answer and that it fails, as an array of texts.

    Args:
        checks: as declared.
        text: as for ``passes_sql``; beside it there are the columns of ``applies_sql``.
    """
    failed = [
        f"if({applies_sql(check.applies)} AND NOT ({passes_sql(check, text)}), {quote(check.name)}, '')"
        for check in checks
    ]
    return f"arrayFilter(x -> x != '', [{', '.join(failed)}]::Array(String))"


def count_sql(checks: Iterable[CheckConfig]) -> str:
    """SQL for how many of the checks apply to an answer, over the columns of ``applies_sql``."""
    return " + ".join(f"toUInt64({applies_sql(check.applies)})" for check in checks)


def _length(check: CheckConfig, text: str) -> str:
    assert check.length is not None  # noqa: S101 - it is the condition
    least, most = check.length.min, check.length.max
    upper = "" if most is None else f" AND lengthUTF8({text}) <= {most}"
    return f"lengthUTF8({text}) >= {least}{upper}"


def _forbidden(check: CheckConfig, text: str) -> str:
    return " AND ".join(f"NOT {_found(pattern, text)}" for pattern in check.forbidden)


def _required(check: CheckConfig, text: str) -> str:
    return " AND ".join(_found(pattern, text) for pattern in check.required)


def _json(_: CheckConfig, text: str) -> str:
    return f"isValidJSON({text})"


def _json_schema(check: CheckConfig, text: str) -> str:
    assert check.json_schema is not None  # noqa: S101 - it is the condition
    return json_schema_sql(check.json_schema, text)


def _language(check: CheckConfig, text: str) -> str:
    return language_sql(text, check.language)


def _refusal(_: CheckConfig, text: str) -> str:
    return f"NOT {_found(FALLBACK_PATTERNS['refusal'], text)}"


def _found(pattern: str, text: str) -> str:
    return f"match({text}, {quote('(?i)' + pattern)})"


_CONDITIONS: Final[dict[str, Callable[[CheckConfig, str], str]]] = {
    "length": _length,
    "forbidden": _forbidden,
    "required": _required,
    "json": _json,
    "json_schema": _json_schema,
    "language": _language,
    "refusal": _refusal,
}
