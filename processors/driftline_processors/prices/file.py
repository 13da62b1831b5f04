"""The user's price file: read, with the place of each mistake, and laid over another price book."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import ValidationError

from driftline.errors import SettingsError
from driftline_processors import yaml_file
from driftline_processors.prices.book import EVER, FOREVER, LAST_MINUTE, Period, Quote
from driftline_processors.prices.entry import LongInput, PriceEntry
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from driftline_processors.prices.book import PriceBook

_KEY: Final = "prices"
_ENTRY_KEYS: Final = ("provider", "model", "from", "free", "input", "cache_read", "cache_write", "output", "tiers")


class FilePriceBook:
    """Prices of a file; what it says nothing about is as in the book below.

    Args:
        text: of the file.
        source: its name, for messages.
        below: the other book.

    Raises:
        SettingsError: the first mistake, as ``prices.yaml line 7, column 12: price of 'gpt-4o': …``.
    """

    def __init__(self, text: str, source: str, below: PriceBook) -> None:
        self.entries = parse_prices(text, source)
        self.below = below
        self.file_version = f"file:{hashlib.sha256(text.encode()).hexdigest()[:8]}"
        self.version = f"{self.file_version}, {below.version}"

    def quote(self, provider: str, model: str) -> Quote:
        """See ``PriceBook``. Days before the first entry of a model have the price of the book below."""
        below = self.below.quote(provider, model)
        entries = self._entries(provider.strip().lower(), model.strip().lower())
        return _laid_over(below, entries, self.file_version) if entries else below

    def common(self) -> Iterator[tuple[str, str]]:
        """See ``PriceBook``: the models that the file names in full, and those of the book below."""
        yield from ((entry.provider, entry.model) for entry in self.entries if "*" not in entry.model)
        yield from self.below.common()

    def _entries(self, provider: str, model: str) -> list[PriceEntry]:
        """The history of the model by the entries that name it most exactly."""
        found = [entry for entry in self.entries if entry.matches(provider, model)]
        if not found:
            return []
        best = max(found, key=lambda entry: entry.weight)
        history = [entry for entry in found if (entry.provider, entry.model) == (best.provider, best.model)]
        return sorted(history, key=lambda entry: entry.since or EVER)


def _laid_over(below: Quote, entries: Sequence[PriceEntry], version: str) -> Quote:
    days = [entry.since or EVER for entry in entries]
    ends = [*(day - timedelta(days=1) for day in days[1:]), FOREVER]
    last = days[0] - timedelta(days=1)
    kept = [replace(one, valid_to=min(one.valid_to, last)) for one in below.periods if one.valid_from <= last]
    # All days of a model are cut at the same minutes.
    minutes = sorted({0, *(period.from_minute for period in kept)})
    minute_ends = [*(minute - 1 for minute in minutes[1:]), LAST_MINUTE]
    added = [
        Period(entry.price_tiers, version, day, end, minute, minute_end)
        for entry, day, end in zip(entries, days, ends, strict=True)
        for minute, minute_end in zip(minutes, minute_ends, strict=True)
    ]
    return Quote((*kept, *added), version, below.left_out if kept else ())


def read_price_file(path: Path, below: PriceBook) -> FilePriceBook:
    """The prices of a file over another book.

    Raises:
        SettingsError: the file cannot be read or is wrong; names file, line and column.
    """
    return FilePriceBook(yaml_file.read_text(path, "prices", "prices_file"), str(path), below)


def parse_prices(text: str, source: str) -> tuple[PriceEntry, ...]:
    """Read the text of a price file.

    Args:
        text: YAML with one key, ``prices``, a list.
        source: the file's name, for messages.

    Raises:
        SettingsError: the first mistake, with its place.
    """
    root = yaml_file.compose(text, source, if_empty="write 'prices: []' to have no prices of your own")
    entries: dict[tuple[str, str, object], PriceEntry] = {}
    for node in yaml_file.items(root, _KEY, source):
        entry = _entry(node, source)
        key = (entry.provider, entry.model, entry.since)
        if key in entries:
            raise SettingsError(
                f"{source} {yaml_file.place(node)}: price of {entry.model!r}: an entry with the same "
                "provider, model and 'from' stands above; remove one"
            )
        entries[key] = entry
    return tuple(entries.values())


def _entry(node: yaml.MappingNode, source: str) -> PriceEntry:
    named = yaml_file.value(node, "model")
    who = f"price of {named.value!r}" if isinstance(named, yaml.ScalarNode) else "a price without a model"
    try:
        return PriceEntry.model_validate(yaml_file.construct(node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        at = f"line {mark.line + 1}, column {mark.column + 1}" if mark else yaml_file.place(node)
        raise SettingsError(f"{source} {at}: {who}: {error.problem}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = yaml_file.place(yaml_file.find(node, first["loc"]))
        raise SettingsError(f"{source} {at}: {who}: {_reason(first)}") from None
    except ValueError as error:  # such as a date that does not exist
        raise SettingsError(f"{source} {yaml_file.place(node)}: {who}: {error}") from None


def _reason(error: Any) -> str:
    kind, given, path = error["type"], error["input"], error["loc"]
    key = next((str(step) for step in reversed(path) if isinstance(step, str)), "")
    if kind == "missing":
        return f"{key!r} is missing"
    if kind == "extra_forbidden":
        known = ("above", *LongInput.model_fields) if "tiers" in path else _ENTRY_KEYS
        return f"{key!r} is unknown; {closest(key, known)}"
    if kind == "value_error":
        reason = str(error["ctx"]["error"])
        shown = f", not {given!r}" if isinstance(given, bool | str) and repr(given) not in reason else ""
        return f"{key!r} {reason}{shown}" if key else reason
    return f"{key!r} is {given!r}: {error['msg'][0].lower()}{error['msg'][1:]}"
