"""Where messages of OTLP go: into the Null tables that the views read, or, if they cannot be read, nowhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from clickhouse_connect.driver.exceptions import DatabaseError
from google.protobuf.message import DecodeError

from driftline.otlp.decode import UnreadableError, from_json, is_json
from driftline.otlp.signals import LOGS, TRACES
from driftline_processors.otlp import LOG_SCHEMA, TRACE_SCHEMA, frame, insert_settings
from driftline_store.client import is_transient

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickhouse_connect.driver.client import Client

    from driftline.otlp.signals import Signal

_MEMORY_LIMIT: Final = 241
"""Passes by itself, or comes from a damaged message that announces a text of terabytes."""


@dataclass(frozen=True)
class Target:
    """Where a topic's messages go and how the engine reads them.

    Attributes:
        table: Null table that the views read.
        probe: Null table of the same form without views, to find unreadable messages with.
    """

    signal: Signal
    table: str
    probe: str
    schema: str

    @property
    def topic(self) -> str:
        """Where its messages come from."""
        return self.signal.topic

    def insert(self, client: Client, values: Iterable[bytes], token: str) -> None:
        """Insert messages as one block.

        Args:
            client: of the store.
            values: the messages' bytes.
            token: names the bytes; a repeat with the same token changes nothing; '': no repeat is recognised.

        Raises:
            clickhouse_connect.driver.exceptions.Error: a message cannot be read, or the store is away.
            UnreadableError: a message in JSON cannot be read.
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
            insert_block=b"".join(frame(self._protobuf(value)) for value in values),
            fmt="Protobuf",
            settings=insert_settings(self.schema, token),
        )

    def _protobuf(self, value: bytes) -> bytes:
        """The message as the engine reads it; a Collector may have written JSON."""
        return bytes(from_json(self.signal, value).SerializeToString()) if is_json(value) else value

    def _is_whole(self, value: bytes) -> bool:
        try:
            if not is_json(value):
                self.signal.request.FromString(value)
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
        except (DatabaseError, UnreadableError) as error:
            if not (may_be_unreadable(error) if damaged else _is_final(error)):
                raise
            if len(numbered) == 1:
                return {numbered[0][0]: _reason(error)}
            middle = len(numbered) // 2
            return self._probed(client, numbered[:middle]) | self._probed(client, numbered[middle:])
        return {}


TARGETS: Final = (
    Target(TRACES, "otlp_traces", "otlp_traces_probe", TRACE_SCHEMA),
    Target(LOGS, "otlp_logs", "otlp_logs_probe", LOG_SCHEMA),
)


def may_be_unreadable(error: DatabaseError | UnreadableError) -> bool:
    """Whether an insert can have failed because of its bytes."""
    return _is_final(error) or (isinstance(error, DatabaseError) and error.code == _MEMORY_LIMIT)


def _is_final(error: DatabaseError | UnreadableError) -> bool:
    return isinstance(error, UnreadableError) or not is_transient(error)


def _reason(error: DatabaseError | UnreadableError) -> str:
    """The engine's sentence, without the client's words before it, its version and our bytes."""
    if isinstance(error, UnreadableError):
        return str(error)[:500]
    return str(error).rpartition("DB::Exception: ")[2].partition("(for url")[0].strip()[:500]
