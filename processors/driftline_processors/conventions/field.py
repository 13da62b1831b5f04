"""A canonical field and the places where its value can stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from driftline_processors.conventions.classes import mapped
from driftline_processors.conventions.slots import first_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from driftline_processors.conventions.sources import Kind, Places, Source


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

    def sql(self, at: Places) -> str:
        """Expression of the first value that was sent; '' or NULL when none was."""
        found = first_of(source.sql(at) for source in self.sources)
        return self.kind.sql(mapped(f"lower({found})", self.words) if self.words else found)


def sources_of(fields: Iterable[Field]) -> tuple[Source, ...]:
    """All places where values of these fields can stand."""
    return tuple(source for field in fields for source in field.sources)
