"""How many statements a page asks the store for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.httpclient import HttpClient

from dashboard.conftest import Page
from driftline_dashboard.places import PLACES

if TYPE_CHECKING:
    from typing import Any

    from driftline_dashboard.places import Place
    from store_fixtures import RunningStore

MOST = 12


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.title)
def test_a_page_that_nobody_has_looked_at_asks_no_more_than_was_promised(
    seeded: RunningStore, monkeypatch: pytest.MonkeyPatch, place: Place
) -> None:
    asked: list[str] = []
    query = HttpClient._query_with_context

    def counted(client: HttpClient, context: Any) -> Any:
        if "system.settings" not in context.final_query:  # of the connection
            asked.append(context.final_query)
        return query(client, context)

    monkeypatch.setattr(HttpClient, "_query_with_context", counted)
    Page(seeded.path, monkeypatch, at="" if place.is_first else place.path)
    assert len(asked) <= MOST, "\n".join(" ".join(one.split())[:100] for one in asked)
