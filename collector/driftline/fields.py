"""Reading values that are only known by their shape, and names that may be anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_MAX_LABEL = 256
_NOTHING: Final[dict[str, Any]] = {}
_MOST: Final = 1 << 63
_LISTS: Final = (list, tuple)


def members(source: Any) -> Mapping[str, Any]:
    """What a dict or an object holds by itself; empty when that is nothing.

    None of the object's own code runs, neither a property nor ``__getattr__``: an ORM's would query its database, and a
    mock's has an answer to everything.
    """
    kind = type(source)
    if kind is dict:
        return source  # type: ignore[no-any-return]  # it is a dict
    if source is None:
        return _NOTHING
    try:
        if hasattr(kind, "__pydantic_extra__"):
            own, extra = source.__dict__, source.__pydantic_extra__  # what a model was given beyond its fields
            return {**own, **extra} if extra else own
        if issubclass(kind, dict):
            return dict.copy(source)
        own = source.__dict__
    except Exception:  # noqa: BLE001 - even asking for the members may raise
        return _NOTHING
    return own if type(own) is dict else _NOTHING


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


def text(value: Any) -> str | None:
    """The value if it is text, so that a mock or a number is not taken for a name."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[no-any-return]  # it is a text
    return str.__str__(value) if issubclass(kind, str) else None


def count(value: Any) -> int | None:
    """The value if it is a number of something."""
    if type(value) is not int:
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        value = int(value)
    return value if 0 <= value < _MOST else None


def items(value: Any) -> Sequence[Any]:
    """The elements of a list or tuple; nothing for any other object, least of all an iterator."""
    return value if issubclass(type(value), _LISTS) else ()


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
