"""The one way to the store: a clickhouse-connect client for the settings' URL or for the embedded store.

One client may be used by several threads at once: it has no session, every statement is a request of its
own, and connections come from a pool. So ``SET``, ``USE`` and temporary tables do not last from one
statement to the next; give settings with the statement and the database with the client. Times come back
aware, in UTC.
"""

from __future__ import annotations

import contextlib
import functools
import time
from typing import TYPE_CHECKING, Any

import clickhouse_connect
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.httputil import get_pool_manager

from driftline.errors import DriftlineError
from driftline_store.failures import StoreUnavailableError, is_transient, translate
from driftline_store.target import Target, not_running, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from urllib3.poolmanager import PoolManager

    from driftline.settings import Settings

__all__ = ["ONE_BLOCK", "Client", "StoreUnavailableError", "connect", "is_transient", "store_errors"]

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 300.0
_POLL_SECONDS = 0.1
# They hold for every statement of every client.
_SETTINGS = {"async_insert": 0, "session_timezone": "UTC"}
# Give these with an insert that has a deduplication token: its rows then become one block. Otherwise a
# server cuts an insert each 1,048,449 rows or 256 MiB.
ONE_BLOCK: dict[str, Any] = {
    "max_insert_block_size": 100_000_000,
    "min_insert_block_size_rows": 0,
    "min_insert_block_size_bytes": 4_000_000_000,
    "input_format_parallel_parsing": 0,
}


def connect(
    where: Settings | str | Path, *, wait: float = 0, database: str | None = None, timeout: float = STATEMENT_SECONDS
) -> Client:
    """Open a client of the store and check that it answers.

    Args:
        where: the settings, a URL ``clickhouse://user:pass@host:8443/db?secure=1``, or a data folder.
        wait: how long to wait for a store that is starting or out of reach, in seconds.
        database: overrides the URL's database; it must exist.
        timeout: how long one statement may take to answer, in seconds.

    Returns:
        A client with ``async_insert=0``, in UTC, without a session; close it when done.

    Raises:
        SettingsError: the URL cannot be used.
        StoreUnavailableError: the store is not running or does not answer (after ``wait`` seconds).
        StoreError: the store refuses: wrong password, unknown database, or no ClickHouse at that address.
    """
    deadline = time.monotonic() + wait
    while True:
        try:
            return _open(resolve(where), database, timeout)
        except StoreUnavailableError:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def store_errors(what: str) -> Iterator[None]:
    """Turn what clickhouse-connect raises inside the block into a StoreError of one sentence.

    Args:
        what: what was being done, for the message, such as ``reading the alerts``.

    Raises:
        StoreUnavailableError: waiting and trying again may help.
        StoreError: it will not.
    """
    try:
        yield
    except DriftlineError:
        raise
    except Exception as error:  # noqa: BLE001  every other kind is translated
        raise translate(error, f"the store, while {what},") from None


def _open(target: Target, database: str | None, timeout: float) -> Client:
    try:
        return clickhouse_connect.get_client(
            interface="https" if target.secure else "http",
            host=target.host,
            port=target.port,
            username=target.user,
            password=target.password,
            database=database or target.database,
            verify=target.verify,
            compress=not target.embedded_in,  # on loopback it only costs time
            connect_timeout=CONNECT_SECONDS,
            send_receive_timeout=timeout,
            autogenerate_session_id=False,  # a session allows one statement at a time
            show_clickhouse_errors="scrub",
            tz_mode="aware",
            client_name="driftline",
            settings=dict(_SETTINGS),
            pool_mgr=_loopback_pool() if target.embedded_in else None,
        )
    except Exception as error:  # noqa: BLE001  whatever answers there may not be ClickHouse
        failure = translate(error, f"the store at {target}")
        if target.embedded_in and isinstance(failure, StoreUnavailableError):
            raise not_running(target.embedded_in) from None
        raise failure from None


@functools.cache
def _loopback_pool() -> PoolManager:
    # A pool of our own keeps HTTP_PROXY out of the way to this machine itself.
    pool: PoolManager = get_pool_manager(maxsize=16)
    return pool
