"""Damaged messages at ingest and at the receiver: no crash, no hang, and an account of each message."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from driftline.bus import Batch, Message
from driftline.otlp.signals import LOGS, TRACES
from driftline.receiver.answers import Encoding
from driftline.receiver.counts import Counts
from driftline.receiver.intake import Intake
from driftline.receiver.refusals import RefusedError
from driftline_processors.ingest import Ingest
from driftline_processors.targets import TARGETS
from fuzz.mutate import corpus, mutated
from receiver_support import JSON, PROTOBUF, MemoryProducer, as_json, serving
from store_fixtures import running_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from driftline.otlp.signals import Signal
    from driftline_processors.targets import Target
    from driftline_store.client import Client
    from receiver_support import Serving

BATCH = 500
HANG_SECONDS = 120
_SENTINELS = 5
_HTTP_SHARE = 0.02
_JSON_SHARE = 0.1
_FORGET_BATCHES = 20
_KINDS = ((TARGETS[0], TRACES, ".otlp.pb"), (TARGETS[0], TRACES, ".otlp.pb"), (TARGETS[1], LOGS, ".logs.pb"))


@dataclass
class Account:
    """What became of the messages."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def __str__(self) -> str:
        lines = [f"{name}: {count:,}" for name, count in sorted(self.counts.items())]
        return "\n".join([*lines, f"{self.counts['messages'] / max(self.seconds, 0.001):,.0f} messages a second"])


def run(folder: Path, *, seed: int, messages: int, until: float = float("inf")) -> Account:
    """Send so many damaged messages through both ways in.

    Args:
        folder: for the store's data.
        seed: of all chance.
        messages: how many.
        until: no batch begins after this time of the monotonic clock.
    """
    account = Account()
    began = time.monotonic()
    with _prepared(folder) as (client, alive), serving() as served:
        for number in range(-(-messages // BATCH)):
            if time.monotonic() > until or account.wrong:
                break
            faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
            name = f"{seed}/{number}"
            try:
                _batch(client, served, account, name)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                account.wrong.append(f"batch {name}: {type(error).__name__}: {str(error)[:500]}")
            if number % 20 == 0:
                print(
                    f"batch {name}: {account.counts['messages']:,} messages, {time.monotonic() - began:.0f} s",
                    flush=True,
                )
            if not alive():
                account.wrong.append(f"batch {name}: the store's process has ended")
            if number % _FORGET_BATCHES == 0:
                _forget(client)
        faulthandler.cancel_dump_traceback_later()
    account.seconds = time.monotonic() - began
    return account


@contextlib.contextmanager
def _prepared(folder: Path) -> Iterator[tuple[Client, Callable[[], bool]]]:
    with running_store(folder, prepared=True) as store, contextlib.closing(store.client()) as client:
        yield client, lambda: store.process.poll() is None


def _forget(client: Client) -> None:
    for (table,) in client.query(
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' "
        "AND name NOT IN ('schema_migrations', 'model_prices')"
    ).result_rows:
        client.command(f"TRUNCATE TABLE {table}")


def _batch(client: Client, served: Serving, account: Account, name: str) -> None:
    chance = random.Random(name)
    target, signal, suffix = chance.choice(_KINDS)
    values = [mutated(chance, suffix) for _ in range(BATCH)]
    account.counts["messages"] += BATCH
    _receive(served, account, chance, signal, values)
    _ingest(client, account, target, values, name)


def _ingest(client: Client, account: Account, target: Target, values: list[bytes], name: str) -> None:
    """Store them as ingest does, with whole messages between them, and see where each of them went."""
    chance = random.Random(f"{name}/ingest")
    sentinels = [_sentinel(target, chance) for _ in range(_SENTINELS)]
    mixed = values + [value for _, value in sentinels]
    chance.shuffle(mixed)
    messages = tuple(Message(offset, value) for offset, value in enumerate(mixed))
    batch = Batch(name, target.topic, 0, 0, len(messages) - 1, messages)
    ingest = Ingest(target, None, client, max_bytes=0)  # type: ignore[arg-type]  # nothing is taken
    ingest._store(batch)

    bad = {int(row[0]) for row in client.query(
        "SELECT offset FROM dead_letters WHERE bus_id = {bus:String}", parameters={"bus": name}
    ).result_rows}  # fmt: skip
    account.counts["ingest: dead letters"] += len(bad)
    account.counts["ingest: stored"] += len(mixed) - len(bad) - _SENTINELS
    table = "llm_spans" if target is TARGETS[0] else "llm_content"
    rows = client.query(
        f"SELECT trace_id, count() FROM {table} WHERE trace_id IN {{ids:Array(String)}} GROUP BY 1",
        parameters={"ids": [trace_id for trace_id, _ in sentinels]},
    ).result_rows
    found = {str(trace_id): int(count) for trace_id, count in rows}
    if any(found.get(trace_id) != 1 for trace_id, _ in sentinels):
        account.wrong.append(
            f"batch {name}: whole messages between the damaged ones were stored {found}, not once each"
        )
    if len(bad) != ingest.counts.dead_letters:
        account.wrong.append(f"batch {name}: {ingest.counts.dead_letters} dead letters were counted, {len(bad)} stored")


def _sentinel(target: Target, chance: random.Random) -> tuple[str, bytes]:
    """A whole message with one record, and its trace id."""
    trace_id, span_id = chance.randbytes(16), chance.randbytes(8)
    if target is TARGETS[0]:
        traces = ExportTraceServiceRequest()
        traces.resource_spans.add().scope_spans.add().spans.add(trace_id=trace_id, span_id=span_id, name="sentinel")
        return trace_id.hex(), traces.SerializeToString()
    logs = ExportLogsServiceRequest.FromString(corpus("openlit-1.45.0/chat.logs.pb")[0])
    logs.resource_logs[0].scope_logs[0].log_records[0].trace_id = trace_id
    logs.resource_logs[0].scope_logs[0].log_records[0].span_id = span_id
    return trace_id.hex(), logs.SerializeToString()


def _receive(served: Serving, account: Account, chance: random.Random, signal: Signal, values: list[bytes]) -> None:
    intake = Intake(MemoryProducer(), max_message_bytes=1_000_000, counts=Counts())
    for value in values:
        body, encoding, kind = value, Encoding.PROTOBUF, PROTOBUF
        if chance.random() < _JSON_SHARE:
            body, encoding, kind = _as_damaged_json(chance, signal), Encoding.JSON, JSON
        try:
            stored = intake.store(signal, encoding, body)
            status = 200 if not stored.rejected else 206
        except RefusedError as error:
            status = int(error.status)
        account.counts[f"receiver, {encoding.name.lower()}: {status}"] += 1
        if not (status in {200, 206} or 400 <= status < 500):
            account.wrong.append(f"the receiver answers {status}")
        if chance.random() < _HTTP_SHARE:
            answered = served.sender.post(body, kind, path=signal.path).status
            account.counts[f"receiver over HTTP: {answered}"] += 1
            if answered != min(status, 200) and answered != status:
                account.wrong.append(f"the receiver answers {answered} over HTTP, {status} without")
    served.producer.messages.clear()


def _as_damaged_json(chance: random.Random, signal: Signal) -> bytes:
    suffix = ".otlp.pb" if signal is TRACES else ".logs.pb"
    body = bytearray(as_json(signal.request.FromString(chance.choice(corpus(suffix)))))
    if chance.random() < 0.3:
        depth = chance.choice((50, 500, 5000))
        nested = '{"arrayValue":{"values":[' * depth + "]}}" * depth
        return (
            json.dumps({"resourceSpans": []}).encode()
            if chance.random() < 0.1
            else bytes(body).replace(b'{"stringValue": ', nested.encode() + b',{"stringValue": ', 1)
        )
    for _ in range(chance.choice((1, 1, 3))):
        at = chance.randrange(len(body))
        body[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(body)
