"""Views are created once, changed only on request, and recognise what they have seen across both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from driftline.errors import StoreError
from driftline_processors import install as installation
from driftline_processors.install import install
from driftline_processors.otlp import TRACE_SCHEMA, frame, insert_settings
from driftline_processors.views import VIEWS
from driftline_store.migrate import migrate
from ingest_support import captured
from store_fixtures import start_store

if TYPE_CHECKING:
    from pathlib import Path

    from driftline_store.client import Client


def send(client: Client, token: str) -> tuple[int, int]:
    """Insert one captured span under a token; give the spans and requests stored now."""
    body = frame(captured("otel-genai-openai-1.3b0", "chat"))
    client.raw_insert("otlp_traces", insert_block=body, fmt="Protobuf", settings=insert_settings(TRACE_SCHEMA, token))
    [row] = client.query(
        "SELECT (SELECT count() FROM llm_spans), (SELECT sum(requests) FROM llm_rollups WHERE resolution = 'day')"
    ).result_rows
    return int(row[0]), int(row[1])


@pytest.mark.slow
def test_a_batch_is_recognised_after_a_crash_and_after_its_views_were_replaced(tmp_path: Path) -> None:
    store = start_store(tmp_path)
    client = store.client()
    migrate(client)
    assert install(client) == [view.name for view in VIEWS]
    assert send(client, "first") == (1, 1)

    store.kill()
    store = start_store(tmp_path)
    assert install(client) == []
    assert send(client, "first") == (1, 1), "the very first batch after the views were made"
    assert send(client, "second") == (2, 2)

    for view in VIEWS:
        client.command(view.replace)
    assert send(client, "second") == (2, 2)
    assert send(client, "third") == (3, 3)

    store.kill()
    store = start_store(tmp_path)
    assert [send(client, token) for token in ("first", "second", "third")] == [(3, 3)] * 3
    client.close()
    store.stop()


def test_views_of_another_version_are_refused_until_they_may_be_replaced(
    store_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrate(store_client)
    install(store_client)
    *others, last = VIEWS
    changed = type(last)(last.name, last.target, last.query.replace("now64(3, 'UTC')", "now64(3)"))
    assert changed != last
    monkeypatch.setattr(installation, "VIEWS", (*others, changed))
    with pytest.raises(StoreError, match=f"{last.name}.*driftline migrate"):
        install(store_client)
    assert install(store_client, replace=True) == [last.name]
    assert install(store_client) == []
