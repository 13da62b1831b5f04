"""From the decorator over a real Kafka into the store, with the workers that users run."""

from __future__ import annotations

import threading
import time
import uuid
from typing import TYPE_CHECKING

import pytest
from openai.types.chat import ChatCompletion
from opentelemetry.sdk.trace import TracerProvider

import driftline
from collector_support import chat_body
from driftline.settings import load
from driftline_processors import ingest_worker
from store_fixtures import FOR_EVER

if TYPE_CHECKING:
    from driftline_store.client import Client
    from store_fixtures import RunningStore

REQUESTS = 50
WAIT_SECONDS = 90


@pytest.mark.kafka
def test_observed_calls_and_feedback_arrive_once(
    kafka_url: str, embedded_store: RunningStore, prepared: Client
) -> None:
    place = embedded_store.endpoint
    store = f"clickhouse://{place.user}:{place.password}@{place.host}:{place.port}/{prepared.database}"
    session_id = uuid.uuid4().hex
    # Loopback without a host's own spans: the provider of this test alone.
    driftline.init(bus=kafka_url, service_name="over-kafka", tracer_provider=TracerProvider(shutdown_on_exit=False))

    @driftline.observe(feature="support", prompt_version="v3")
    def answer(question: str) -> ChatCompletion:
        handles.append(str(driftline.current()))
        return ChatCompletion.model_validate(chat_body())

    handles: list[str] = []
    with driftline.session(session_id):
        for number in range(REQUESTS):
            answer(f"question {number}")
    for token in handles[:10]:
        driftline.feedback(token, thumbs_up=True)
    assert driftline.flush(30)
    driftline.shutdown(5)

    stop = threading.Event()
    worker = threading.Thread(target=ingest_worker.run, args=(load({}, bus=kafka_url, store=store, **FOR_EVER), stop))
    worker.start()
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while counted(prepared, session_id) != (REQUESTS, 10) and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        stop.set()
        worker.join()
    assert counted(prepared, session_id) == (REQUESTS, 10)


def counted(client: Client, session_id: str) -> tuple[int, int]:
    """Requests of the session, and thumbs up for them."""
    [row] = client.query(
        "SELECT (SELECT count() FROM llm_spans WHERE session_id = {session:String} AND cost = 0.0000453), "
        "(SELECT count() FROM evaluations WHERE label = 'thumbs_up' AND prompt_version = 'v3' AND trace_id IN "
        "(SELECT trace_id FROM llm_spans WHERE session_id = {session:String}))",
        parameters={"session": session_id},
    ).result_rows
    return int(row[0]), int(row[1])
