"""The bus: where recorded spans and log events wait until they are stored.

``open_bus`` picks the implementation by the URL's scheme. Importing this package is cheap: neither
``sqlite3`` nor kafka-python is loaded before a URL of theirs is opened, because the observed
application imports it too.
"""

from __future__ import annotations

import warnings

from driftline.bus.protocol import (
    LOGS_TOPIC,
    SPANS_TOPIC,
    Batch,
    Bus,
    Consumer,
    Message,
    Producer,
    Standing,
    Stretch,
)
from driftline.errors import SettingsError

__all__ = [
    "LOGS_TOPIC",
    "SPANS_TOPIC",
    "Batch",
    "Bus",
    "Consumer",
    "Message",
    "Producer",
    "Standing",
    "Stretch",
    "open_bus",
]


def open_bus(url: str, *, max_message_bytes: int = 1_000_000) -> Bus:
    """Open the bus that a URL names, without connecting to it yet.

    Args:
        url: ``sqlite:///relative/bus.db``, ``sqlite:////absolute/bus.db`` or
            ``kafka://[user:password@]host:9092[,host2:9092][?security=…&mechanism=…&cafile=…&partitions=…&replication=…]``,
            or, for sending only, ``http[s]://[[user]:password@]host[:port][/path]`` of an OTLP endpoint.
        max_message_bytes: longest message that producers accept, before compression.

    Raises:
        SettingsError: the URL has another scheme or cannot be understood.
    """
    scheme = url.partition("://")[0] if "://" in url else ""
    if scheme == "sqlite":
        from driftline.bus.sqlite import SqliteBus  # noqa: PLC0415  loads sqlite3 only when it is used

        return SqliteBus(url, max_message_bytes=max_message_bytes)
    if scheme == "kafka":
        # Under Python 3.11 and 3.12 kafka-python reads its schemas by a function deprecated there, which
        # would end applications and tests that treat warnings as errors.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            from driftline.bus.kafka import KafkaBus  # noqa: PLC0415  takes a third of a second to import

        return KafkaBus(url, max_message_bytes=max_message_bytes)
    if scheme in {"http", "https"}:
        from driftline.bus.http import HttpBus  # noqa: PLC0415  loads http.client only when it is used

        return HttpBus(url)
    raise SettingsError(
        f"the bus URL must start with sqlite:///, kafka:// or http:// but starts with {scheme or 'no scheme'!r}; "
        "correct the setting 'bus', for example sqlite:///bus.db or kafka://localhost:9092"
    )
