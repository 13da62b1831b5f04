"""Puts the stream processing into the store: dictionaries, raw tables, views and default rules."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from driftline.errors import StoreError
from driftline_processors import checks
from driftline_processors.dictionaries import DICTIONARIES
from driftline_processors.otlp import RAW_TABLES
from driftline_processors.views import VIEWS
from driftline_processors.views.spans import with_checks
from driftline_store.client import store_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clickhouse_connect.driver.client import Client

    from driftline_processors.judge.check import CheckConfig
    from driftline_processors.views.view import View

logger = logging.getLogger(__name__)

_INSTALLED = (
    "SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView'"
)


def install(client: Client, *, replace: bool = False, declared: Sequence[CheckConfig] | None = None) -> list[str]:
    """Create what is missing; run after ``migrate``.

    Args:
        client: of the store.
        replace: whether to change views whose query is another one. No ingest may run meanwhile: a row
            that passes while a view is exchanged could be counted twice or not at all.
        declared: checks of ``evaluators.yaml``; None leaves those that are in force.

    Returns:
        names of the views that were created or changed.

    Raises:
        StoreError: the store failed a statement, or has other views and they may not be replaced.
    """
    with store_errors("installing views"):
        for dictionary in DICTIONARIES:
            client.command(dictionary.create.replace("{database}", str(client.database or "default")))
        checks.preload(client)
        for statement in RAW_TABLES:
            client.command(statement)
        installed = {str(name): str(comment) for name, comment in client.query(_INSTALLED).result_rows}
        views = with_checks(VIEWS, declared or ())
        changed = [view for view in views if not _is_version(view, installed.get(view.name, ""))]
        other = [view.name for view in changed if view.name in installed]
        if other and not replace:
            raise StoreError(
                f"the views {', '.join(other)} of the store were made by another version of Driftline; "
                "stop ingest everywhere, run driftline migrate, and start it again"
            )
        if declared is not None:
            changed += _with_other_checks(views, installed, changed, replace=replace)
        for view in changed:
            client.command(view.replace if view.name in installed else view.create)
    return [view.name for view in changed]


def _is_version(view: View, comment: str) -> bool:
    """Whether a view of the store is this Driftline's, whatever users have declared."""
    return comment.partition("+")[0] == view.comment.partition("+")[0]


def _with_other_checks(
    views: Sequence[View], installed: dict[str, str], changed: Sequence[View], *, replace: bool
) -> list[View]:
    """Views whose declared checks are others than those in force, if they may be replaced."""
    found = [view for view in views if view not in changed and installed.get(view.name) != view.comment]
    if found and not replace:
        logger.warning(
            "the checks of evaluators.yaml are others than those in force; they are taken over by driftline migrate, "
            "while no ingest runs"
        )
    return found if replace else []
