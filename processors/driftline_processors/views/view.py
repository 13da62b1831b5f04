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


def arrays(item: str) -> str:
    """Columns with the attributes of a span or record as the parallel arrays of ``conventions.sources``.

    Args:
        item: the tuple that holds the attribute list.
    """
    return f"{item}.attributes.key AS k, {texts(item)} AS v, {item}.attributes.value.array_value AS av"


def texts(item: str) -> str:
    """Values of an attribute list as text; structured ones as their bytes, tagged and in base64."""
    return (
        "arrayMap(x -> coalesce(x.string_value, toString(x.int_value), toString(x.double_value), "
        "toString(x.bool_value), 'otlp-array:' || base64Encode(x.array_value), "
        f"'otlp-kvlist:' || base64Encode(x.kvlist_value), ''), {item}.attributes.value)"
    )


def select(columns: list[tuple[str, str]], source: str, where: str = "") -> str:
    """``SELECT expression AS column, … FROM (source)``."""
    listed = ",\n    ".join(f"{expression} AS {column}" for column, expression in columns)
    condition = f"\nWHERE {where}" if where else ""
    return f"SELECT\n    {listed}\nFROM (\n{source}\n){condition}"
