"""A statement as people can run it themselves: shown beside what it found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

STATEMENT: Final = "statement"
"""Attribute of a frame (``frame.attrs``) with the statement that it is the answer to."""


def runnable(sql: str, parameters: Mapping[str, Any]) -> str:
    """A statement with its parameters as a console of ClickHouse takes them: set first, bound, never put in.

    Args:
        sql: with ``{name:Type}`` where a value goes.
        parameters: strings, numbers, or lists of them; others are written as text.
    """
    settings = "".join(f"SET param_{name} = {_literal(value)};\n" for name, value in parameters.items())
    return settings + sql


def _literal(value: object) -> str:
    """A value of a parameter: text in which a console undoes two layers, the literal's and that of its formats."""
    if isinstance(value, list | tuple):
        text = f"[{','.join(_quoted(each) if isinstance(each, str) else str(each) for each in value)}]"
    else:
        text = _escaped(str(value))
    return _quoted(text)


def _quoted(text: str) -> str:
    return "'" + _escaped(text).replace("'", "\\'") + "'"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
