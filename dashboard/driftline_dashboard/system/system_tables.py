"""The tables of the page about Driftline itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard.places import LETTER, SYSTEM, link
from driftline_dashboard.system.system_data import MOST_LETTERS, UNPRICED_DAYS
from driftline_dashboard.text import day_and_time, escape
from driftline_dashboard.widgets.facts import money
from driftline_dashboard.widgets.table import table
from driftline_processors.judge.ledger import NOTHING
from driftline_processors.reports import ALIVE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from driftline_dashboard.system.system_data import Standing
    from driftline_dashboard.view import View
    from driftline_processors.reports import Instance, Reading, Trouble
    from driftline_store.sizes import Table

_UNITS: Final = ("B", "kB", "MB", "GB", "TB")
_MOST_PARTITIONS: Final = 12


def parts(running: Sequence[Instance]) -> None:
    """What runs, what it owns, and how much of that waits."""
    rows = [
        (
            instance.part,
            f"{instance.host}:{instance.pid}",
            f"{instance.age:.0f} s ago",
            topic or "-",
            _owned(readings),
            f"{readings['lag'].value:,.0f}" if "lag" in readings else "-",
            _rate(instance.rate(topic, "messages")),
            _trouble(instance.trouble(topic)),
        )
        for instance in running
        for topic, readings in instance.topics.items()
    ]
    table(
        "parts", "What runs",
        ("Part", "Process", "Seen", "Topic, evaluator or task", "Owns: partition (waiting)", "Waiting", "Messages/s",
         "Last error"),
        rows, note=f"has reported in the last {ALIVE_SECONDS} s", none="Nothing reports.",
    )  # fmt: skip


def sent(now: Standing) -> None:
    """From the applications to the store, by service."""
    rows = [
        (
            one.service or "-",
            one.environment or "-",
            f"{one.instances:,}",
            f"{one.emitted:,}",
            f"{one.events:,}",
            f"{one.acknowledged:,}",
            f"{one.queued:,} + {one.spooled:,}",
            f"{one.dropped:,}",
            f"{one.stored:,}",
            percent(one.stored, one.emitted) or "-",
        )
        for one in now.sent
    ]
    table(
        "sent", "From the applications to the store",
        ("Service", "Environment", "Processes", "Spans sent", "Feedback sent", "Both, on the bus",
         "Wait in memory + on disk", "Dropped", "Spans stored", "Coverage"),
        rows, note="as their collectors counted, last hour; other senders do not say what they sent",
        none="No application's collector has reported in the last hour.",
    )  # fmt: skip


def letters(view: View, now: Standing) -> None:
    """Why messages could not be stored, and a way to the newest of them."""
    rows = [(f"{one.count:,}", one.topic, day_and_time(one.newest), one.error) for one in now.reasons]
    table(
        "letters", "Dead letters", ("Open", "Topic", "Newest", "Error"), rows, note="messages that could not be stored",
        none="None is open: every message that ingest has read is stored.",
    )  # fmt: skip
    if not now.letters:
        return
    with st.container(key="newest-letters", gap=None):
        for one in now.letters:
            line = st.container(key=f"letter-{one.place}", horizontal=True, vertical_alignment="center", gap="small")
            link(line, SYSTEM, day_and_time(one.at), view, **{LETTER: one.place})
            line.html(f"<div>{escape(one.place)}, {size(one.size)}, {one.state}</div>")
    if len(now.letters) == MOST_LETTERS:
        st.html(f'<p class="dl-muted">The newest {MOST_LETTERS}; all of them: driftline dead-letters list</p>')


def judges(now: Standing) -> None:
    """What the evaluators did and spent, against their budgets."""
    done = {one.evaluator: one for one in now.judged}
    plan = {one.name: one for one in now.evaluators}
    rows = []
    for name in sorted(done.keys() | plan.keys() | now.spent.keys()):
        counted, planned, so_far = done.get(name), plan.get(name), now.spent.get(name, NOTHING)
        rows.append(
            (
                name,
                f"{counted.judged:,} of {counted.sampled:,}" if counted else "0 of 0",
                f"{counted.failed:,}" if counted else "0",
                _budget(so_far.day, planned.per_day if planned else None),
                _budget(so_far.month, planned.per_month if planned else None),
            )
        )
    table(
        "judges", "Judges", ("Evaluator", "Judged, last 24 h", "Failed", "Spent today", "Spent this month"), rows,
        note="days and months of UTC", none="No evaluator is in force: judging is off.",
    )  # fmt: skip


def unpriced(now: Standing) -> None:
    """Models of which no price is known."""
    rows = [(one.provider or "-", one.model, f"{one.calls:,}", day_and_time(one.last_seen)) for one in now.unpriced]
    table(
        "unpriced", "Models without a price", ("Provider", "Model", "Calls", "Last seen"), rows,
        note=f"last {UNPRICED_DAYS} days", none="None: every call's model has a price.",
    )  # fmt: skip


def left_out(now: Standing) -> None:
    """What is in no number, by the reason."""
    counts = {
        "Dropped by applications, last hour": sum(one.dropped for one in now.sent),
        "Dead letters, open": sum(group.count for group in now.reasons),
        "Judgements that failed, last 24 h": sum(one.failed for one in now.judged),
        "Feedback whose request may still come": now.unmatched.waiting,
        **{f"Feedback given up: {reason}": count for reason, count in now.unmatched.given_up.items()},
    }
    rows = [(reason, f"{count:,}") for reason, count in counts.items() if count]
    table("left-out", "Left out", ("Reason", "How many"), rows, note="of all other numbers", none="Nothing.")


def stored(now: Standing) -> None:
    """The tables with something in them, and how long they keep it."""
    rows = [(one.name, f"{one.rows:,}", size(one.size), _kept(one)) for one in now.store.tables if one.rows]
    table(
        "stored", "The store", ("Table", "Rows", "On disk", "Kept"), rows,
        note=f"schema {now.store.schema}; texts are deleted before their rows (keep_content_days)", none="It is empty.",
    )  # fmt: skip


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            break
        count /= 1000
    return f"{count:.3g} {unit}" if count < 1000 else f"{count:,.0f} {unit}"


def percent(part: int, whole: int) -> str:
    """A share with two digits behind the point, never 100 while anything is missing; '' of nothing."""
    if not whole:
        return ""
    share = part / whole
    return f"{(min(share, 0.9999) if share < 1 else share):.2%}"


def _owned(readings: Mapping[str, Reading]) -> str:
    """The partitions of a topic; of an alert worker, which has none, the rules."""
    if "rules" in readings:
        return f"{readings['rules'].value:,.0f} rules" if readings["leads"].value else "none, stands by"
    if "lag" not in readings:
        return "-"
    partitions = readings["lag"].partitions
    shown = [f"{number} ({lag:,.0f})" for number, lag in sorted(partitions.items())]
    rest = [f"and {len(shown) - _MOST_PARTITIONS:,} more"] if len(shown) > _MOST_PARTITIONS else []
    return ", ".join(shown[:_MOST_PARTITIONS] + rest) or "none, stands by"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _trouble(trouble: Trouble | None) -> str:
    if trouble is None:
        return "none"
    when = f"for {trouble.lasts:.0f} s" if trouble.lasts else f"{trouble.ago:.0f} s ago"
    return f"{when}: {trouble.text}"


def _budget(spent: Decimal, limit: Decimal | None) -> str:
    return f"{money(spent)} of {money(limit)}" if limit is not None else f"{money(spent)}, no limit"


def _kept(one: Table) -> str:
    return ", ".join(f"{days:,} days" + (f" ({of})" if of else "") for of, days in one.kept) or "for ever"
