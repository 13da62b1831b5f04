"""Puts dead letters back on the bus, each at most once unless somebody insists.

What is about to be sent is recorded before, and that it arrived after. If the process dies in between,
or the bus gives no answer, nobody knows whether the message is on the bus: then the letter stays listed
as ``unconfirmed``, and sending it again has to be forced.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from driftline_processors.dead_letters import DeadLetterError, Letter, note, value_of
from driftline_processors.destinations import DESTINATIONS
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.bus import Producer

_TARGETS: Final = {target.topic: target for target in DESTINATIONS}

_OTHERS_BEGUN: Final = """
SELECT countIf(action = 'sending') > countIf(action = 'withdrawn') FROM dead_letter_actions
WHERE topic = {topic:String} AND partition = {partition:UInt32} AND offset = {offset:UInt64}
  AND bus_id = {bus_id:String} AND attempt != {attempt:String}
"""

_REFUSALS: Final = {
    "sent": "was sent again already; sending it once more would store it twice",
    "discarded": "was discarded",
    "unconfirmed": "was sent by a run that did not hear whether it arrived; look whether its spans are stored",
}


def resend(
    client: Client, producer: Producer, letter: Letter, *, fixed: bytes | None = None, force: bool = False
) -> None:
    """Send one letter to the topic that it came from.

    Args:
        client: of the store.
        producer: of the bus.
        letter: as it was read just now.
        fixed: what to send in its place; None: its own bytes.
        force: send although it was sent before, or cannot be read.

    Raises:
        DeadLetterError: it was sent or discarded before, or its bytes cannot be read; nothing was sent.
        BusError: the bus did not take it; it may be there all the same.
        StoreError: the store is away.
    """
    value = value_of(client, letter) if fixed is None else fixed
    if not force:
        if why := _REFUSALS.get(letter.state):
            raise DeadLetterError(f"the dead letter {letter.place} {why}; if you want that, add --force")
        _check(client, letter, value)
    attempt = uuid.uuid4().hex
    note(client, [letter], "sending", attempt)
    # Two runs at once see each other here; then none of them sends, which is better than both.
    if not force and _others_began(client, letter, attempt):
        note(client, [letter], "withdrawn", attempt)
        raise DeadLetterError(f"the dead letter {letter.place} is being sent by another run; see what comes of that")
    producer.send(letter.topic, value)
    note(client, [letter], "sent", attempt)


def unreadable(client: Client, topic: str, value: bytes) -> str:
    """Why ingest would make these bytes a dead letter; '' if it would not.

    Raises:
        DeadLetterError: nothing of this topic is stored.
        StoreError: the store is away.
    """
    target = _TARGETS.get(topic)
    if target is None:
        raise DeadLetterError(f"messages of the topic {topic!r} are not stored, only those of {', '.join(_TARGETS)}")
    with store_errors("trying to read a message"):
        return target.unreadable(client, [value]).get(0, "")


def _check(client: Client, letter: Letter, value: bytes) -> None:
    if why := unreadable(client, letter.topic, value):
        raise DeadLetterError(
            f"the bytes to send for {letter.place} cannot be read and would become a dead letter again ({why}); "
            "see where they break with: driftline dead-letters show, or add --force"
        )


def _others_began(client: Client, letter: Letter, attempt: str) -> bool:
    parameters = {name: getattr(letter, name) for name in ("topic", "partition", "offset", "bus_id")}
    with store_errors("reading what was done with dead letters"):
        return bool(client.query(_OTHERS_BEGUN, parameters=parameters | {"attempt": attempt}).result_rows[0][0])
