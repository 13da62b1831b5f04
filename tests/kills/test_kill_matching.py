"""kill -9 of the process that files feedback, and of the store: each event is filed once, in rows and in sums."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from driftline.settings import load
from driftline_processors.prepare import prepare
from store_fixtures import start_store

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client

ROUNDS = 5
EVENTS_A_ROUND = 50
SETTLE_SECONDS = 60

MATCHING = """\
import sys, time
from driftline.errors import StoreError
from driftline.settings import load
from driftline_processors.matching import match_pending
from driftline_store.client import connect, is_transient

settings = load({}, data_dir=sys.argv[1])
while True:
    try:
        client = connect(settings, wait=60)
        while True:
            match_pending(client, settings)
            time.sleep(0.1)
    except Exception as error:
        if not is_transient(error):
            raise
"""


def start(path: Path) -> subprocess.Popen[bytes]:
    with (path / "matching.log").open("ab") as log:
        return subprocess.Popen([sys.executable, "-c", MATCHING, str(path)], stderr=log)


def give_feedback(client: Client, first: int) -> None:
    client.command(
        "INSERT INTO evaluations_pending (id, arrived, trace_id, source, label, explanation) SELECT "
        "generateUUIDv4(), now64(3), lower(hex(MD5(toString(number)))), 'human', 'thumbs_up', toString(number) "
        f"FROM numbers({first}, {EVENTS_A_ROUND})"
    )


def wait_for_a_claim(client: Client, give: int) -> None:
    """Give feedback and return when a batch with some of it has just been claimed."""
    newest = "SELECT max(batch) FROM evaluations_matched"
    before = client.query(newest).result_rows
    give_feedback(client, give)
    deadline = time.monotonic() + SETTLE_SECONDS
    while client.query(newest).result_rows == before:
        assert time.monotonic() < deadline, "nothing was claimed"


def filed(client: Client) -> tuple[int, int, int]:
    """Rows, distinct events among them, and their sum per minute."""
    [row] = client.query(
        "SELECT (SELECT count() FROM evaluations), (SELECT uniqExact(explanation) FROM evaluations), "
        "(SELECT sum(thumbs_up) FROM llm_rollups WHERE resolution = 'day')"
    ).result_rows
    return int(row[0]), int(row[1]), int(row[2])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kills_while_feedback_is_filed_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("DRIFTLINE_TEST_SEED", time.time_ns() % 10**9))
    print(f"seed {seed}: repeat with DRIFTLINE_TEST_SEED={seed}")
    chance = random.Random(seed)
    store = start_store(tmp_path, prepared=True)
    client = prepare(load(data_dir=str(tmp_path)))
    expected = ROUNDS * EVENTS_A_ROUND
    client.command(
        "INSERT INTO llm_spans (trace_id, span_id, start, arrived, feature, is_request) SELECT "
        f"lower(hex(MD5(toString(number)))), 'root', now(), now(), 'support', true FROM numbers({expected})"
    )
    client.close()
    matching = start(tmp_path)
    try:
        for n in range(ROUNDS):
            client = store.client()
            wait_for_a_claim(client, n * EVENTS_A_ROUND)
            client.close()
            time.sleep(chance.uniform(0, 0.03))
            if n % 2:
                store.kill()
                store = start_store(tmp_path)
            else:
                matching.kill()
                matching.wait()
                matching = start(tmp_path)
        deadline = time.monotonic() + SETTLE_SECONDS
        with contextlib.closing(store.client()) as client:
            while filed(client)[0] < expected and time.monotonic() < deadline:
                time.sleep(0.2)
            time.sleep(1)  # for a row too many
            assert matching.poll() is None, (tmp_path / "matching.log").read_text()
            assert filed(client) == (expected, expected, expected), f"seed {seed}"
    finally:
        matching.kill()
        matching.wait()
        store.stop()
