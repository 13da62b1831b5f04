"""Judgements into ``evaluations``, each once.

A judge that is killed loses the judgements it had not stored: their requests are judged again. It never
stores one twice:

* A batch's rows have one deduplication token, made of their keys. An insert that is repeated because its
  outcome was unknown has the same rows and token, and the engine leaves it out, also in the sums per minute.
* After a restart there is no batch to repeat: a request with a row is not handed out again (``queue``).
* A leader that was replaced without noticing is stopped here, by looking for the rows immediately before
  they are written. What remains is the time of that one insert.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from driftline_processors.judge.task import COLUMNS, row
from driftline_store.client import ONE_BLOCK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.queue import Queue
    from driftline_processors.judge.task import Judgement, Key, Task

_SETTINGS: Final[dict[str, Any]] = {
    **ONE_BLOCK,
    "async_insert": 0,
    "insert_deduplicate": 1,
    "deduplicate_blocks_in_dependent_materialized_views": 1,
}


@dataclass
class Results:
    """Collects judgements and stores them as one batch."""

    client: Client
    queue: Queue
    name: str
    evaluator: str
    _open: dict[Key, list[object]] = field(default_factory=dict)
    _batch: dict[Key, list[object]] = field(default_factory=dict)

    def add(self, task: Task, judgement: Judgement) -> None:
        """Take a judgement into the next batch."""
        self._open[task.key] = row(task, judgement, self.name, self.evaluator)

    def clear(self) -> None:
        """Drop what is not stored."""
        self._open.clear()
        self._batch.clear()

    @property
    def waiting(self) -> int:
        """Judgements that are not stored yet."""
        return len(self._open) + len(self._batch)

    def store(self) -> None:
        """Store what was added. After an error call it again: the same batch comes first, unchanged.

        Raises:
            clickhouse_connect.driver.exceptions.Error: the store failed; it may have the batch or not.
        """
        while self._open or self._batch:
            if not self._batch:
                stored = self.queue.judged(list(self._open))
                self._batch = {key: values for key, values in self._open.items() if key not in stored}
                self.queue.done(stored)
                self._open = {}
            if self._batch:
                self._insert(sorted(self._batch))
            self.queue.done(self._batch)
            self._batch = {}

    def _insert(self, keys: Sequence[Key]) -> None:
        token = hashlib.sha256(repr((self.name, self.evaluator, list(keys))).encode()).hexdigest()
        self.client.insert(
            "evaluations",
            [self._batch[key] for key in keys],
            column_names=list(COLUMNS),
            settings={**_SETTINGS, "insert_deduplication_token": f"judge/{token}"},
        )
