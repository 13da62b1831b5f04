"""Makes a store ready for the parts that write to it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from driftline_processors import prices
from driftline_processors.install import install
from driftline_processors.judge.config import load_checks
from driftline_processors.replay import shadow
from driftline_processors.replay.swap import refuse_unfinished
from driftline_store import retention
from driftline_store.client import connect
from driftline_store.migrate import migrate

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline.settings import Settings

logger = logging.getLogger(__name__)

_STORE_WAIT: Final = 60.0
"""Seconds that a store which is starting or restarting is waited for."""


def prepare(settings: Settings, *, replace_views: bool = False) -> Client:
    """Connect to the store and bring its schema, retention, views and prices up to date; safe to repeat.

    Args:
        settings: where the store is.
        replace_views: whether views of another version may be exchanged; no ingest may run meanwhile.

    Raises:
        SettingsError: a check of ``evaluators.yaml`` is wrong.
        StoreError: the store cannot be reached, is newer than this Driftline, has other views, or tables that a
            replay was swapping when it was cut off.
    """
    client = connect(settings, wait=_STORE_WAIT)
    migrate(client)
    refuse_unfinished(client)
    shadow.remove(client)  # a replay that died has left content there, which no purge or limit reaches
    retention.apply(client, settings)
    if changed := install(client, replace=replace_views, declared=load_checks(settings)):
        logger.info("installed %s", ", ".join(changed))
    prices.preload(client, prices.price_book(settings))
    return client
