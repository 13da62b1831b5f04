"""Feedback whose request is not known: what waits, and what was given up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_store.client import store_errors

if TYPE_CHECKING:
    from driftline_store.client import Client

_QUERY: Final = """\
SELECT '', count() FROM evaluations_pending WHERE id NOT IN (SELECT id FROM evaluations_matched)
UNION ALL
SELECT reason, count() FROM evaluations_matched WHERE reason != '' GROUP BY reason"""


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Feedback that names a request which is not known.

    Attributes:
        waiting: whose request may still come.
        given_up: that is looked for no more, by the reason.
    """

    waiting: int
    given_up: dict[str, int]


def unmatched(client: Client) -> Unmatched:
    """All of it that the store has.

    Raises:
        StoreError: the store cannot be read.
    """
    with store_errors("counting feedback without its request"):
        found = {str(reason): int(count) for reason, count in client.query(_QUERY).result_rows}
    return Unmatched(found.pop("", 0), dict(sorted(found.items())))
