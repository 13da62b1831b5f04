"""A replay from its begin to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from driftline.bus.leader import CONTROL_TOPIC
from driftline.errors import BusError
from driftline_processors.destinations import DESTINATIONS
from driftline_processors.ingest import GROUP
from driftline_processors.replay import purges, shadow, sums
from driftline_processors.replay.derive import derive, stretches
from driftline_processors.replay.merge import merge
from driftline_processors.replay.shadow import NEW, listed
from driftline_processors.replay.swap import State, planned, swap
from driftline_processors.replay.tables import ROWS, SUMS
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.bus import Bus
    from driftline_processors.judge.check import CheckConfig
    from driftline_processors.replay.derive import Range, Read

JUDGES: Final = "judge"
"""Group of the judges, one of which leads."""


class Progress(Protocol):
    """Shows how far it is."""

    def step(self, what: str, total: int | None = None) -> None:
        """A step begins, of ``total`` parts if that is known."""

    def advance(self, parts: int) -> None:
        """So many parts of it are done."""


@dataclass(frozen=True)
class Outcome:
    """What a replay did, or would do.

    Attributes:
        read: messages.
        figures: table -> title -> (before, after), over the partitions that are swapped.
        left: days whose sums stay as they are because rows of theirs have expired.
        swapped: whether the live tables were changed.
    """

    read: Read
    figures: Mapping[str, Mapping[str, tuple[Any, Any]]]
    left: set[str]
    swapped: bool


def replay(
    client: Client,
    bus: Bus,
    span: Range,
    *,
    batch_bytes: int,
    dry_run: bool,
    progress: Progress,
    checks: Sequence[CheckConfig] = (),
) -> Outcome:
    """Derive the tables again from the messages of a time, and swap them for the live ones.

    Args:
        client: of the store, whose schema and views are up to date.
        bus: with the messages.
        span: bus time of the messages.
        batch_bytes: most bytes of messages in one insert.
        dry_run: whether to do all but the swap.
        progress: told about each step.
        checks: of ``evaluators.yaml``, which the answers are checked by again.

    Raises:
        BusError: the bus is away, or ingest or the judge are running.
        StoreError: the store failed a statement, or somebody wrote to it; nothing was swapped, or the swap was begun
            and has to be completed.
    """
    refuse_writers(bus)
    found = stretches(bus, span)
    before = State.of(client)
    shadow.create(client, checks)
    progress.step("reading messages", sum(stretch.end - stretch.first for stretch in found))
    read = derive(client, bus, found, batch_bytes=batch_bytes, moved=progress.advance)
    progress.step("putting rows together")
    merged = {rows.table: merge(client, rows, span.since) for rows in ROWS}
    purges.repeat(client)
    progress.step("summing")
    changed = set().union(*(one.days for one in merged.values()))
    days = set.intersection(changed, *(sums.complete(client, one, changed) for one in SUMS)) if changed else set()
    affected = {table: one.partitions for table, one in merged.items()}
    if days:
        sums.feed(client, merged, days)
        affected |= {one.table: sums.finish(client, one, days) for one in SUMS}
    outcome = Outcome(read, _figures(client, affected), changed - days, swapped=not dry_run)
    if not dry_run:
        progress.step("swapping tables")
        refuse_writers(bus)
        before.check(client)
        swap(client, span, planned(client, affected), days)
    shadow.remove(client)
    return outcome


def refuse_writers(bus: Bus) -> None:
    """Make sure that nobody writes to the tables.

    Raises:
        BusError: the bus is away, or somebody does.
    """
    groups = [(target.topic, GROUP) for target in DESTINATIONS] + [(CONTROL_TOPIC, JUDGES)]
    running = {group for topic, group in groups if bus.members(topic, group=group)}
    if running:
        raise BusError(
            f"a replay needs the tables for itself but {' and '.join(sorted(running))} is running; stop it, or what "
            "started it, such as driftline up, and run the replay again (a part that was killed counts for ten seconds)"
        )


def _figures(client: Client, affected: Mapping[str, set[str]]) -> dict[str, dict[str, tuple[Any, Any]]]:
    found: dict[str, dict[str, tuple[Any, Any]]] = {}
    with store_errors("comparing the tables"):
        for part in (part for part in (*ROWS, *SUMS) if part.figures):
            ids = affected.get(part.table, set())
            aggregates = ", ".join(part.figures.values())
            query = f"SELECT {aggregates} FROM {{table}} WHERE _partition_id IN {listed(ids)}"
            old, new = (
                client.query(query.replace("{table}", table)).result_rows[0] for table in (part.table, part.table + NEW)
            )
            found[part.table] = dict(zip(part.figures, zip(old, new, strict=True), strict=True))
    return found
