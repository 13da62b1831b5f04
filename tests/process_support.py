"""Applications in processes of their own, and what they left on the embedded bus."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from driftline.bus import SPANS_TOPIC, open_bus
from driftline.counts import Counts
from driftline.courier import Courier
from driftline.testing import InMemoryBus, recorded_spans

if TYPE_CHECKING:
    from pathlib import Path

    from driftline.testing import RecordedSpan

_OURS = ("DRIFTLINE_", "OTEL_", "PYTHONPATH")


def clean_environment(folder: Path, **environ: str) -> dict[str, str]:
    """This process's environment without settings, with ``folder`` as the data folder, and more if given."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(_OURS)}
    return {**kept, "DRIFTLINE_DATA_DIR": str(folder), **environ}


def on_disk(folder: Path) -> list[RecordedSpan]:
    """What the processes left on the embedded bus, and what they left in spools, brought there as another would."""
    url = f"sqlite:///{folder / 'bus.db'}"
    _recover(url, folder)
    bus = InMemoryBus()
    consumer = open_bus(url).consumer(SPANS_TOPIC, group="test")
    while (batch := consumer.take(max_bytes=10_000_000, timeout=0)) is not None:
        for message in batch.messages:
            bus.append(SPANS_TOPIC, None, message.value)
        consumer.done(batch)
    consumer.close()
    return recorded_spans(bus)


def _recover(url: str, folder: Path) -> None:
    bus = open_bus(url)
    name = hashlib.sha256(bus.url.encode()).hexdigest()[:16]
    courier = Courier(bus, folder / "spool" / name, limit=0, counts=Counts(), memory=0)
    courier._send_orphans()
    courier._disconnect()
