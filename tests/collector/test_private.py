"""What must not leave the process does not, wherever it stands in a span or an event."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

import driftline
from collector_support import output_of
from driftline import feedback, observe, session
from driftline.bus.protocol import LOGS_TOPIC, SPANS_TOPIC
from driftline.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from collector_support import Recording

SECRET = "jane.roe@example.com"
KEY = "sk-proj-" + "a1B2c3D4e5" * 5


def all_bytes(recording: Recording) -> bytes:
    recording.spans()
    return b"".join(recording.bus.values(SPANS_TOPIC) + recording.bus.values(LOGS_TOPIC))


def say_it_everywhere(recording: Recording) -> None:
    @observe(feature="support")
    def answer(question: str, history: list[dict[str, str]]) -> dict[str, Any]:
        feedback(driftline.current(), report=f"I am {SECRET}")
        return {"said": f"write to {SECRET} with {KEY}"}

    answer(f"I am {SECRET}", [{"role": "user", "content": f"first line\n{SECRET}"}])
    with pytest.raises(ValueError, match="example"):
        observe(name="fails")(lambda: int(SECRET))()
    tracer = recording.provider.get_tracer("app")
    with tracer.start_as_current_span("chat", attributes={"gen_ai.prompt": f'[{{"content": "{SECRET}"}}]'}) as span:
        span.add_event("exception", {"exception.message": f"{KEY} was refused"})


def test_secrets_leave_in_no_span_event_or_error(recording: Recording) -> None:
    say_it_everywhere(recording)
    sent = all_bytes(recording)
    assert SECRET.encode() not in sent
    assert KEY.encode() not in sent
    assert sent.count(b"[email]") >= 5
    assert output_of(_answer(recording)) == ('{"said": "write to [email] with [api key]"}')


def _answer(recording: Recording) -> Any:
    return next(span for span in recording.spans() if span.name.endswith("answer"))


def test_redaction_can_be_switched_off(record: Callable[..., Recording]) -> None:
    recording = record(redact=False)
    say_it_everywhere(recording)
    assert all_bytes(recording).count(SECRET.encode()) >= 5


def test_some_patterns_alone_can_be_chosen(record: Callable[..., Recording]) -> None:
    recording = record(redact_patterns="card, iban")
    say_it_everywhere(recording)
    assert SECRET.encode() in all_bytes(recording)


def test_a_function_of_ones_own_sees_what_the_patterns_left(record: Callable[..., Recording]) -> None:
    recording = record(redact=lambda text: text.replace("customer 17", "[customer]"))
    with session("customer 17"):
        observe(name="step")(lambda text: text)(f"customer 17 is {SECRET}")
    assert output_of(recording.span()) == "[customer] is [email]"
    assert b"customer 17" not in all_bytes(recording)


def test_a_function_that_raises_lets_nothing_out(record: Callable[..., Recording]) -> None:
    def broken(text: str) -> str:
        raise RuntimeError(text)

    recording = record(redact=broken)
    assert observe(name="step")(lambda text: text)("hello") == "hello"
    assert b"hello" not in all_bytes(recording)
    assert driftline.stats().exported == 1


@pytest.mark.parametrize("wrong", [{"redact": "yes"}, {"redact_patterns": "card,phones"}])
def test_wrong_settings_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        driftline.init(**wrong)


@pytest.mark.parametrize("redact", [True, False])
def test_an_image_is_its_kind_size_and_hash(record: Callable[..., Recording], redact: bool) -> None:
    recording = record(redact=redact)
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(500_000)).decode()
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    observe(name="look")(len)([{"role": "user", "content": [image]}])
    sent = recording.span().attributes["gen_ai.input.messages"]
    assert '"size":500008' in sent
    assert '"mime_type":"image/png"' in sent
    assert data[:40] not in sent
