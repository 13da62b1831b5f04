"""A materialized view as a value."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline_processors.conventions.sources import Places

_NAME: Final = re.compile(r"\b[a-z_]\w*\b")
_QUOTED: Final = re.compile(r"'(?:[^'\\]|\\.)*'")
_SOURCE: Final = re.compile(r"(?P<verb>\b(?:FROM|JOIN)\s+)(?P<table>[a-z_]\w*)")


@dataclass(frozen=True)
class View:
    """A materialized view that moves rows into a table of the store.

    Attributes:
        name: of the view.
        target: table that the rows go to.
        query: the SELECT, reading the table that inserts arrive in.
        plain: fingerprint of the same view without what users have declared; '' where that is nothing.
    """

    name: str
    target: str
    query: str
    plain: str = ""

    @property
    def fingerprint(self) -> str:
        """Tells this query from another one."""
        return hashlib.sha256(f"{self.target}\n{self.query}".encode()).hexdigest()

    @property
    def comment(self) -> str:
        """What the view carries in the store: the fingerprint of this Driftline's query, and that with declarations."""
        return f"{self.plain}+{self.fingerprint}" if self.plain else self.fingerprint

    @property
    def sources(self) -> frozenset[str]:
        """Names of the tables that the query reads."""
        return frozenset(match["table"] for match in _SOURCE.finditer(self.query))

    def moved(self, suffix: str, names: Mapping[str, str]) -> View:
        """The same view between other tables.

        Args:
            suffix: added to its name.
            names: table -> the one that takes its place, as source and as target; others stay.
        """
        query = _SOURCE.sub(lambda match: match["verb"] + names.get(match["table"], match["table"]), self.query)
        return View(self.name + suffix, names.get(self.target, self.target), query)

    @property
    def create(self) -> str:
        """Statement that creates the view if it is not there."""
        return self._statement("CREATE MATERIALIZED VIEW IF NOT EXISTS")

    @property
    def replace(self) -> str:
        """Statement that puts this query into the place of an existing view's.

        Not ``ALTER TABLE … MODIFY QUERY``: until the engine's next start a view changed so gives blocks
        other names to be recognised by, and a redo of theirs after a crash would be stored twice
        (measured with 26.9; ``tests/ingest/test_install.py`` holds it).
        """
        return self._statement("CREATE OR REPLACE MATERIALIZED VIEW")

    def _statement(self, verb: str) -> str:
        return f"{verb} {self.name} TO {self.target} AS\n{self.query}\nCOMMENT '{self.comment}'"


def texts(item: str) -> str:
    """Values of an attribute list as text; structured ones as their bytes, tagged and in base64."""
    return (
        "arrayMap(x -> coalesce(x.string_value, toString(x.int_value), toString(x.double_value), "
        "toString(x.bool_value), 'otlp-array:' || base64Encode(x.array_value), "
        f"'otlp-kvlist:' || base64Encode(x.kvlist_value), ''), {item}.attributes.value)"
    )


def attributes(item: str, places: Places) -> str:
    """Columns with a span's or record's attributes: ``k`` and ``v``, its keys and texts, and ``c``, their codes.

    Args:
        item: the tuple that holds the attribute list.
        places: what will be looked for.
    """
    keys = f"{item}.attributes.key"
    return f"{keys} AS k, {texts(item)} AS v, {places.attributes.codes(keys)} AS c"


def resource_attributes(places: Places) -> str:
    """Column ``r``, the attributes of the resource ``rs`` by slot."""
    codes = places.resource.codes("rs.resource.attributes.key")
    return f"{places.resource.filled(codes, texts('rs.resource'))} AS r"


def nested(columns: list[tuple[str, str]], source: str) -> str:
    """The source's rows with more columns, which may name one another.

    Each level of the query has the columns that need nothing but what is below it. In one level the engine would put
    a named expression wherever its name stands, and plan it as often.

    Args:
        columns: name -> expression, in the order in which they can be made.
        source: a SELECT whose columns are passed on.
    """
    levels: dict[str, int] = {}
    for column, expression in columns:
        named = set(_NAME.findall(_QUOTED.sub("", expression)))
        levels[column] = 1 + max((level for name, level in levels.items() if name in named), default=-1)
    for level in range(1 + max(levels.values(), default=-1)):
        listed = ",\n    ".join(
            f"{expression} AS {column}" for column, expression in columns if levels[column] == level
        )
        source = f"SELECT\n    {listed},\n    *\nFROM (\n{source}\n)"
    return source


def select(columns: list[tuple[str, str]], source: str, where: str = "") -> str:
    """``SELECT expression AS column, … FROM (source)``."""
    listed = ",\n    ".join(f"{expression} AS {column}" for column, expression in columns)
    condition = f"\nWHERE {where}" if where else ""
    return f"SELECT\n    {listed}\nFROM (\n{source}\n){condition}"
