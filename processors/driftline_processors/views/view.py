"""A materialized view as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class View:
    """A materialized view that moves rows into a table of the store.

    Attributes:
        name: of the view.
        target: table that the rows go to.
        query: the SELECT, reading the table that inserts arrive in.
    """

    name: str
    target: str
    query: str

    @property
    def create(self) -> str:
        """Statement that creates the view if it is not there."""
        return f"CREATE MATERIALIZED VIEW IF NOT EXISTS {self.name} TO {self.target} AS\n{self.query}"

    @property
    def modify(self) -> str:
        """Statement that gives an existing view this query.

        It keeps the view's identity, which is part of how a redo after a crash is recognised, where
        dropping and creating it anew would let the redo through twice.
        """
        return f"ALTER TABLE {self.name} MODIFY QUERY\n{self.query}"


def arrays(alias: str, attributes: str) -> str:
    """Parallel arrays of an attribute list, as ``conventions.sources`` expects them.

    Args:
        alias: the tuple that holds the attribute list.
        attributes: name of the list in it.
    """
    items = f"{alias}.{attributes}"
    return f"""\
        {items}.key AS k,
        {items}.value.string_value AS sv,
        {items}.value.int_value AS iv,
        {items}.value.double_value AS dv,
        {items}.value.bool_value AS bv,
        {items}.value.array_value AS av,
        {items}.value.kvlist_value AS lv"""


def select(columns: list[tuple[str, str]], source: str, where: str = "") -> str:
    """``SELECT expression AS column, … FROM (source)``."""
    listed = ",\n    ".join(f"{expression} AS {column}" for column, expression in columns)
    condition = f"\nWHERE {where}" if where else ""
    return f"SELECT\n    {listed}\nFROM (\n{source}\n){condition}"
