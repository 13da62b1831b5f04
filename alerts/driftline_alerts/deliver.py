"""From what is still to be told to people: at least once, with what is known of each attempt in the store.

An attempt is recorded before it is made and when it has ended. A process that is killed in between leaves a
begun attempt whose end nobody knows. A channel that can look up what it delivered is asked; in another one the
next attempt is marked as a possible repeat. So there is at most one repeat a kill.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import tenacity

from driftline_alerts.attempts import record
from driftline_alerts.notifier import DeliveryError, Notifier
from driftline_alerts.outbox import REFUSED, UNSURE, Parcel
from driftline_alerts.patience import Round

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.message import Message
    from driftline_alerts.outbox import Incident, Plan

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 4
_LONGEST_WAIT: Final = 30.0
_FAILURES: Final = 3
"""Incidents in a row that could not be told, after which the channel is left alone until the next round."""


class _LeadLostError(Exception):
    """We do not lead any more; who does tells it."""


@dataclass(frozen=True)
class Courier:
    """Brings what is due to one channel.

    Attributes:
        client: of the store.
        notifier: the channel.
        compose: makes a parcel into a message.
        stop: ends waiting between attempts.
        may_act: whether we still lead; asked before a message is made and before it is sent.
    """

    client: Client
    notifier: Notifier
    compose: Callable[[Parcel], Message]
    stop: threading.Event
    may_act: Callable[[], bool]

    def deliver(self, incidents: Iterable[Incident], plan: Plan) -> Round:
        """Tell what is due, of each incident in order.

        One that fails does not keep the others from being told, but several in a row are the channel's failure.
        That we do not lead any more ends the round, and is nobody's failure.

        Raises:
            StoreError: the store is away; nothing is lost.
        """
        failed: list[Incident] = []
        has_told, failures = False, 0
        for incident in incidents:
            self._drop_silenced(incident, plan)
            for parcel in plan.parcels(incident, self.notifier.channel):
                if self.stop.is_set() or failures == _FAILURES or not self.may_act():
                    return Round(has_told, failed)
                try:
                    self._attempt(parcel)
                    has_told, failures = True, 0
                except _LeadLostError:
                    return Round(has_told, failed)
                except DeliveryError as error:
                    logger.warning("alert %r was not delivered: %s", parcel.steps[0].rule, error)
                    if error.again == "never":
                        continue
                    failed.append(incident)
                    if error.retry_after and error.retry_after > _LONGEST_WAIT:
                        return Round(has_told, failed, error.retry_after)
                    failures += 1
                    break
        return Round(has_told, failed)

    def _attempt(self, parcel: Parcel) -> None:
        """Send one message, again after failures that may pass."""
        message = self.compose(parcel)
        is_repeat = parcel.is_repeat

        def once() -> None:
            nonlocal is_repeat
            if not self.may_act():  # to make the message takes seconds, as does a pause between attempts
                raise _LeadLostError
            reference = self._look_up(parcel, message) if is_repeat else None
            try:
                if reference is None:
                    self._record(parcel)
                    reference = self.notifier.send(message, thread=parcel.thread, repeat=is_repeat)
            except DeliveryError as error:
                is_repeat = is_repeat or error.unsure
                kind = UNSURE if error.unsure else REFUSED if error.again == "never" else ""
                self._record(parcel, error=f"{kind}{error}")
                raise
            self._record(parcel, delivered=True, reference=reference)

        tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_ATTEMPTS) | tenacity.stop_when_event_set(self.stop),
            wait=_wait,
            sleep=tenacity.sleep_using_event(self.stop),
            retry=tenacity.retry_if_exception(_is_soon_over),
            reraise=True,
        )(once)

    def _look_up(self, parcel: Parcel, message: Message) -> str | None:
        try:
            return self.notifier.find(message, thread=parcel.thread)
        except DeliveryError as error:
            # How the attempt before ended is as unknown as it was.
            self._record(parcel, error=f"{UNSURE}{error}")
            raise

    def _drop_silenced(self, incident: Incident, plan: Plan) -> None:
        """What began and ended while nobody wanted to hear of it is never told."""
        channel = self.notifier.channel
        if incident.is_over and not incident.told(channel) and plan.is_silenced(incident):
            dropped = [step.id for step in incident.steps if (step.id, channel) not in incident.attempts]
            record(self.client, dropped, channel, message="", error=f"{REFUSED}silenced")

    def _record(self, parcel: Parcel, *, delivered: bool = False, error: str = "", reference: str = "") -> None:
        ids, channel = [step.id for step in parcel.steps], self.notifier.channel
        record(self.client, ids, channel, message=parcel.id, delivered=delivered, error=error, reference=reference)


_BACK_OFF: Final = tenacity.wait_random_exponential(multiplier=0.5, max=_LONGEST_WAIT)


def _is_soon_over(error: BaseException) -> bool:
    """Whether to try again in this round; not where people may have got it."""
    if not isinstance(error, DeliveryError) or error.again != "soon":
        return False
    return not error.unsure and (error.retry_after or 0) <= _LONGEST_WAIT


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, DeliveryError) else None
    return float(_BACK_OFF(state)) if asked is None else asked
