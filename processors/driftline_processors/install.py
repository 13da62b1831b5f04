"""Puts the stream processing into the store: dictionaries, raw tables and views."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from driftline_processors.dictionaries import DICTIONARIES
from driftline_processors.otlp import RAW_TABLES
from driftline_processors.views import VIEWS

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from driftline_processors.views.view import View

_RECORD = """\
CREATE TABLE IF NOT EXISTS installed_views
(name String, sha256 String, installed_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = ReplacingMergeTree(installed_at) ORDER BY name"""


def install(client: Client) -> list[str]:
    """Create what is missing and update the views whose query has changed; run after ``migrate``.

    Returns:
        names of the views that were created or changed.

    Raises:
        StoreError: the store failed a statement.
    """
    for dictionary in DICTIONARIES:
        client.command(dictionary.create.replace("{database}", str(client.database or "default")))
    for statement in (*RAW_TABLES, _RECORD):
        client.command(statement)
    rows = client.query("SELECT name, sha256 FROM installed_views FINAL").result_rows
    installed = {str(name): str(digest) for name, digest in rows}
    return [view.name for view in VIEWS if _install_view(client, view, installed.get(view.name))]


def _install_view(client: Client, view: View, installed: str | None) -> bool:
    digest = hashlib.sha256(view.create.encode()).hexdigest()
    if digest == installed:
        return False
    client.command(view.create)
    # A view that stands without a record, or with another one, is from an older Driftline or a cut installation.
    client.command(view.modify)
    client.insert("installed_views", [[view.name, digest]], column_names=["name", "sha256"])
    return True
