"""Records that memory has no room for wait on disk, and come out as they were."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry import trace
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

import driftline
from driftline import observe
from driftline.counts import Counts
from driftline.exporter import Exporter
from driftline.observed import ObservedSpan
from driftline.otlp.encode import Encoder
from driftline.overflow import Overflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from openai.types.chat import ChatCompletion
    from opentelemetry.sdk.trace import ReadableSpan

    from collector_support import Recording
    from driftline.exporter import Outgoing

LIMIT = 10**6


@pytest.fixture
def taken(recording: Recording, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The records that were exported."""
    found: list[Any] = []
    encode = Exporter.spans

    def keep(exporter: Exporter, spans: Sequence[ReadableSpan]) -> Iterator[Outgoing]:
        found.extend(spans)
        return encode(exporter, spans)

    monkeypatch.setattr(Exporter, "spans", keep)
    return found


def everything(completion: ChatCompletion) -> None:
    """One record of each kind of thing that can be in one."""

    @observe(name="call", prompt_version="3")
    def call(question: str, *, history: list[str]) -> ChatCompletion:
        return completion

    @observe(name="by hand")
    def by_hand() -> None:
        trace.get_current_span().set_attribute("shelf", 7)

    @observe(name="stream")
    def stream() -> Iterator[str]:
        yield "a"
        yield "b"

    @observe(name="failing")
    def failing() -> None:
        raise openai.APITimeoutError(request=None)  # type: ignore[arg-type]

    @observe(name="chain")
    def chain() -> str:
        call("Where is it?", history=["hello"])
        by_hand()
        return "".join(stream())

    with driftline.session("s-1", user="u-1"):
        chain()
    with pytest.raises(openai.APITimeoutError):
        failing()


def test_a_record_is_encoded_alike_before_and_after(
    taken: list[Any], completion: ChatCompletion, tmp_path: Path
) -> None:
    everything(completion)
    assert driftline.flush(10)
    assert [type(record) for record in taken] == [ObservedSpan] * 5
    overflow = Overflow(tmp_path, LIMIT, Counts())
    assert overflow.put(taken)
    encoder = Encoder(str)
    again = overflow.take()
    overflow.close()
    assert [encoder.span(span) for span in again] == [encoder.span(span) for span in taken]
    assert [span.resource for span in again] == [span.resource for span in taken]
    assert again[0] is not taken[0]


def test_batches_come_out_in_order_and_the_file_is_emptied(tmp_path: Path) -> None:
    overflow = Overflow(tmp_path, LIMIT, Counts())
    batches = [[LogRecord(event_name=f"{batch}-{n}") for n in range(3)] for batch in range(4)]
    assert [overflow.put(batch) for batch in batches[:2]] == [True, True]
    assert overflow.take() == batches[0]
    assert [overflow.put(batch) for batch in batches[2:]] == [True, True]
    assert [overflow.take() for _ in range(4)] == [*batches[1:], []]
    assert overflow._file is not None
    assert overflow._file.seek(0, 2) == 0
    overflow.close()


def test_nobody_can_open_the_file(tmp_path: Path) -> None:
    overflow = Overflow(tmp_path, LIMIT, Counts())
    assert overflow.put([LogRecord(event_name="secret")])
    assert list(tmp_path.iterdir()) == []
    overflow.close()


@pytest.mark.parametrize("limit", [0, 20])
def test_what_does_not_fit_is_refused_whole(tmp_path: Path, limit: int) -> None:
    overflow = Overflow(tmp_path, limit, Counts())
    assert not overflow.put([LogRecord(event_name="x" * 100)])
    assert overflow.take() == []
    overflow.close()


def test_a_batch_with_something_that_is_no_plain_value_is_refused(tmp_path: Path) -> None:
    overflow = Overflow(tmp_path, LIMIT, Counts())
    assert not overflow.put([LogRecord(), threading.Lock()])
    assert not Overflow(None, LIMIT, Counts()).put([LogRecord()])
    assert overflow.take() == []


def test_a_batch_that_cannot_be_read_again_is_counted_as_dropped(tmp_path: Path) -> None:
    counts = Counts()
    overflow = Overflow(tmp_path, LIMIT, counts)
    assert overflow.put([LogRecord(), LogRecord()])
    overflow.close()
    assert overflow.take() == []
    assert counts.stats().dropped == 2


def test_a_burst_goes_to_disk_and_nothing_of_it_is_lost(
    record: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recording = record(queue_mb=1, data_dir=str(tmp_path))
    encoding, goes_on, waited = threading.Event(), threading.Event(), []
    encode, put = Exporter.spans, Overflow.put

    def once_told(exporter: Exporter, spans: Sequence[ReadableSpan]) -> Iterator[Outgoing]:
        encoding.set()
        goes_on.wait(30)
        return encode(exporter, spans)

    def noted(overflow: Overflow, records: Sequence[Any]) -> bool:
        waited.append(len(records))
        return put(overflow, records)

    monkeypatch.setattr(Exporter, "spans", once_told)
    monkeypatch.setattr(Overflow, "put", noted)

    @observe
    def ask(number: int) -> str:
        return f"answer {number}"

    ask(-1)
    assert encoding.wait(30)
    for number in range(400):
        ask(number)
    goes_on.set()
    answers = {span.attributes["gen_ai.output.messages"] for span in recording.spans()}
    assert waited == [400]
    assert len(answers) == 401
    assert driftline.stats().dropped == 0
