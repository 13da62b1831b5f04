"""How kafka-python's clients are opened, and how their errors read.

Everything that kafka-python raises passes through here, so that users read one sentence of ours and
clients that could not be opened leave no threads behind.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import kafka
import kafka.errors as kafka_errors
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

from driftline.errors import BusError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from driftline.bus.kafka_url import KafkaUrl

CONNECT_SECONDS = 8.0
"""How long opening a client may take."""

REQUEST_SECONDS = 9.0
"""How long one request to a broker may take."""

SESSION_SECONDS = 10.0
"""How long a member may be silent before its partitions are given away; heartbeats have their own thread."""

_MAX_POLL_SECONDS = 60.0
"""How long a rebalance waits for a member that heartbeats but does not poll; see ``kafka_keeper``."""

_FOREIGN = (kafka_errors.KafkaError, OSError, RuntimeError, ValueError)
"""What kafka-python lets out: errors of its own, of sockets, and of a loop that was closed."""


def open_client(factory: Any, url: KafkaUrl, **options: Any) -> Any:
    """Open a kafka-python consumer, producer or admin client.

    Raises:
        BusError: no broker answers, or they refuse us.
    """
    probe(url)
    created: list[Any] = []

    def network(**settings: Any) -> Any:
        created.append(factory.DEFAULT_CONFIG["kafka_client"](**settings))
        return created[-1]

    try:
        return factory(
            client_id="driftline",
            # A constructor that fails gives us nothing to close; this way we hold its I/O thread.
            kafka_client=network,
            bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
            request_timeout_ms=int(REQUEST_SECONDS * 1000),
            # The default waits up to 30 s before it tries a broker that came back.
            reconnect_backoff_max_ms=1000,
            metadata_max_age_ms=60_000,
            **url.client_options(),
            **options,
        )
    except _FOREIGN as error:
        for client in created:
            client.close()
        raise BusError(_refused(url, error)) from None


def open_consumer(url: KafkaUrl, group: str | None) -> Any:
    """Open a kafka-python consumer for a member whose batches outlive it, or for no group at all.

    Raises:
        BusError: no broker answers, or they refuse us.
    """
    return open_client(
        _Consumer,
        url,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        allow_auto_create_topics=False,
        # Members keep what stays theirs through a rebalance, so a batch being inserted is rarely fenced.
        partition_assignment_strategy=[CooperativeStickyAssignor],
        session_timeout_ms=int(SESSION_SECONDS * 1000),
        heartbeat_interval_ms=1000,  # also how soon a member hears that others came or went
        max_poll_interval_ms=int(_MAX_POLL_SECONDS * 1000),
        fetch_max_wait_ms=250,  # other requests to the broker queue behind a fetch that waits
        max_partition_fetch_bytes=2_000_000,
        fetch_max_bytes=16_000_000,
        metrics_enabled=False,
    )


class _Consumer(kafka.KafkaConsumer):  # type: ignore[misc]  # kafka-python has no types
    """kafka-python's consumer, which also goes on with what it had put aside for a paused partition.

    kafka-python 3.0 takes that up again only while it has no records at hand, but counts records that have all been
    handed out as some. With nothing new in other partitions, one that was resumed would then stay unread for ever.
    """

    def poll(self, *args: Any, **options: Any) -> Any:
        if not self._fetcher._next_partition_records:  # noqa: SLF001  there is no public name for it
            self._fetcher._next_partition_records = None  # noqa: SLF001
        return super().poll(*args, **options)


def group_id(topic: str, group: str) -> str:
    """Kafka's name of our group, one for each topic.

    In a shared one, whoever reads one topic would take part in the rebalances of all.
    """
    return f"{group}.{topic}"


@contextmanager
def explained(url: KafkaUrl, doing: str) -> Iterator[None]:
    """Turn what kafka-python raises into a BusError that says what was being done and where.

    Raises:
        BusError: always when the block raises something of kafka-python's.
    """
    try:
        yield
    except BusError:
        raise
    except _FOREIGN as error:
        raise BusError(
            f"Kafka at {','.join(url.servers)} failed while {doing}: {reason(error)}; {_fix(error)}"
        ) from None


def probe(url: KafkaUrl) -> None:
    """Fail at once, and with the system's own words, when no server accepts a connection.

    kafka-python only says after its whole timeout that it could not bootstrap.

    Raises:
        BusError: no server does.
    """
    failures: list[str] = []
    for server in url.servers:
        host, _, port = server.rpartition(":")
        try:
            patience = CONNECT_SECONDS / len(url.servers)
            socket.create_connection((host.strip("[]"), int(port)), timeout=patience).close()
        except OSError as error:
            failures.append(f"{server}: {error.strerror or error}")
        else:
            return
    raise BusError(
        f"Kafka cannot be reached ({'; '.join(failures)}); start it, open the way to it, or correct the setting 'bus'"
    )


def reason(error: BaseException) -> str:
    """The error as part of a sentence: one line, and never too long."""
    text = " ".join((str(error) or type(error).__name__).split())
    return text if len(text) <= 200 else text[:200] + "…"


def _refused(url: KafkaUrl, error: BaseException) -> str:
    where = ",".join(url.servers)
    if isinstance(error, kafka_errors.KafkaTimeoutError):
        login = f"the login of {url.user!r}" if url.user else "a connection without login"
        return (
            f"Kafka at {where} accepts connections but no session as {url.security} with {login} within "
            f"{CONNECT_SECONDS:.0f} s; correct user, password, security= or mechanism= in the bus URL"
        )
    return f"Kafka at {where} cannot be used: {reason(error)}; {_fix(error)}"


_FIXES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((kafka_errors.AuthorizationError,), "allow this user to read, write and describe the topic and group"),
    (
        (kafka_errors.UnsupportedCodecError,),
        "install the codec that the sender compresses with: pip install zstandard lz4 python-snappy",
    ),
    (
        (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError),
        "raise max.message.bytes of the topic, or lower the setting 'max_message_bytes'",
    ),
)


def _fix(error: BaseException) -> str:
    for kinds, fix in _FIXES:
        if isinstance(error, kinds):
            return fix
    return "see that the brokers run and are reachable under the names they advertise, then try again"
