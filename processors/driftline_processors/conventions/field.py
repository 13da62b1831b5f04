"""A canonical field and the places where its value can stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from driftline_processors.conventions.classes import mapped
from driftline_processors.conventions.parsed import first_of
from driftline_processors.conventions.sources import Attr

if TYPE_CHECKING:
    from driftline_processors.conventions.sources import Kind, Source


@dataclass(frozen=True)
class Field:
    """A canonical field.

    Attributes:
        name: column of ``llm_spans``, or a value that ``views`` derives columns from.
        sources: where to look, best first.
        words: what a value is called here, for values of other conventions in lower case.
    """

    name: str
    kind: Kind
    sources: tuple[Source, ...]
    words: dict[str, str] = field(default_factory=dict)

    def sql(self) -> str:
        """Expression of the first value that was sent; '' or NULL when none was."""
        found = first_of([source.sql() for source in self.sources])
        return self.kind.sql(mapped(f"lower({found})", self.words) if self.words else found)


def attrs(*keys: str) -> tuple[Source, ...]:
    """Span attributes, best first."""
    return tuple(Attr(key) for key in keys)
