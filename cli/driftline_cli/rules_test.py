"""``driftline rules test``: whether a message reaches people, tried with one that means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from driftline.errors import DriftlineError
from driftline_alerts.channels.sample import sample
from driftline_alerts.notifier import DeliveryError
from driftline_store.metrics import closest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_alerts.notifier import Notifier


def send_samples(channels: Sequence[Notifier], only: Sequence[str]) -> None:
    """Send a sample to each channel, and print what comes of it.

    Args:
        channels: those that are configured.
        only: names of those that are meant; empty: all.

    Raises:
        DriftlineError: there is no such channel, or one did not take its sample.
    """
    known = {one.channel: one for one in channels}
    if not known:
        raise DriftlineError("no channel is configured; add one to 'channels' of alerts.yaml (docs/channels.md)")
    for name in only:
        if name not in known:
            raise DriftlineError(f"channel {name!r} is not configured; {closest(name, tuple(known))}")
    failed = [name for name in only or known if not _is_taken(known[name])]
    if failed:
        raise DriftlineError(f"not all samples were taken ({', '.join(failed)}); correct what is said above")


def _is_taken(channel: Notifier) -> bool:
    try:
        channel.send(sample(channel.channel), thread="", repeat=False)
    except DeliveryError as error:
        typer.echo(f"failed  {error}")
        return False
    typer.echo(f"sent    channel {channel.channel!r} took a sample; look whether it is there")
    return True
