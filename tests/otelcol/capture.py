"""Writes what a Collector puts onto Kafka into tests/fixtures.

    DRIFTLINE_TEST_OTELCOL=… python tests/otelcol/capture.py

Other captured requests are posted to the Collector within one of its batches, once for each encoding.
"""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import kafka_server
from driftline.bus import open_bus
from driftline.otlp.signals import LOGS, SIGNALS, TRACES
from ingest_support import FIXTURES, captured, captured_logs
from otelcol_support import collector, documented
from receiver_support import Sender, free_port, on_bus

INTO = FIXTURES / "otel-collector-kafka-0.155.0"
EVENT_ONLY = "otel-genai-openai-1.3b0-event_only"
POSTED = {
    TRACES: [
        captured(EVENT_ONLY, "chat"),
        captured("vercel-ai-7.0.173", "chat"),
        captured("synthetic-structured-anyvalue", "chat"),
    ],
    LOGS: [captured_logs(EVENT_ONLY, "chat"), captured_logs(EVENT_ONLY, "chat_tool_call")],
}


def capture(encoding: str, folder: Path) -> None:
    """Run a broker and a Collector and keep the one message of each signal."""
    broker = kafka_server.OwnBroker(folder)
    url = f"kafka://{broker.address}?partitions=1"
    with open_bus(url) as bus:
        for signal in SIGNALS:
            bus.consumer(signal.topic, group="creates").close()
    config = documented("applications to Driftline's topics")
    port = free_port()
    config["receivers"]["otlp"]["protocols"]["http"]["endpoint"] = f"127.0.0.1:{port}"
    config["exporters"]["kafka"] |= {"brokers": [broker.address]}
    config["exporters"]["kafka"] |= {signal: {"encoding": encoding} for signal in ("traces", "logs")}
    with collector(config, folder):
        for signal, bodies in POSTED.items():
            for body in bodies:
                assert Sender(port).post(body, path=signal.path).status == 200
        time.sleep(3)
    for signal in SIGNALS:
        found: list[bytes] = []
        group = uuid.uuid4().hex
        while not found:
            found = on_bus(url, signal.topic, group=group)
        [message] = found
        name = signal.path.rpartition("/")[2]
        (INTO / f"{name}.{encoding}").write_bytes(message)
    broker.stop()


if __name__ == "__main__":
    INTO.mkdir(exist_ok=True)
    for one in ("otlp_proto", "otlp_json"):
        with tempfile.TemporaryDirectory() as scratch:
            capture(one, Path(scratch))
