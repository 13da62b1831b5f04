from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import driftline
from driftline import observe
from driftline.handle import RequestInfo, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from openai.types.chat import ChatCompletion

    from collector_support import Recording


def ask(completion: ChatCompletion | None = None) -> driftline.Handle:
    handles = []

    @observe(feature="support", prompt_name="answer", prompt_version="v3")
    def answer(question: str) -> ChatCompletion | None:
        handles.append(driftline.current())
        return completion

    answer("Where is my parcel?")
    (handle,) = handles
    assert handle is not None
    return handle


def test_feedback_is_an_evaluation_event_on_the_judged_request(
    record: Callable[..., Recording], completion: ChatCompletion
) -> None:
    recording = record(service_name="shop", environment="production")
    handle = ask(completion)
    driftline.feedback(handle, thumbs_up=True, comment="Quick!")
    event = recording.event()
    span = recording.span()
    assert event.name == "gen_ai.evaluation.result"
    assert (event.trace_id, event.span_id) == (span.trace_id, span.span_id)
    assert event.attributes == {
        "gen_ai.evaluation.name": "user_feedback",
        "gen_ai.evaluation.score.value": 1.0,
        "gen_ai.evaluation.score.label": "thumbs_up",
        "gen_ai.evaluation.explanation": "Quick!",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
        "gen_ai.prompt.name": "answer",
        "gen_ai.prompt.version": "v3",
        "driftline.feature": "support",
        "driftline.evaluation.source": "human",
        "driftline.request.service": "shop",
        "driftline.request.environment": "production",
        "driftline.request.start_time_unix_nano": span.start_ns,
    }
    assert event.resource["service.name"] == "shop"
    assert recording.bus.keys("otlp_logs") == [span.trace_id.encode()]


@pytest.mark.parametrize(
    ("given", "score", "label", "explanation"),
    [
        ({"thumbs_up": True}, 1.0, "thumbs_up", None),
        ({"thumbs_up": False}, 0.0, "thumbs_down", None),
        ({"report": "It is rude."}, 0.0, "report", "It is rude."),
        ({"report": "Rude.", "thumbs_up": False, "comment": "Fix it."}, 0.0, "report", "Rude.\nFix it."),
        ({"score": 4}, 4.0, None, None),
        ({"score": 0.25, "thumbs_up": True}, 0.25, "thumbs_up", None),
        ({"comment": "Meh"}, None, None, "Meh"),
    ],
)
def test_the_ways_to_judge(
    recording: Recording,
    given: dict[str, Any],
    score: float | None,
    label: str | None,
    explanation: str | None,
) -> None:
    driftline.feedback(str(ask()), name="helpfulness", **given)
    found = recording.event().attributes
    assert found["gen_ai.evaluation.name"] == "helpfulness"
    assert found.get("gen_ai.evaluation.score.value") == score
    assert found.get("gen_ai.evaluation.score.label") == label
    assert found.get("gen_ai.evaluation.explanation") == explanation


def test_a_token_works_in_another_process(recording: Recording, tmp_path: Path, completion: ChatCompletion) -> None:
    token = str(ask(completion))
    code = (
        "import sys, driftline\n"
        "from driftline.testing import *\n"
        "bus = InMemoryBus()\n"
        "driftline.init(bus=bus, service_name='feedback-service')\n"
        "driftline.feedback(sys.argv[1], thumbs_up=False)\n"
        "assert driftline.flush()\n"
        "(event,) = recorded_events(bus)\n"
        "import json; print(json.dumps([event.trace_id, event.span_id, event.attributes, event.resource]))"
    )
    done = subprocess.run([sys.executable, "-c", code, token], capture_output=True, text=True, check=True, timeout=60)
    trace_id, span_id, attributes, resource = json.loads(done.stdout)
    span = recording.span()
    assert (trace_id, span_id) == (span.trace_id, span.span_id)
    assert attributes["driftline.feature"] == "support"
    assert attributes["gen_ai.response.model"] == "gpt-4o-mini-2024-07-18"
    assert resource["service.name"] == "feedback-service"


@pytest.mark.parametrize(
    ("name", "trace_id", "response_id"),
    [
        ({"trace_id": "0AF7651916CD43DD8448EB211C80319C"}, "0af7651916cd43dd8448eb211c80319c", None),
        ({"response_id": "chatcmpl-7"}, "", "chatcmpl-7"),
    ],
)
def test_feedback_by_an_id_claims_nothing_else_about_the_request(
    recording: Recording, name: dict[str, Any], trace_id: str, response_id: str | None
) -> None:
    driftline.feedback(**name, thumbs_up=True)
    event = recording.event()
    assert (event.trace_id, event.span_id) == (trace_id, "")
    expected = {
        "gen_ai.evaluation.name": "user_feedback",
        "gen_ai.evaluation.score.value": 1.0,
        "gen_ai.evaluation.score.label": "thumbs_up",
        "driftline.evaluation.source": "human",
    }
    assert event.attributes == (expected | {"gen_ai.response.id": response_id} if response_id else expected)
    assert recording.bus.keys("otlp_logs") == [trace_id.encode() or None]


@pytest.mark.parametrize(
    "name",
    [
        {},
        {"trace_id": "0" * 32},
        {"trace_id": "0af7651916cd43dd"},
        {"trace_id": 7},
        {"response_id": ""},
        {"response_id": "x" * 1001},
        {"trace_id": "1" * 32, "response_id": "r"},
        {"handle": "dl1_", "response_id": "r"},
    ],
)
def test_feedback_that_names_no_request_is_a_warning(
    recording: Recording, name: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    driftline.feedback(**name, thumbs_up=True)
    assert len(caplog.records) == 1
    assert driftline.stats().emitted == 0


def test_a_token_is_url_safe_and_holds_no_user_content(recording: Recording, completion: ChatCompletion) -> None:
    with driftline.session("session-of-ada", user="ada"):
        token = str(ask(completion))
    assert token.replace("_", "").replace("-", "").isalnum()
    assert len(token) < 400
    packed = token.removeprefix("dl1_")
    inside = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    for private in (b"parcel", b"ada", b"on its way"):
        assert private not in inside


names = st.none() | st.text(max_size=300)


@given(
    st.builds(
        RequestInfo,
        trace_id=st.integers(1, 2**128 - 1),
        span_id=st.integers(1, 2**64 - 1),
        start_ns=st.integers(1, 2**63),
        service=names,
        environment=names,
        feature=names,
        prompt_name=names,
        prompt_version=names,
        model=names,
        response_id=names,
        variant=names,
    )
)
def test_tokens_are_read_back(info: RequestInfo) -> None:
    read = decode(encode(info))
    assert (read.trace_id, read.span_id, read.start_ns) == (info.trace_id, info.span_id, info.start_ns)
    for name in ("feature", "response_id", "variant"):
        value = getattr(info, name)
        assert getattr(read, name) == (None if value is None else value[:256])


def packed(values: object) -> str:
    return "dl1_" + base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def test_a_token_from_before_there_were_variants_is_still_read() -> None:
    token = (
        "dl1_WzEsMiwzLCJzaG9wIiwicHJvZHVjdGlvbiIsInN1cHBvcnQiLCJhbnN3ZXIiLCJ2MyIsImdwdC00by1taW5pIiwiY2hhdGNtcGwtMSJd"
    )
    names = ("shop", "production", "support", "answer", "v3", "gpt-4o-mini", "chatcmpl-1")
    assert decode(token) == RequestInfo(1, 2, 3, *names)


def test_feedback_carries_the_variant_of_its_request(recording: Recording) -> None:
    driftline.feedback(encode(RequestInfo(1, 2, 3, feature="support", variant="tone:b")), thumbs_up=True)
    assert recording.event().attributes["driftline.variant"] == "tone:b"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "hello",
        "dl1_",
        "dl1_!!!!",
        "dl1_" + "A" * 5000,
        packed([1, 2]),
        packed({"trace": 1}),
        packed([0, 1, 1]),
        packed([1, 2**64, 1]),
        packed([1, -1, 1]),
        packed([True, 1, 1]),
        packed(["1", 1, 1]),
        packed([1, 1, 1, {"a": 1}]),
        packed([1, 1, 1, "x" * 300]),
        packed([1, 1, 1, *("x" * 9)]),
        packed("[" * 1000),
    ],
)
def test_damaged_tokens_are_refused_without_raising(
    recording: Recording, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    driftline.feedback(token, thumbs_up=True)
    (warning,) = caplog.records
    assert "token" in warning.getMessage()
    assert driftline.stats().emitted == 0


@given(st.text() | st.binary().map(lambda raw: "dl1_" + base64.urlsafe_b64encode(raw).decode()))
def test_any_text_is_either_a_token_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        decode(text)


@pytest.mark.parametrize("given", [{}, {"score": float("nan")}, {"score": "high"}])
def test_what_cannot_be_recorded_is_a_warning(
    recording: Recording, given: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    driftline.feedback(ask(), **given)
    assert len(caplog.records) == 1
    assert driftline.stats().emitted == 1  # the span of ask()


def test_a_long_comment_is_cut(record: Callable[..., Recording]) -> None:
    recording = record(max_content_chars=256)
    driftline.feedback(ask(), comment="x" * 1000 + "\ud800")
    assert recording.event().attributes["gen_ai.evaluation.explanation"] == "x" * 256
