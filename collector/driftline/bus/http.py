"""Any OTLP/HTTP endpoint in the place of a bus, for sending only: a Collector, or Driftline's own receiver."""

from __future__ import annotations

import gzip
import http.client
import threading
from typing import TYPE_CHECKING, Final, NoReturn, Self

from driftline.bus.address import authorization, parts_of, shown
from driftline.bus.protocol import LOGS_TOPIC, SPANS_TOPIC
from driftline.errors import BusError, UncertainError

if TYPE_CHECKING:
    from types import TracebackType
    from urllib.parse import SplitResult

    from driftline.bus.protocol import Stretch

_SECONDS: Final = 10.0
_PATHS: Final = {SPANS_TOPIC: "/v1/traces", LOGS_TOPIC: "/v1/logs"}
_LEVEL: Final = 1
"""Of gzip: the fastest, as it is the application's CPU time."""


class HttpBus:
    """An endpoint that takes what is sent; nothing can be read from it.

    Attributes:
        url: with the password replaced by ``***``.
    """

    def __init__(self, url: str) -> None:
        self._parts = parts_of(url, "the bus URL must be", "bus")
        self.url = shown(self._parts)

    def producer(self, *, persistent: bool = False) -> HttpProducer:  # noqa: ARG002 - see holds
        """Open a producer; it connects when it first sends."""
        return HttpProducer(self._parts)

    def holds(self, topic: str, value: bytes, *, since: float) -> bool:  # noqa: ARG002
        """Nobody knows: what may have arrived is sent again, so that an endpoint gets it at least once."""
        return False

    def consumer(self, topic: str, *, group: str) -> NoReturn:  # noqa: ARG002
        """Not possible.

        Raises:
            BusError: always.
        """
        raise self._unreadable()

    def lag(self, topic: str, *, group: str) -> NoReturn:
        """Not possible."""
        self.consumer(topic, group=group)

    def members(self, topic: str, *, group: str) -> NoReturn:
        """Not possible."""
        self.consumer(topic, group=group)

    def finished(self, topic: str, *, group: str, since: float, until: float) -> NoReturn:  # noqa: ARG002
        """Not possible."""
        self.consumer(topic, group=group)

    def read(self, stretch: Stretch) -> NoReturn:
        """Not possible."""
        self.consumer(stretch.topic, group="")

    def prune(self, older_than_seconds: float) -> int:  # noqa: ARG002
        """Nothing to do."""
        return 0

    def close(self) -> None:
        """Nothing to release: producers hold their own connections."""

    def _unreadable(self) -> BusError:
        return BusError(
            f"an OTLP endpoint such as {self.url} can be sent to but not read; "
            "name the bus behind it in the setting 'bus', kafka://… or sqlite:///…"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class HttpProducer:
    """Posts messages over one connection that is kept open."""

    def __init__(self, parts: SplitResult) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None

    def send(self, topic: str, value: bytes, *, key: bytes | None = None) -> None:  # noqa: ARG002 - no partitions
        """Post one message.

        Raises:
            UncertainError: the endpoint was reached but its answer did not come.
            BusError: the endpoint cannot be reached or refused the message.
        """
        body = gzip.compress(value, _LEVEL)
        with self._lock:
            status, said = self._post(_PATHS[topic], body)
        if not 200 <= status < 300:
            raise BusError(
                f"the endpoint {shown(self._parts)} answered {status} to {len(value)} bytes: {said[:200]!r}; "
                "see its log, or correct the setting 'bus'"
            )

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _post(self, path: str, body: bytes) -> tuple[int, bytes]:
        connection = self._connect()
        try:
            connection.request("POST", self._parts.path.rstrip("/") + path, body, self._headers())
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            self._connection = None
            raise UncertainError(
                f"the endpoint {shown(self._parts)} gave no answer: {error or type(error).__name__}"
            ) from None

    def _connect(self) -> http.client.HTTPConnection:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            connection = kind(self._parts.hostname or "", self._parts.port, timeout=_SECONDS)
            try:
                connection.connect()
            except OSError as error:
                raise BusError(
                    f"the endpoint {shown(self._parts)} cannot be reached: {error.strerror or error}; "
                    "start it, or correct the setting 'bus'"
                ) from None
            self._connection = connection
        return self._connection

    def _headers(self) -> dict[str, str]:
        return {"content-type": "application/x-protobuf", "content-encoding": "gzip"} | authorization(self._parts)
