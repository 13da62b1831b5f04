"""What carries messages to people. A new channel is one file: a class with these members, and a row in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from driftline.errors import DriftlineError

if TYPE_CHECKING:
    from driftline_alerts.message import Message


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
    """Its name in ``alert_deliveries``, as in alerts.yaml."""

    is_repeat_harmless: bool
    """Whether people get nothing twice: a repeat is recognised by who gets it, or looked up before."""

    def send(self, message: Message, *, thread: str, repeat: bool) -> str:
        """Tell people once.

        Args:
            message: what to tell.
            thread: what the incident's first message in this channel gave; '' for that first one.
            repeat: it may have been sent before; say so in it, unless the channel recognises a repeat by the
                message's id.

        Returns:
            What further messages of the incident are to be attached to; '' where the channel has no such thing.

        Raises:
            DeliveryError: it failed; its text holds no address and no secret.
        """

    def find(self, message: Message, *, thread: str) -> str | None:
        """Look up whether an earlier attempt, whose end nobody knows, has delivered a message.

        Returns:
            What ``send`` would have given; None where it was not delivered, or the channel cannot tell.

        Raises:
            DeliveryError: it cannot be found out now.
        """
