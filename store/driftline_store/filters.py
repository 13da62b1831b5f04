"""A segment as SQL: dimensions that must have exactly these values, each of them bound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from driftline_store.metrics import check_dimension

if TYPE_CHECKING:
    from collections.abc import Mapping


def filtered(where: Mapping[str, str] | None, row: str = "") -> tuple[list[str], dict[str, str]]:
    """Conditions that rows are of a segment, and their parameters.

    Args:
        where: dimension -> value; None and nothing: all rows are.
        row: what a statement calls a row; '' for nothing.

    Raises:
        ValueError: an unknown dimension.
    """
    names = [check_dimension(name) for name in where or {}]
    before = f"{row}." if row else ""
    conditions = [f"{before}{name} = {{where_{name}:String}}" for name in names]
    return conditions, {f"where_{name}": value for name, value in (where or {}).items()}
