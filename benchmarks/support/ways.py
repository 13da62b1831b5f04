"""The ways from a Kafka topic, or from its messages, into a store: Driftline's and two others'."""

from __future__ import annotations

import contextlib
import json
import socket
import sqlite3
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

from driftline_store.embedded import endpoint
from support.load import SPANS, messages
from support.processes import START_SECONDS, running, running_store, settle
from support.watch import NotRunError, Result, watch

if TYPE_CHECKING:
    import psutil

    from driftline_store.client import Client
    from support.topic import Topic

CONTENT = ("system", "input", "output")
RANDOM = ("trace_id", "span_id", "response_id", "session_id")


def driftline(topic: Topic, folder: Path, *, workers: int) -> Result:
    """``driftline ingest`` into the embedded store, with every table and view that there is."""
    environ = {"DRIFTLINE_BUS": f"kafka://{topic.address}", "DRIFTLINE_DATA_DIR": str(folder)}
    with running_store(folder) as (store, client), contextlib.ExitStack() as stack:
        command = [sys.executable, "-m", "driftline_cli", "ingest"]
        ingests = [stack.enter_context(running(command, folder, f"ingest-{n}", environ)) for n in range(workers)]
        result = watch(
            "Driftline",
            lambda: _count(client, "llm_spans"),
            topic.spans,
            {"ingest": ingests, "store": [store]},
            settle=lambda: settle(client),
        )
        result.disk = _disk(client, topic.spans)
        return result


def collector(topic: Topic, folder: Path, binary: str) -> Result:
    """A Collector's Kafka receiver and ClickHouse exporter, over HTTP into another embedded store."""
    with running_store(folder, (str(Path(__file__).with_name("store_for_go.py")),)) as (store, client):
        config = folder / "collector.yaml"
        config.write_text(json.dumps(_collector_config(topic, folder)))  # JSON is YAML
        with running([binary, "--config", str(config)], folder, "collector", {}) as process:
            result = watch(
                "OpenTelemetry Collector",
                lambda: _count(client, "otel_traces"),
                topic.spans,
                {"collector": [process], "store": [store]},
                settle=lambda: settle(client),
            )
        result.disk = {"all": _bytes(client, "1") / topic.spans}
        return result


def phoenix(folder: Path, python: str, spans: int) -> Result:
    """The Phoenix server, fed over OTLP/HTTP with the same messages; its store is the SQLite file that it makes."""
    port, grpc = _free_port(), _free_port()
    environ = {
        "PHOENIX_WORKING_DIR": str(folder),
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(port),
        "PHOENIX_GRPC_PORT": str(grpc),
        "PHOENIX_TELEMETRY_ENABLED": "false",
    }
    url = f"http://127.0.0.1:{port}"
    with running([python, "-m", "phoenix.server.main", "serve"], folder, "phoenix", environ) as process:
        _wait_for(url, process)
        sender = threading.Thread(target=_post_all, args=(f"{url}/v1/traces", spans // SPANS))
        sender.start()
        result = watch("Phoenix", lambda: _phoenix_count(folder), spans, {"server": [process]})
        sender.join()
    return result


def _collector_config(topic: Topic, folder: Path) -> dict[str, object]:
    found = endpoint(folder)
    if found is None:
        raise NotRunError("the store is not running")
    exporter = {
        "endpoint": found.url,
        "username": found.user,
        "password": found.password,
        "compress": "none",  # as over loopback for Driftline
        "async_insert": False,
        "timeout": "60s",
        # As its documentation recommends, and nothing is dropped when the store is the slower one.
        "sending_queue": {"queue_size": 100, "block_on_overflow": True, "batch": {"min_size": 8192}},
    }
    return {
        "receivers": {"kafka": {"brokers": [topic.address], "group_id": "collector", "initial_offset": "earliest"}},
        "exporters": {"clickhouse": exporter},
        "service": {
            "pipelines": {"traces": {"receivers": ["kafka"], "exporters": ["clickhouse"]}},
            "telemetry": {"metrics": {"level": "none"}},
        },
    }


def _count(client: Client, table: str) -> int:
    try:
        return int(client.command(f"SELECT count() FROM {table}"))  # type: ignore[arg-type]
    except Exception as error:
        if "UNKNOWN_TABLE" in str(error):
            return 0  # not created yet
        raise


def _disk(client: Client, spans: int) -> dict[str, float]:
    """Bytes a span: content, what is random in every span, the other columns, and the other tables."""
    names = {"content": CONTENT, "random ids": RANDOM}
    found = {
        what: _bytes(client, f"table = 'llm_spans' AND column IN ({', '.join(map(repr, columns))})") / spans
        for what, columns in names.items()
    }
    found["other columns"] = _bytes(client, "table = 'llm_spans'") / spans - sum(found.values())
    found["other tables"] = _bytes_of_small(client) / spans
    return found


def _bytes(client: Client, where: str) -> int:
    query = (
        "SELECT sum(column_data_compressed_bytes) FROM system.parts_columns "
        f"WHERE active AND database = currentDatabase() AND ({where})"
    )
    return int(client.command(query))  # type: ignore[arg-type]


def _bytes_of_small(client: Client) -> int:
    # By parts: a part of less than 10 MB keeps all columns in one file, and says 0 for each.
    query = (
        "SELECT sum(data_compressed_bytes) FROM system.parts "
        "WHERE active AND database = currentDatabase() AND table != 'llm_spans'"
    )
    return int(client.command(query))  # type: ignore[arg-type]


def _phoenix_count(folder: Path) -> int:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{folder / 'phoenix.db'}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM spans").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # not created yet, or locked for a moment


def _post_all(url: str, count: int) -> None:
    headers = {"Content-Type": "application/x-protobuf"}
    for body in messages(count, seed=1):
        while True:
            try:
                urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=120).close()  # noqa: S310
            except urllib.error.HTTPError as error:
                if error.code not in {429, 503}:
                    raise
                time.sleep(0.2)
            else:
                break


def _wait_for(url: str, process: psutil.Process) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.is_running():
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310
            return
        time.sleep(0.2)
    raise NotRunError("the server did not answer")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
