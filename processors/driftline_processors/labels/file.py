"""Files of labels: CSV with a header, or a JSON object a line."""

from __future__ import annotations

import csv
import io
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from driftline.errors import DriftlineError
from driftline_processors.labels.entry import entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from driftline_processors.labels.entry import Defaults, Entry

    Row = Callable[[], Mapping[str, str]]
    """Gives the row's texts by column; raises ValueError where it is broken."""

_MOST_MISTAKES: Final = 10
"""Told at once; who has more has one mistake many times."""


class LabelFileError(DriftlineError):
    """A file of labels cannot be read; nothing of it was taken in."""


def read(path: Path, defaults: Defaults) -> tuple[list[Entry], int]:
    """The labels of a file.

    Args:
        path: of a .csv or .jsonl file in UTF-8.
        defaults: what holds where a row does not say.

    Returns:
        the labels in their order, and how many rows wait for one.

    Raises:
        LabelFileError: the file or a row of it is wrong; tells file, line and remedy, of several rows at once.
    """
    rows = _FORMATS.get(path.suffix.lower())
    if rows is None:
        raise LabelFileError(f"{path} is neither .csv nor .jsonl; name the file by what it is")
    found: list[Entry | None] = []
    mistakes: list[str] = []
    try:
        for line, row in rows(_text(path)):
            try:
                found.append(entry(line, row(), defaults))
            except ValueError as error:
                mistakes.append(f"{path} line {line}: {error}")
                if len(mistakes) == _MOST_MISTAKES:
                    break
    except csv.Error as error:
        raise LabelFileError(f"{path} is not valid CSV: {error}") from None
    if mistakes:
        raise LabelFileError("\n".join([*mistakes, "nothing was imported"]))
    entries = [one for one in found if one is not None]
    return entries, len(found) - len(entries)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")  # spreadsheets put a mark in front
    except FileNotFoundError:
        raise LabelFileError(f"{path} does not exist") from None
    except UnicodeDecodeError:
        raise LabelFileError(f"{path} is not UTF-8 text; save it as UTF-8") from None
    except OSError as error:
        raise LabelFileError(f"{path} cannot be read: {error.strerror}") from None


def _csv_rows(text: str) -> Iterator[tuple[int, Row]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="", strict=True)
    before = 1
    for row in reader:
        # A text can have several lines; what is named is its first.
        yield before + 1, partial(_csv_row, row)
        before = reader.line_num


def _csv_row(row: dict[str, str]) -> Mapping[str, str]:
    if "" in row:
        raise ValueError("it has more values than the first line has columns; put texts with commas in quotes")
    return row


def _json_rows(text: str) -> Iterator[tuple[int, Row]]:
    for line, row in enumerate(text.split("\n"), start=1):
        if row.strip():
            yield line, partial(_json_row, row)


def _json_row(text: str) -> Mapping[str, str]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} at column {error.colno}") from None
    if not isinstance(value, dict):
        raise ValueError('it is not a JSON object such as {"trace_id": "…", "label": "fail"}')  # noqa: TRY004 - of the file, not the caller
    return {key: _as_text(key, one) for key, one in value.items()}


def _as_text(key: str, value: Any) -> str:
    if isinstance(value, (dict, list, bool)):
        raise ValueError(f"{key} is neither text nor a number")  # noqa: TRY004
    return "" if value is None else str(value)


_FORMATS: Final = {".csv": _csv_rows, ".jsonl": _json_rows, ".ndjson": _json_rows}
