"""What goes into the engine and what comes out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_CODE = re.compile(r"Code:\s*(\d+)\.")


class EngineError(Exception):
    """A statement failed; carries ClickHouse's error code and its text ``Code: N. DB::Exception: …``."""

    def __init__(self, text: str) -> None:
        start = text.find("Code:")
        text = text[start:] if start >= 0 else f"Code: 1001. DB::Exception: {text}"
        match = _CODE.match(text)
        self.code = int(match.group(1)) if match else 1001
        super().__init__(text)


def failure(code: int, text: str, name: str) -> EngineError:
    """Make an error as ClickHouse would word it."""
    return EngineError(f"Code: {code}. DB::Exception: {text} ({name})")


@dataclass(frozen=True)
class Statement:
    """One statement and all that it needs.

    Attributes:
        text: SQL, followed by the rows if it is an insert of data.
        settings: ClickHouse settings that hold for this statement alone.
        parameters: values of ``{name:Type}`` in ClickHouse's escaped text form.
        database: current database, if another than ``default``.
        default_format: format of the result if the statement names none.
    """

    text: bytes
    settings: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    database: str = ""
    default_format: str = "TabSeparated"


@dataclass(frozen=True)
class Answer:
    """What a statement gave.

    Attributes:
        body: the result's bytes; empty when there is none.
        format: the format of the result; None when the statement gives none.
        summary: rows and bytes read and written and nanoseconds, as ClickHouse's summary header has them.
    """

    body: bytes
    format: str | None
    summary: dict[str, str]
