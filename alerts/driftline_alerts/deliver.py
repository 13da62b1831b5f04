"""From stored transitions to people: at least once, with what is known of each attempt in the store.

An attempt is recorded before it is made and when it has ended. A process that is killed in between leaves a
begun attempt whose end nobody knows: the next one is marked as a possible repeat. So there is at most one
repeat a kill.
"""

from __future__ import annotations

import logging
import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import tenacity

from driftline_alerts.notifier import DeliveryError, Notifier
from driftline_alerts.state import COLUMNS, Transition, from_row
from driftline_store.client import store_errors

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

logger = logging.getLogger(__name__)

KEEP: Final = timedelta(hours=24)
"""How old a transition may be and still be told to people."""

_ATTEMPTS: Final = 4
_LONGEST_WAIT: Final = 30.0
_UNSURE: Final = "unsure: "
_REFUSED: Final = "refused: "

# A begun attempt has neither a result nor an error.
_PENDING: Final = f"""\
SELECT {", ".join(f"t.{name}" for name in COLUMNS)},
    d.begun > d.failed OR d.unsure > 0 AS repeat
FROM alert_transitions AS t
LEFT JOIN (
    SELECT transition_id, max(delivered) AS is_delivered, countIf(NOT delivered AND error = '') AS begun,
        countIf(NOT delivered AND error != '') AS failed, countIf(startsWith(error, '{_UNSURE}')) AS unsure,
        max(startsWith(error, '{_REFUSED}')) AS is_refused
    FROM alert_deliveries
    WHERE channel = {{channel:String}}
    GROUP BY transition_id
) AS d ON d.transition_id = t.id
WHERE t.at > toDateTime64({{since:Float64}}, 3, 'UTC') AND NOT d.is_delivered AND NOT d.is_refused
ORDER BY t.at, t.id"""


@dataclass(frozen=True)
class Pending:
    """A transition that a channel has not delivered yet.

    Attributes:
        repeat: whether an attempt was begun that may have succeeded.
    """

    transition: Transition
    repeat: bool


def pending(client: Client, channel: str, now: datetime) -> list[Pending]:
    """What a channel still has to deliver of the last ``KEEP``, oldest first.

    Raises:
        StoreError: the store is away or fails the statement.
    """
    with store_errors("reading undelivered alerts"):
        parameters = {"channel": channel, "since": (now - KEEP).timestamp()}
        rows = client.query(_PENDING, parameters=parameters, settings={"join_use_nulls": 0}).result_rows
    return [Pending(from_row(row[:-1]), repeat=bool(row[-1])) for row in rows]


def deliver(
    client: Client, notifier: Notifier, now: datetime, stop: threading.Event, may_act: Callable[[], bool]
) -> None:
    """Deliver what is pending, in order, until one fails; that one comes first the next time.

    Args:
        client: of the store.
        notifier: the channel.
        now: the present.
        stop: ends waiting between attempts.
        may_act: whether we still lead; asked before every message.

    Raises:
        StoreError: the store is away; nothing is lost.
    """
    for item in pending(client, notifier.channel, now):
        if stop.is_set():
            return
        try:
            _attempt(client, notifier, item, stop, may_act)
        except DeliveryError as error:
            logger.warning("alert %r was not delivered: %s", item.transition.rule, error)
            if error.again != "never":
                return


def _attempt(
    client: Client, notifier: Notifier, item: Pending, stop: threading.Event, may_act: Callable[[], bool]
) -> None:
    """Send one message, again after failures that may pass."""
    repeat = item.repeat

    def once() -> None:
        nonlocal repeat
        if not may_act():  # a pause between attempts can outlast our lease
            raise DeliveryError("another worker leads now and tells it", again="later")
        _record(client, notifier, item, delivered=False, error="")
        try:
            notifier.send(item.transition, repeat=repeat)
        except DeliveryError as error:
            repeat = repeat or error.unsure
            kind = _UNSURE if error.unsure else _REFUSED if error.again == "never" else ""
            _record(client, notifier, item, delivered=False, error=f"{kind}{error}")
            raise
        _record(client, notifier, item, delivered=True, error="")

    tenacity.Retrying(
        stop=tenacity.stop_after_attempt(_ATTEMPTS) | tenacity.stop_when_event_set(stop),
        wait=_wait,
        sleep=tenacity.sleep_using_event(stop),
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, DeliveryError) and error.again == "soon"),
        reraise=True,
    )(once)


_BACK_OFF: Final = tenacity.wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, DeliveryError) else None
    return float(_BACK_OFF(state)) if asked is None else min(asked, _LONGEST_WAIT)


def _record(client: Client, notifier: Notifier, item: Pending, *, delivered: bool, error: str) -> None:
    with store_errors("recording a delivery"):
        client.insert(
            "alert_deliveries",
            [[item.transition.id, notifier.channel, delivered, error]],
            column_names=["transition_id", "channel", "delivered", "error"],
            # Attempts may look alike, and all of them count.
            settings={"insert_deduplication_token": uuid.uuid4().hex, "async_insert": 0},
        )
