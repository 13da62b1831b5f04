"""Who of several processes acts: the member of a consumer group that owns a topic of one partition."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from driftline.bus import open_bus
from driftline.errors import BusError

if TYPE_CHECKING:
    from driftline.bus import Consumer

CONTROL_TOPIC: Final = "driftline_control"
"""Carries no messages; its one partition is what the members of each group compete for."""


class Leadership:
    """Membership in a group; belongs to one thread.

    Ask ``held`` again and again, every second or so: it is also what keeps the membership alive.

    Args:
        bus_url: the bus, which is not connected to before the first question.
        group: what the members compete for, such as ``judge``.

    Raises:
        SettingsError: the URL cannot be used.
    """

    def __init__(self, bus_url: str, *, group: str) -> None:
        self._bus = open_bus(_one_partition(bus_url))
        self._group = group
        self._member: Consumer | None = None

    def held(self) -> bool:
        """Whether this process leads now.

        Raises:
            BusError: the bus is away, so nobody knows; ask again later.
        """
        try:
            if self._member is None:
                self._member = self._bus.consumer(CONTROL_TOPIC, group=self._group)
            batch = self._member.take(max_bytes=1, timeout=0.05)
            if batch is not None:  # not ours: nobody sends here
                self._member.done(batch)
            return self._member.assigned()
        except BusError:
            self.leave()
            raise

    def leave(self) -> None:
        """Step back, so that another member leads at once; the next question competes again."""
        member, self._member = self._member, None
        if member is not None:
            with contextlib.suppress(BusError):
                member.close()

    def close(self) -> None:
        """Step back for good."""
        self.leave()
        self._bus.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _one_partition(url: str) -> str:
    """The same bus, where topics that it creates get one partition: with more, several members would lead."""
    if not url.startswith("kafka://"):
        return url
    parts = urlsplit(url)
    options = {**dict(parse_qsl(parts.query, keep_blank_values=True)), "partitions": "1"}
    return parts._replace(query=urlencode(options)).geturl()
