"""What all captured requests became, stored together: for tests that only look at the rows of one or at its sums."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from ingest_support import FIXTURES, captured, span_ids
from store_fixtures import PRICES_AND_RULES, empty

if TYPE_CHECKING:
    from pathlib import Path

    from ingest_support import Pipeline

SERVICE = "service.name"


@dataclass(frozen=True)
class Stored:
    """Rows of ``llm_spans`` by trace id, and sums by directory and case."""

    _rows: dict[str, list[dict[str, Any]]]
    _sums: dict[str, dict[str, Any]]

    @classmethod
    def store(cls, pipeline: Pipeline) -> Stored:
        """Send all of them twice: as they are, and for the sums, which know no trace, each as a service of its own."""
        messages = {_name(path.parent.name, path.name.partition(".")[0]): path.read_bytes() for path in _files()}
        pipeline.send(*messages.values())
        rows = defaultdict(list)
        for row in pipeline.rows("SELECT * FROM llm_spans"):
            rows[row["trace_id"]].append(row)
        empty(pipeline.client, keep=PRICES_AND_RULES)
        pipeline.send(*(_of_service(message, name) for name, message in messages.items()))
        return cls(rows, pipeline.sums_by_service())

    def all(self, directory: str, case: str) -> list[dict[str, Any]]:
        """The rows of a request's traces."""
        traces = dict.fromkeys(trace for trace, _ in span_ids(captured(directory, case)))
        return [row for trace in traces for row in self._rows[trace]]

    def first(self, directory: str, case: str) -> dict[str, Any]:
        """The one row of a request's first span."""
        wanted = span_ids(captured(directory, case))[0]
        [row] = [row for row in self.all(directory, case) if (row["trace_id"], row["span_id"]) == wanted]
        return row

    def call(self, directory: str, case: str) -> dict[str, Any]:
        """The one call in a request; an error if there is none or more."""
        [row] = [row for row in self.all(directory, case) if row["is_call"]]
        return row

    def sums(self, directory: str, case: str) -> dict[str, Any]:
        """As ``Pipeline.sums``, of one request alone."""
        return self._sums[_name(directory, case)]


def _files() -> list[Path]:
    return sorted(FIXTURES.glob("*/*.otlp.pb"))


def _name(directory: str, case: str) -> str:
    return f"{directory}/{case}"


def _of_service(message: bytes, name: str) -> bytes:
    request = ExportTraceServiceRequest.FromString(message)
    for resource in request.resource_spans:
        [told] = [attribute for attribute in resource.resource.attributes if attribute.key == SERVICE]
        told.value.string_value = name
    return request.SerializeToString()
