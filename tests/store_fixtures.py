"""A real embedded store for tests: the process that users run, on a free port, in a temporary folder."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

from driftline_processors import prices
from driftline_processors.install import install
from driftline_store.client import Client, connect
from driftline_store.embedded import Endpoint, endpoint
from driftline_store.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

START_SECONDS = 60
ROOT = Path(__file__).parents[1]
PREPARED = ROOT / ".pytest_cache" / "prepared-store"
MAKES_IT = ("collector", "store", "processors")
"""Folders whose code decides what a prepared store looks like."""


@dataclass
class RunningStore:
    """A store's process and its data folder."""

    path: Path
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> Endpoint:
        found = endpoint(self.path)
        assert found is not None, "the store is not running"
        return found

    def client(self, database: str | None = None) -> Client:
        return connect(self.path, database=database)

    def kill(self) -> None:
        """As a crash of the engine or of the machine's power."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """As the supervisor does; gives the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def log(self) -> str:
        return _log_path(self.path).read_text(encoding="utf-8")


def start_store(path: Path, *arguments: str, prepared: bool = False) -> RunningStore:
    """Start the store and wait until it answers.

    Args:
        path: of its data.
        arguments: of its command.
        prepared: whether a new one has schema, views and prices from its start, by a copy of one that was prepared
            before: ``prepare`` then finds all done, which saves some five seconds of work.
    """
    path.mkdir(parents=True, exist_ok=True)
    if prepared:
        lay_prepared(path)
    command = [
        sys.executable,
        "-m",
        "driftline_store.embedded",
        "--data-dir",
        str(path),
        "--with-parent",
        *arguments,
    ]
    with _log_path(path).open("ab") as log:
        process = _start(command, log)
    store = RunningStore(path, process)
    deadline = time.monotonic() + START_SECONDS
    while not ((found := endpoint(path)) and found.pid == process.pid):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise AssertionError(f"the store did not start:\n{store.log()}")
        time.sleep(0.02)
    return store


def lay_prepared(path: Path) -> None:
    """Put data of a store with schema, views and prices into a data folder that has none."""
    shutil.copytree(_prepared_folder() / "store", path / "store", symlinks=True)


def _prepared_folder() -> Path:
    """Data of a store with schema, views and prices, made by the first test that asks for it."""
    code = hashlib.sha256(version("chdb-core").encode())
    for part in MAKES_IT:
        for file in sorted(path for path in (ROOT / part).rglob("*") if path.suffix in {".py", ".sql", ".json"}):
            code.update(file.read_bytes())
    folder = PREPARED / code.hexdigest()[:16]
    PREPARED.mkdir(parents=True, exist_ok=True)
    with (PREPARED / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            for old in (path for path in PREPARED.iterdir() if path.is_dir()):
                shutil.rmtree(old)
            unfinished = folder.with_suffix(".unfinished")
            with running_store(unfinished) as store, contextlib.closing(store.client()) as client:
                migrate(client)
                install(client)
                prices.preload(client)
            unfinished.rename(folder)
    return folder


@contextlib.contextmanager
def running_store(path: Path, *arguments: str, prepared: bool = False) -> Iterator[RunningStore]:
    """Run a store on the folder for the time of the block; see ``start_store``."""
    store = start_store(path, *arguments, prepared=prepared)
    try:
        yield store
    finally:
        store.stop()


def _start(command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"PYTHONWARNINGS": "default"})


def _log_path(path: Path) -> Path:
    return path / "store.log"


@pytest.fixture(scope="session")
def embedded_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """One store for all tests of a worker: empty it first, or use a database of your own, or `store_client`."""
    with running_store(tmp_path_factory.mktemp("store"), prepared=True) as store:
        yield store


@pytest.fixture
def store_client(embedded_store: RunningStore) -> Iterator[Client]:
    """A client in a new, empty database that is dropped afterwards."""
    name = f"test_{uuid.uuid4().hex}"
    admin = embedded_store.client()
    admin.command(f"CREATE DATABASE {name}")
    client = embedded_store.client(name)
    try:
        yield client
    finally:
        client.close()
        admin.command(f"DROP DATABASE {name} SYNC")
        admin.close()


PRICES_AND_RULES = ("model_prices", "price_loads", "answer_checks")
"""Tables that a new store has rows in."""


def empty(client: Client, keep: Collection[str] = ()) -> None:
    """Empty every table of the database but those to keep and the notes of migrations."""
    tables = client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' "
        "AND total_rows != 0 AND name != 'schema_migrations'"
    ).result_rows
    for (table,) in tables:
        if table not in keep:
            client.command(f"TRUNCATE TABLE {table}")


FOR_EVER = dict.fromkeys(
    ("keep_spans_days", "keep_content_days", "keep_evaluations_days", "keep_minutes_days", "keep_hours_days"), 0
)
"""Settings for a part that works on a store of several tests: what they store may be years old."""
