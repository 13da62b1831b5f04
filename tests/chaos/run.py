"""The bus is killed and started again and again while an application records; then the store is compared with it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driftline.settings import load
from driftline_processors import ingest_worker
from kafka_server import OwnBroker
from store_fixtures import FOR_EVER, running_store

if TYPE_CHECKING:
    from driftline_store.client import Client

APP = Path(__file__).with_name("app.py")
SECONDS_A_RESTART = 4
"""So long the application makes calls for each death of its bus."""

STORED = """\
SELECT extract(input, 'call ([0-9]+/[0-9]+)') AS call, count() FROM llm_spans WHERE feature = 'chaos' GROUP BY call"""


@dataclass(frozen=True)
class Outcome:
    """What the store has of the calls that were made."""

    made: int
    lost: int
    doubled: int
    said: str


def run(folder: Path, *, calls: int, restarts: int, seed: int) -> Outcome:
    """Make calls from 8 threads and 4 forked workers while the broker dies now and then.

    Args:
        folder: for the broker, the store and the application's data.
        calls: how many, about.
        restarts: how often the broker is killed.
        seed: when and for how long.
    """
    with running_store(folder / "store", prepared=True) as running, running.client() as client:
        place = running.endpoint
        store = f"clickhouse://{place.user}:{place.password}@{place.host}:{place.port}/default"
        return _run(folder, client, store, calls=calls, restarts=restarts, chance=random.Random(seed))


def _run(folder: Path, client: Client, store: str, *, calls: int, restarts: int, chance: random.Random) -> Outcome:
    (folder / "broker").mkdir()
    broker = OwnBroker(folder / "broker")
    bus = f"kafka://{broker.address}?partitions=4"
    environment = {**os.environ, "DRIFTLINE_DATA_DIR": str(folder / "app"), "PYTHONPATH": str(APP.parents[1])}
    stop = threading.Event()
    worker = threading.Thread(target=ingest_worker.run, args=(load({}, bus=bus, store=store, **FOR_EVER), stop))
    try:
        command = [sys.executable, str(APP), bus, str(calls), "8", "4", str(SECONDS_A_RESTART * restarts)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as app:
            for _ in range(restarts):
                time.sleep(chance.uniform(0.2, 2))
                broker.stop()
                time.sleep(chance.uniform(0.1, 3))
                broker.start()
            said, _ = app.communicate(timeout=900)
        assert app.returncode == 0, said
        worker.start()
        made = {f"0/{n}" for n in range(10)}
        share = calls // 12
        made |= {f"{w}/{n}" for w in (*range(1, 9), *range(100, 104)) for n in range(share)}
        return _compared(client, made, said)
    finally:
        stop.set()
        if worker.is_alive():
            worker.join()
        broker.stop()


def _compared(client: Client, made: set[str], said: str) -> Outcome:
    deadline = time.monotonic() + 120
    counted: Counter[str] = Counter()
    last: tuple[int, float] = (-1, 0.0)
    while time.monotonic() < deadline:
        rows: list[Any] = list(client.query(STORED).result_rows)
        counted = Counter({call: int(count) for call, count in rows})
        if counted.total() != last[0]:
            last = (counted.total(), time.monotonic())
        if counted.total() >= len(made) and time.monotonic() - last[1] > 3:
            break
        time.sleep(0.5)
    return Outcome(len(made), len(made - counted.keys()), sum(count > 1 for count in counted.values()), said)
