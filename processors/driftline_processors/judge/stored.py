"""Judgements from the bus into ``evaluations`` and its sums, each once: a target of ingest.

A batch has the bus's token, as batches of spans do, so that its repeat changes nothing and completes what a crash
cut off. Beyond that a judgement may be on the bus more than once, in batches of their own, as a task that nobody
answered is handed out again. Of those the first counts. A repeat of the first one's batch has to be the same
block, so a row counts as stored only where another batch brought it. Judgements of one thing are in one partition,
whose batches come one after the other; no other batch can bring it in between.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from driftline.otlp.decode import UnreadableError
from driftline_processors.judge.event import COLUMNS, decode
from driftline_processors.judge.task import JUDGEMENTS_TOPIC, Judgement
from driftline_store.client import ONE_BLOCK, connect

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings
    from driftline_processors.judge.event import Row
    from driftline_processors.judge.task import Key

_SETTINGS: Final[dict[str, Any]] = {
    **ONE_BLOCK,
    "async_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}

_STORED: Final = """\
SELECT DISTINCT name, run, unit, unit_id FROM evaluations
WHERE unit_id IN %(ids)s AND source = 'judge' AND batch != %(batch)s"""

_IDENTICAL: Final = """\
SELECT score, label, explanation, criteria, response_model, evaluator FROM evaluations
WHERE content_hash = {hash:String} AND source = 'judge' AND score IS NOT NULL AND NOT is_cached
ORDER BY at DESC LIMIT 1"""

_LOOKED_UP: Final = 1000
"""Ids in one question to the store."""


class JudgementTarget:
    """Stores messages of the topic ``judgements``."""

    topic: Final = JUDGEMENTS_TOPIC

    def insert(self, client: Client, values: Iterable[bytes], token: str) -> None:
        """Insert messages as one block, without those that other batches have brought.

        Raises:
            clickhouse_connect.driver.exceptions.Error: the store is away.
            UnreadableError: a message cannot be read.
        """
        rows: dict[Key, Row] = {}
        for value in values:
            for row in decode(value):
                rows.setdefault(_key(row), row)
        for key in stored(client, rows, token):
            rows.pop(key, None)
        if not rows:
            return
        now = datetime.now(UTC)
        client.insert(
            "evaluations",
            [[*(row[column] for column in COLUMNS), now, token] for row in rows.values()],
            column_names=[*COLUMNS, "at", "batch"],
            settings={**_SETTINGS, "insert_deduplication_token": token},
        )

    def unreadable(self, client: Client, values: Sequence[bytes]) -> dict[int, str]:  # noqa: ARG002 - read here
        """Which of the messages cannot be read, and why, by their number."""
        found = {}
        for number, value in enumerate(values):
            try:
                decode(value)
            except UnreadableError as error:
                found[number] = str(error)
        return found


def stored(client: Client, keys: Iterable[Key], batch: str = "") -> set[Key]:
    """Which of them have a judgement in the store.

    Args:
        client: of the store.
        keys: of what was judged.
        batch: token of the insert whose rows do not count.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed the query.
    """
    wanted = set(keys)
    ids = sorted({unit_id for *_, unit_id in wanted})
    found: set[Key] = set()
    for first in range(0, len(ids), _LOOKED_UP):
        # Lists are bound by the client, as a server takes its parameters out of the URL, which has to stay short.
        parameters = {"ids": tuple(ids[first : first + _LOOKED_UP]), "batch": batch or "-"}
        for name, run, unit, unit_id in client.query(_STORED, parameters).result_rows:
            found.add((str(name), str(run), str(unit), str(unit_id)))
    return found & wanted


class Memory:
    """What the store has of identical answers. Safe for use from several threads; connects when it is first asked.

    Args:
        settings: of the store.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._lock = threading.Lock()

    def find(self, content_hash: str) -> Judgement | None:
        """The last judgement of that content.

        Raises:
            DriftlineError: the store cannot be reached.
            clickhouse_connect.driver.exceptions.Error: the store failed the query.
        """
        with self._lock:
            self._client = self._client or connect(self._settings)
            try:
                rows = self._client.query(_IDENTICAL, {"hash": content_hash}).result_rows
            except Exception:
                self._close()
                raise
        for score, label, explanation, criteria, response_model, evaluator in rows:
            return Judgement(
                score,
                label,
                explanation,
                criteria=tuple(criteria.items()),
                response_model=response_model,
                fingerprint=evaluator,
            )
        return None

    def close(self) -> None:
        """Disconnect; the next question connects again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


def _key(row: Row) -> Key:
    return row["name"], row["run"], row["unit"], row["unit_id"]
