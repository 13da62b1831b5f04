"""Judgements into ``evaluations``, each once.

A judge that is killed loses the judgements it had not stored: their requests are judged again. It never
stores one twice:

* A batch's rows have one deduplication token, made of their keys. An insert that is repeated because its
  outcome was unknown has the same rows and token, and the engine leaves it out, also in the sums per minute.
* After a restart of the judge there is no batch to repeat: a request with a row is not handed out again
  (``queue``). When judge and store die within the same insert, its rows can be missing in the sums per minute.
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


Batch = dict["Key", list[object]]
"""Rows of one insert, by trace and span id."""


@dataclass
class Results:
    """Collects judgements and stores them as one batch.

    Attributes:
        batch: the insert under way, if any. It is the caller's, so that it outlives a store that is away:
            it comes first, unchanged, from whoever is given it next.
    """

    client: Client
    queue: Queue
    name: str
    evaluator: str
    batch: Batch
    _open: Batch = field(default_factory=dict)

    def add(self, task: Task, judgement: Judgement) -> None:
        """Take a judgement into the next batch."""
        self._open[task.key] = row(task, judgement, self.name, self.evaluator)

    @property
    def waiting(self) -> int:
        """Judgements that are not stored yet."""
        return len(self._open) + len(self.batch)

    def store(self) -> None:
        """Store what was added. After an error call it again: the same batch comes first, unchanged.

        Raises:
            clickhouse_connect.driver.exceptions.Error: the store failed; it may have the batch or not.
        """
        while self._open or self.batch:
            if not self.batch:
                stored = self.queue.judged(list(self._open))
                self.batch.update((key, values) for key, values in self._open.items() if key not in stored)
                self.queue.done(stored)
                self._open.clear()
            if self.batch:
                self._insert(sorted(self.batch))
            self.queue.done(self.batch)
            self.batch.clear()

    def _insert(self, keys: Sequence[Key]) -> None:
        token = hashlib.sha256(repr((self.name, self.evaluator, list(keys))).encode()).hexdigest()
        self.client.insert(
            "evaluations",
            [self.batch[key] for key in keys],
            column_names=list(COLUMNS),
            settings={**_SETTINGS, "insert_deduplication_token": f"judge/{token}"},
        )
