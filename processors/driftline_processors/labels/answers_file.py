"""Answers for people as rows of a file: to be labelled, or with their labels."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

from driftline.errors import DriftlineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from driftline_store.examples import Key, Texts
    from driftline_store.labels import Label

Row = dict[str, Any]

_NO_TEXTS: Final = ("", "", "")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula, which a text of a stranger must not be."""


def to_label(answers: Sequence[Key], name: str, probability: float | None, texts: Mapping[Key, Texts]) -> Iterator[Row]:
    """Rows that wait for a score or a label."""
    for key in answers:
        known = {"trace_id": key[0], "span_id": key[1], "name": name, "probability": probability}
        yield {**known, "score": None, "label": "", "labeller": "", "note": "", **_texts(texts.get(key, _NO_TEXTS))}


def labelled(labels: Iterable[Label], texts: Mapping[Key, Texts]) -> Iterator[Row]:
    """Rows with labels and what they are about."""
    for one in labels:
        yield {
            "trace_id": one.trace_id,
            "span_id": one.span_id,
            "name": one.name,
            "probability": one.probability or None,
            "score": one.score,
            "label": one.label,
            "labeller": one.labeller,
            "note": one.note,
            "at": one.at.isoformat(timespec="milliseconds"),
            **_texts(texts.get((one.trace_id, one.span_id), _NO_TEXTS)),
        }


def as_text(rows: Iterable[Row], form: str) -> str:
    """The text of a file of rows; ``form`` is ``csv`` or ``jsonl``."""
    return _FORMATS[form](list(rows))


def write(file: Path, rows: Iterable[Row]) -> None:
    """Write rows in the format that the file's name says.

    Raises:
        DriftlineError: it says none of them, or the file cannot be written.
    """
    form = file.suffix.lower().removeprefix(".")
    if form not in _FORMATS:
        raise DriftlineError(f"{file} is neither .csv nor .jsonl; name the file by what it is to be")
    try:
        file.write_text(as_text(rows, form), encoding="utf-8", newline="")
    except OSError as error:
        raise DriftlineError(f"{file} cannot be written: {error.strerror}; name another file") from None


def _texts(texts: Texts) -> Row:
    return dict(zip(("system", "input", "output"), texts, strict=True))


def _as_csv(rows: Sequence[Row]) -> str:
    written = io.StringIO()
    if rows:
        writer = csv.DictWriter(written, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(name, value) for name, value in row.items()} for row in rows)
    return written.getvalue()


def _cell(name: str, value: Any) -> Any:
    is_text = name in {"system", "input", "output"}
    return f"'{value}" if is_text and value.startswith(_FORMULA) else value


def _as_json(rows: Sequence[Row]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


_FORMATS: Final[dict[str, Callable[[Sequence[Row]], str]]] = {"csv": _as_csv, "jsonl": _as_json}
