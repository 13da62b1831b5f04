"""Where messages of OTLP go: into the Null tables that the views read, or, if they cannot be read, nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from clickhouse_connect.driver.exceptions import DatabaseError
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import LOGS_TOPIC, SPANS_TOPIC
from driftline_processors.otlp import LOG_SCHEMA, TRACE_SCHEMA, frame, insert_settings
from driftline_store.client import is_transient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse_connect.driver.client import Client

_MEMORY_LIMIT: Final = 241
"""Passes by itself, or comes from a damaged message that announces a text of terabytes."""


@dataclass(frozen=True)
class Target:
    """Where a topic's messages go and how the engine reads them.

    Attributes:
        table: Null table that the views read.
        probe: Null table of the same form without views, to find unreadable messages with.
        request: the messages' type.
    """

    topic: str
    table: str
    probe: str
    schema: str
    request: type[Any]

    def insert(self, client: Client, values: Iterable[bytes], token: str) -> None:
        """Insert messages as one block.

        Args:
            client: of the store.
            values: the messages' bytes.
            token: names the bytes; a repeat with the same token changes nothing; '': no repeat is recognised.

        Raises:
            clickhouse_connect.driver.exceptions.Error: a message cannot be read, or the store is away.
        """
        self._insert(client, self.table, values, token)

    def unreadable(self, client: Client, values: Sequence[bytes]) -> dict[int, str]:
        """Which of the messages the engine cannot parse, and why, by their number.

        Those that protobuf's own parser refuses are tried one by one and the rest by halving, as few are bad
        there. The engine decides: it takes texts that are no UTF-8, for one.

        Raises:
            clickhouse_connect.driver.exceptions.Error: the store is away.
        """
        numbered = list(enumerate(values))
        whole = {number for number, value in numbered if self._is_whole(value)}
        bad = self._probed(client, [one for one in numbered if one[0] in whole])
        for one in numbered:
            if one[0] not in whole:
                bad |= self._probed(client, [one], damaged=True)
        return bad

    def _insert(self, client: Client, table: str, values: Iterable[bytes], token: str) -> None:
        client.raw_insert(
            table,
            insert_block=b"".join(frame(value) for value in values),
            fmt="Protobuf",
            settings=insert_settings(self.schema, token),
        )

    def _is_whole(self, value: bytes) -> bool:
        try:
            self.request.FromString(value)
        except DecodeError:
            return False
        return True

    def _probed(
        self, client: Client, numbered: Sequence[tuple[int, bytes]], *, damaged: bool = False
    ) -> dict[int, str]:
        """Messages that the engine cannot parse, found by halving."""
        if not numbered:
            return {}
        try:
            self._insert(client, self.probe, [value for _, value in numbered], "")
        except DatabaseError as error:
            if is_transient(error) and not (damaged and error.code == _MEMORY_LIMIT):
                raise
            if len(numbered) == 1:
                return {numbered[0][0]: _reason(error)}
            middle = len(numbered) // 2
            return self._probed(client, numbered[:middle]) | self._probed(client, numbered[middle:])
        return {}


TARGETS: Final = (
    Target(SPANS_TOPIC, "otlp_traces", "otlp_traces_probe", TRACE_SCHEMA, ExportTraceServiceRequest),
    Target(LOGS_TOPIC, "otlp_logs", "otlp_logs_probe", LOG_SCHEMA, ExportLogsServiceRequest),
)


def may_be_unreadable(error: DatabaseError) -> bool:
    """Whether an insert can have failed because of its bytes."""
    return not is_transient(error) or error.code == _MEMORY_LIMIT


def _reason(error: DatabaseError) -> str:
    """The engine's sentence, without the client's words before it, its version and our bytes."""
    return str(error).rpartition("DB::Exception: ")[2].partition("(for url")[0].strip()[:500]
