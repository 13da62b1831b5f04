"""Keeps the books of matching, so that each event becomes one row of ``evaluations`` whatever dies in between.

What was found goes into numbered batches. A batch is first *claimed*: written to ``evaluations_matched``, in
one insert whose deduplication token is its number. It is then *finished*: its rows go to ``evaluations``, under
the number as a token again, and the number is noted. So

* a claim without the note is finished before anything else is done, and as its rows are read from the store they
  are the same again: the engine leaves out what it has and completes a cascade of views that was cut;
* of two processes that claim the same number, as a leader that was replaced without noticing does, the engine
  takes one. The number is read before the events, so who loses knows that its events may be taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from driftline_processors.matching.lookup import Pending
from driftline_processors.views.rollups import SEGMENT
from driftline_store.client import ONE_BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from clickhouse_connect.driver.client import Client

    from driftline_processors.matching.lookup import Place

_STORED: Final = "stored"

_STATE: Final = """\
SELECT toUnixTimestamp64Milli(now64(3)), (SELECT max(batch) FROM evaluations_matched),
    (SELECT toUnixTimestamp64Milli(max(arrived)) FROM evaluations_pending)"""

_STEPS: Final = "SELECT step, max(batch), toUnixTimestamp64Milli(max(at)) FROM matching_steps GROUP BY step"

# What arrived in a time was resolved in it or later, but for clocks of several servers. Longer ids than any provider's
# are cut, as they come from anybody.
_WAITING: Final = """\
SELECT id, toUnixTimestamp64Milli(arrived) AS arrived_milli, arrived,
    greatest(toUnixTimestamp64Milli(now64(3)) - arrived_milli, 0) / 1000, trace_id, span_id,
    substring(response_id, 1, 1000)
FROM evaluations_pending
WHERE arrived >= fromUnixTimestamp64Milli({at:Int64}, 'UTC') AND (arrived_milli, id) > ({at:Int64}, {id:UUID})
    AND id NOT IN (
        SELECT id FROM evaluations_matched
        WHERE at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') - INTERVAL 1 MINUTE
    )
ORDER BY arrived, id
LIMIT {limit:UInt32}"""

_NAMES: Final = tuple(SEGMENT.split(", "))
_CLAIM_COLUMNS: Final = ("batch", "id", "arrived", "reason", "trace_id", "span_id", "request_start", *_NAMES)
_NOWHERE: Final = ("", "", datetime.fromtimestamp(0, UTC), *("" for _ in _NAMES))

_FINISH: Final = f"""\
INSERT INTO evaluations (trace_id, span_id, response_id, request_start, at, {SEGMENT},
    name, source, score, label, explanation, evaluator, inclusion_probability, error)
SELECT found.trace_id, found.span_id, event.response_id, found.request_start, found.at,
    {", ".join(f"found.{name}" for name in _NAMES)},
    event.name, event.source, event.score, event.label, event.explanation, '', 1, event.error
FROM (SELECT * FROM evaluations_matched WHERE batch = {{batch:UInt64}} AND reason = '') AS found
INNER JOIN (
    SELECT * FROM evaluations_pending
    WHERE (arrived, id) IN (SELECT arrived, id FROM evaluations_matched WHERE batch = {{batch:UInt64}})
) AS event ON event.id = found.id
ORDER BY found.id"""


@dataclass(frozen=True)
class State:
    """Where matching stands; times are the store's, in milliseconds since 1970.

    Attributes:
        claimed: number of the last batch that was claimed.
        finished: of the last one that was finished.
        newest: arrival of the newest event, matched or not; 0 if there was none.
        rounds: when the last round of each kind began.
    """

    now: int
    claimed: int
    finished: int
    newest: int
    rounds: dict[str, int]


@dataclass(frozen=True)
class Ledger:
    """The three tables of matching. Every method raises clickhouse_connect's errors when the store fails."""

    client: Client

    def state(self) -> State:
        """Read where matching stands."""
        [(now, claimed, newest)] = self.client.query(_STATE).result_rows
        steps = {str(step): (int(batch), int(at)) for step, batch, at in self.client.query(_STEPS).result_rows}
        finished, _ = steps.pop(_STORED, (0, 0))
        return State(now, max(claimed, finished), finished, newest, {step: at for step, (_, at) in steps.items()})

    def waiting(self, since: int, after: tuple[int, UUID], limit: int) -> list[tuple[int, Pending]]:
        """A page of events that nothing has become of yet, in order, each with its arrival in milliseconds.

        Args:
            since: earliest arrival of all pages.
            after: arrival and id of the last event of the page before.
            limit: most events of a page.
        """
        parameters = {"since": since, "at": after[0], "id": str(after[1]), "limit": limit}
        rows = self.client.query(_WAITING, parameters).result_rows
        return [(int(at), Pending(id_, *rest)) for id_, at, *rest in rows]

    def claim(self, batch: int, found: Sequence[tuple[Pending, Place | str]]) -> bool:
        """Write what became of events: their place, or the reason for giving up.

        Args:
            batch: one more than the last, read before the events were.
            found: what the batch consists of; not empty.

        Returns:
            whether the batch of this number is ours; if not, it may be another's.
        """
        rows = [_claim_row(batch, event, outcome) for event, outcome in found]
        settings = {**ONE_BLOCK, "insert_deduplication_token": f"matched/{batch}"}
        self.client.insert("evaluations_matched", rows, column_names=_CLAIM_COLUMNS, settings=settings)
        query = "SELECT id FROM evaluations_matched WHERE batch = {batch:UInt64}"
        stored = {id_ for (id_,) in self.client.query(query, {"batch": batch}).result_rows}
        return stored == {event.id for event, _ in found}

    def finish(self, batch: int) -> None:
        """Store the rows of a claimed batch and note that; safe to repeat."""
        settings: dict[str, Any] = {
            **ONE_BLOCK,
            # Read by several threads, four rows of two parts were stored twice by three processes at once: about one
            # batch in a hundred, with a busy machine (chDB 26.9).
            "max_threads": 1,
            "max_insert_threads": 1,
            "insert_deduplication_token": f"matched/{batch}",
            "deduplicate_blocks_in_dependent_materialized_views": 1,
        }
        self.client.command(_FINISH, {"batch": batch}, settings=settings)
        self.client.insert("matching_steps", [[_STORED, batch]], column_names=["step", "batch"])

    def looked(self, round_: str, began: int) -> None:
        """Note that a round of looking was made, and the time when it began."""
        at = datetime.fromtimestamp(began / 1000, UTC)
        self.client.insert("matching_steps", [[round_, at]], column_names=["step", "at"])


def _claim_row(batch: int, event: Pending, outcome: Place | str) -> list[object]:
    known: list[object] = [batch, event.id, event.arrived]
    if isinstance(outcome, str):
        return [*known, outcome, *_NOWHERE]
    return [*known, "", outcome.trace_id, outcome.span_id, outcome.start, *outcome.segment]
