"""What carries a transition to people. To add a channel, write a class with these two members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from driftline.errors import DriftlineError

if TYPE_CHECKING:
    from driftline_alerts.state import Transition


Again = Literal["soon", "later", "never"]


class DeliveryError(DriftlineError):
    """A message was not delivered, or it is not known whether it was.

    Attributes:
        again: when the same message may succeed: ``soon``, ``later`` (once something is mended) or ``never``.
        unsure: whether it may have been delivered all the same, so that another try could repeat it.
        retry_after: how long the channel asks us to wait, in seconds.
    """

    def __init__(self, message: str, *, again: Again, unsure: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.again = again
        self.unsure = unsure
        self.retry_after = retry_after


class Notifier(Protocol):
    """A channel."""

    channel: str
    """Its name in ``alert_deliveries``; stays the same for ever."""

    def send(self, transition: Transition, *, repeat: bool) -> None:
        """Tell people once.

        Args:
            transition: what has changed.
            repeat: the message may have been sent before; say so in it.

        Raises:
            DeliveryError: it failed; its text holds no address and no secret.
        """
