"""Reading values that are only known by their shape, and names that may be anything."""

from __future__ import annotations

from typing import Any

_MAX_LABEL = 256


def field(source: object, name: str) -> Any:
    """The value under ``name``, or None when there is none or reading it fails."""
    if source is None:
        return None
    if isinstance(source, dict):
        return source.get(name)
    try:
        return getattr(source, name, None)
    except Exception:  # noqa: BLE001 - a property of a foreign object may raise anything
        return None


def text(value: object) -> str | None:
    """The value if it is text, so that a mock or a number is not taken for a name."""
    return str.__str__(value) if isinstance(value, str) else None


def count(value: object) -> int | None:
    """The value if it is a number of something."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 63:
        return None
    return int(value)


def items(value: object) -> list[Any]:
    """The elements of a list or tuple; nothing for any other object, least of all an iterator."""
    return list(value) if isinstance(value, list | tuple) else []


def clean(text: str) -> str:
    """Replace lone surrogates, which UTF-8 and so the wire cannot carry."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


def label(value: object) -> str | None:
    """A name as an attribute: text that the wire can carry, cut to 256 characters; None for nothing. Never raises."""
    if value is None or value == "":
        return None
    try:
        return clean(str(value)[:_MAX_LABEL])
    except Exception:  # noqa: BLE001 - the application's __str__ may raise anything
        return None
