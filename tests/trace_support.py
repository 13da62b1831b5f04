"""Traces of several spans, sent one by one."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from driftline.bus import SPANS_TOPIC
from made_spans import NOW, request

if TYPE_CHECKING:
    from ingest_support import Pipeline


class Trace:
    """Sends spans of one trace."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self.id, self.root = pipeline, secrets.token_bytes(16), secrets.token_bytes(8)
        self.order = 0

    def send(self, values: dict[str, Any], *, root: bool = False, **fields: Any) -> None:
        """Store one span, and those put on the bus before; later ones start and end later."""
        self.put(values, root=root, **fields)
        self.pipeline.drain()

    def put(self, values: dict[str, Any], *, root: bool = False, **fields: Any) -> None:
        """Put one span on the bus only: one insert of several costs no more than an insert of one."""
        self.order += 1
        start = NOW + self.order * 10**8
        ids = {"trace_id": self.id, "span_id": self.root if root else secrets.token_bytes(8)}
        times = {"start_time_unix_nano": start, "end_time_unix_nano": start + 10**9}
        if not root:
            ids["parent_span_id"] = self.root
        self.pipeline.producer.send(SPANS_TOPIC, request(values, **(ids | times | fields)))

    def rows(self) -> list[dict[str, Any]]:
        return self.pipeline.rows(
            "SELECT * FROM llm_traces WHERE trace_id = {id:String} ORDER BY settled_at", id=self.id.hex()
        )
