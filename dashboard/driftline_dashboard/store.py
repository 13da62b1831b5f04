"""The dashboard's connection to the store: one for all visitors, opened again after a failure."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline import settings
from driftline.errors import StoreError
from driftline_alerts.alerts_file import load_rules
from driftline_store.client import connect, store_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clickhouse_connect.driver.client import Client

    from driftline_alerts.rule import Rule

LIMITS: Final = {"max_execution_time": 20}
"""ClickHouse settings of our own queries: a page must never hold the store for long."""


@st.cache_resource(show_spinner=False)
def _client() -> Client:
    return connect(settings.load())


@contextlib.contextmanager
def reading(what: str) -> Iterator[Client]:
    """Lend the connection for the queries in the block.

    Args:
        what: what is being read, for the message of a failure.

    Raises:
        StoreError: the store cannot be reached or fails a statement; the next use connects anew.
    """
    try:
        with store_errors(f"reading {what}"):
            yield _client()
    except StoreError:
        # The store may have come back at another port, or with another login.
        _client.clear()
        raise


def kept_days(what: str) -> int:
    """How many days something is kept; 0: for ever.

    Args:
        what: as in the names of the settings ``keep_…_days``.
    """
    return int(getattr(settings.load(), f"keep_{what}_days"))


def alert_seconds() -> float:
    """Time between two rounds of the alert worker, in seconds, as far as this process's settings say."""
    return float(settings.load().alert_seconds)


def false_pages() -> float:
    """False pages in 30 days that drift detection may make, as far as this process's settings say."""
    return float(settings.load().drift_false_pages)


@st.cache_data(ttl=30, show_spinner=False)
def alert_rules() -> tuple[Rule, ...]:
    """The alert rules in force, by the file that this process's settings name.

    Raises:
        SettingsError: the file cannot be read, or a rule is wrong.
    """
    return load_rules(settings.load())
