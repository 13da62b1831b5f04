"""What the page of the system asks the store: how Driftline itself is, as ``driftline status`` tells it too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_alerts.reporting import has_worked
from driftline_dashboard.store import reading
from driftline_processors import dead_letters, reports
from driftline_processors.judge import accounting, ledger, plan
from driftline_processors.matching import unmatched
from driftline_processors.prices import unpriced
from driftline_store import collectors, sizes

if TYPE_CHECKING:
    from datetime import datetime

    from driftline_processors.dead_letters import Group, Letter
    from driftline_processors.judge.accounting import Coverage
    from driftline_processors.judge.ledger import Spent
    from driftline_processors.judge.plan import Sampled
    from driftline_processors.matching.unmatched import Unmatched
    from driftline_processors.prices.unpriced import Unpriced
    from driftline_processors.reports import Instance
    from driftline_store.collectors import Sent
    from driftline_store.sizes import Holding

UNPRICED_DAYS: Final = 30
MOST_LETTERS: Final = 20
"""Of reasons, and of letters."""
MOST_BYTES: Final = 256_000
"""Of one letter that are looked at."""
_TTL: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Standing:
    """How Driftline itself is, but for what runs.

    Attributes:
        sent: what applications' collectors sent in the last hour.
        judged: by evaluator, in the last 24 hours.
        evaluators: in force, with their budgets.
        spent: by evaluator.
        reasons: of open dead letters.
        letters: the newest open ones.
        unpriced: models of the last ``UNPRICED_DAYS`` days without a price.
        unmatched: feedback without its request.
        store: what it holds.
        had_alerts: whether an alert worker ever ran, as far as the store remembers.
    """

    sent: tuple[Sent, ...]
    judged: tuple[Coverage, ...]
    evaluators: tuple[Sampled, ...]
    spent: dict[str, Spent]
    reasons: tuple[Group, ...]
    letters: tuple[Letter, ...]
    unpriced: tuple[Unpriced, ...]
    unmatched: Unmatched
    store: Holding
    had_alerts: bool


@st.cache_data(ttl=_TTL, max_entries=2, show_spinner=False)
def running(as_of: datetime) -> tuple[Instance, ...]:
    """The parts that report.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    del as_of  # only the key of the cache
    with reading("which parts run") as client:
        return tuple(reports.alive(client))


@st.cache_data(ttl=_TTL, max_entries=2, show_spinner=False)
def standing(half_minute: datetime) -> Standing:
    """What changes slowly, so that it is read twice a minute.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    del half_minute  # only the key of the cache
    with reading("how Driftline is") as client:
        return Standing(
            sent=tuple(collectors.last_hour(client)),
            judged=tuple(accounting.coverage(client)),
            evaluators=tuple(plan.in_force(client)),
            spent=ledger.spent(client),
            reasons=tuple(dead_letters.groups(client, limit=MOST_LETTERS)),
            letters=tuple(dead_letters.letters(client, limit=MOST_LETTERS)),
            unpriced=tuple(unpriced.unpriced(client, UNPRICED_DAYS)),
            unmatched=unmatched.unmatched(client),
            store=sizes.holding(client),
            had_alerts=has_worked(client),
        )


@st.cache_data(ttl=_TTL, max_entries=10, show_spinner=False)
def letter(place: str) -> tuple[Letter, bytes]:
    """One dead letter, and the first ``MOST_BYTES`` of its bytes.

    Raises:
        DeadLetterError: there is none at this place.
        StoreError: the store cannot be reached or fails.
    """
    with reading("a dead letter") as client:
        found = dead_letters.find(client, place)
        return found, dead_letters.value_of(client, found, most=MOST_BYTES)


def whole(found: Letter) -> bytes:
    """All bytes of a dead letter.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    with reading("a dead letter") as client:
        return dead_letters.value_of(client, found)
