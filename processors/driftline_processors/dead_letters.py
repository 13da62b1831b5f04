"""Dead letters as people work with them: which ones are open, which one is meant, what was done.

A letter is open until it was sent again or discarded. Both are rows of ``dead_letter_actions``; letters
themselves never change.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline.errors import DriftlineError
from driftline.otlp.signals import SIGNALS
from driftline_processors.wire import read
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_processors.wire import Reading

_PLACE: Final = "bus_id, topic, partition, offset"

STATES: Final = f"""
SELECT {_PLACE}, at, error, size,
       multiIf(sent > 0, 'sent', discarded > 0, 'discarded', begun > withdrawn, 'unconfirmed', 'open') AS state
FROM (SELECT {_PLACE}, at, error, length(value) AS size FROM dead_letters) AS letters
LEFT JOIN (
    SELECT {_PLACE}, countIf(action = 'sent') AS sent, countIf(action = 'discarded') AS discarded,
           countIf(action = 'sending') AS begun, countIf(action = 'withdrawn') AS withdrawn
    FROM dead_letter_actions GROUP BY {_PLACE}
) AS actions USING ({_PLACE})
"""
"""Every letter with its state. ``unconfirmed``: sending it was begun, and nobody knows whether it arrived."""

OPEN_COUNT: Final = f"SELECT count() FROM ({STATES}) WHERE state IN ('open', 'unconfirmed')"
"""How many letters are waiting for somebody."""


class DeadLetterError(DriftlineError):
    """There is no such letter, or it may not be treated like this."""


@dataclass(frozen=True)
class Letter:
    """A message that could not be stored.

    Attributes:
        bus_id: identity of the log that it came from; '' if that was not recorded yet.
        at: when it became a dead letter.
        size: in bytes.
        state: ``open``, ``unconfirmed``, ``sent`` or ``discarded``.
    """

    bus_id: str
    topic: str
    partition: int
    offset: int
    at: datetime
    error: str
    size: int
    state: str

    @property
    def place(self) -> str:
        """What people call it: ``topic/partition/offset``."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What it is told apart by."""
        return self.bus_id, self.topic, self.partition, self.offset


@dataclass(frozen=True)
class Group:
    """Open letters of one topic and error."""

    topic: str
    error: str
    count: int
    newest: datetime


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    with store_errors("reading the dead letters"):
        yield


def groups(client: Client, *, limit: int = 0) -> list[Group]:
    """Open letters by topic and error, the newest first; at most ``limit`` of them, 0: all.

    Raises:
        StoreError: the store is away.
    """
    query = (
        f"SELECT topic, error, count() AS count, max(at) AS newest FROM ({STATES}) "
        "WHERE state IN ('open', 'unconfirmed') GROUP BY topic, error ORDER BY newest DESC, topic, error"
        + (" LIMIT {limit:UInt64}" if limit else "")
    )
    with _reading():
        return [Group(*row) for row in client.query(query, parameters={"limit": limit}).result_rows]


def letters(client: Client, *, closed: bool = False, topic: str = "", limit: int = 0) -> list[Letter]:
    """Letters, the newest first.

    Args:
        client: of the store.
        closed: whether to give those that were sent or discarded too.
        topic: only those of this one; '': of all.
        limit: at most so many; 0: all.

    Raises:
        StoreError: the store is away.
    """
    query = (
        f"SELECT * FROM ({STATES}) WHERE ({{closed:Bool}} OR state IN ('open', 'unconfirmed')) "
        "AND ({topic:String} = '' OR topic = {topic:String}) ORDER BY at DESC, topic, partition, offset DESC"
        + (" LIMIT {limit:UInt64}" if limit else "")
    )
    with _reading():
        rows = client.query(query, parameters={"closed": closed, "topic": topic, "limit": limit}).result_rows
    return [Letter(*row) for row in rows]


def find(client: Client, place: str) -> Letter:
    """The letter that a place names.

    Args:
        client: of the store.
        place: ``topic/partition/offset``, or ``bus_id/topic/partition/offset`` where a topic was created again.

    Raises:
        DeadLetterError: none or several are there, or the place cannot be read.
        StoreError: the store is away.
    """
    head, *rest = place.rsplit("/", 2)
    bus_id, _, topic = head.rpartition("/")
    if len(rest) != 2 or not topic or not all(number.isdecimal() for number in rest):
        raise DeadLetterError(
            f"a dead letter is named by its place, such as otlp_spans/0/42, not {place!r}; "
            "the places are listed by: driftline dead-letters list"
        )
    query = (
        f"SELECT * FROM ({STATES}) WHERE topic = {{topic:String}} AND partition = {{partition:UInt32}} "
        "AND offset = {offset:UInt64} AND ({bus_id:String} = '' OR bus_id = {bus_id:String}) ORDER BY at"
    )
    parameters = {"topic": topic, "partition": int(rest[0]), "offset": int(rest[1]), "bus_id": bus_id}
    with _reading():
        found = [Letter(*row) for row in client.query(query, parameters=parameters).result_rows]
    if not found:
        raise DeadLetterError(f"no dead letter is at {place}; they are listed by: driftline dead-letters list --all")
    if len(found) > 1:
        names = ", ".join(f"{letter.bus_id}/{letter.place}" for letter in found)
        raise DeadLetterError(f"several dead letters are at {place}, as the topic was created again; name one: {names}")
    return found[0]


def value_of(client: Client, letter: Letter, *, most: int = 0) -> bytes:
    """The letter's bytes, as they were on the bus; at most the first ``most``, 0: all.

    Raises:
        StoreError: the store is away.
    """
    value = "substring(value, 1, {most:UInt64})" if most else "value"
    query = (
        f"SELECT hex({value}) FROM dead_letters WHERE topic = {{topic:String}} AND partition = {{partition:UInt32}} "
        "AND offset = {offset:UInt64} AND bus_id = {bus_id:String} LIMIT 1"
    )
    parameters = {name: getattr(letter, name) for name in ("topic", "partition", "offset", "bus_id")} | {"most": most}
    with _reading():
        return bytes.fromhex(client.query(query, parameters=parameters).result_rows[0][0])


def walk(letter: Letter, value: bytes) -> Reading:
    """As much of a letter's bytes as can be read, and where they break; never raises."""
    # Of an unknown topic, as the first kind.
    kind = next((signal for signal in SIGNALS if signal.topic == letter.topic), SIGNALS[0])
    return read(value, kind.request.DESCRIPTOR)


def note(client: Client, which: Sequence[Letter], action: str, attempt: str = "") -> None:
    """Record that something was done with letters.

    Args:
        client: of the store.
        which: the letters.
        action: ``sending``, ``sent``, ``withdrawn`` or ``discarded``.
        attempt: tells one run from another.

    Raises:
        StoreError: the store is away.
    """
    with store_errors("recording what was done with dead letters"):
        client.insert(
            "dead_letter_actions",
            [[*letter.key, action, attempt] for letter in which],
            column_names=["bus_id", "topic", "partition", "offset", "action", "attempt"],
        )
