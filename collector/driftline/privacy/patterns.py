"""What is looked for in texts: one table. To find something else is to add a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline.errors import SettingsError
from driftline.privacy import personal, secrets

if TYPE_CHECKING:
    from driftline.privacy.pattern import Pattern

BUILT_IN: Final[tuple[Pattern, ...]] = (*secrets.ROWS, *personal.ROWS)
"""Where two rows find something at one place, the first of them has it."""


def named(names: str) -> tuple[Pattern, ...]:
    """Choose rows of the table.

    Args:
        names: separated by commas; empty: all.

    Raises:
        SettingsError: there is no row of that name.
    """
    chosen = {name.strip() for name in names.split(",")} - {""}
    known = list(dict.fromkeys(row.name for row in BUILT_IN))
    unknown = sorted(chosen.difference(known))
    if unknown:
        raise SettingsError(f"setting 'redact_patterns' names {unknown[0]!r}; known are: {', '.join(known)}")
    return tuple(row for row in BUILT_IN if not chosen or row.name in chosen)
