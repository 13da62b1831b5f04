"""Whole processes: configuration that happens by itself, existing providers, forks and exits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from process_support import clean_environment, on_disk

if TYPE_CHECKING:
    from pathlib import Path

APP = """
from driftline import observe
import driftline

@observe(feature="f")
def answer(question):
    return question.upper()
"""


def run(code: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", APP + code],
        cwd=folder,
        env=clean_environment(folder, **environ),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def test_without_configuration_spans_are_on_the_embedded_bus_after_exit(tmp_path: Path) -> None:
    run(
        "print(answer('a'))",
        tmp_path,
        OTEL_SERVICE_NAME="shop",
        DRIFTLINE_ENVIRONMENT="test",
        DRIFTLINE_RELEASE="1.2",
    )
    (span,) = on_disk(tmp_path)
    assert span.name == "answer"
    assert span.resource["service.name"] == "shop"
    assert span.resource["deployment.environment.name"] == "test"
    assert span.resource["service.version"] == "1.2"


def test_settings_come_from_the_file_too(tmp_path: Path) -> None:
    (tmp_path / "driftline.toml").write_text('service_name = "from file"\n')
    run("answer('a')", tmp_path)
    assert on_disk(tmp_path)[0].resource["service.name"] == "from file"


def test_our_provider_is_made_global_so_that_others_use_it(tmp_path: Path) -> None:
    code = """
from opentelemetry import trace
tracer = trace.get_tracer("before")
driftline.init(service_name="shop")
with driftline.session("s"):
    tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat"}).end()
"""
    run(code, tmp_path)
    (span,) = on_disk(tmp_path)
    assert span.attributes["gen_ai.conversation.id"] == "s"
    assert span.scope == "before"


def test_an_existing_provider_is_joined_not_replaced(tmp_path: Path) -> None:
    code = """
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
mine = InMemorySpanExporter()
provider = TracerProvider(resource=Resource({"service.name": "theirs", "team": "a"}))
provider.add_span_processor(SimpleSpanProcessor(mine))
trace.set_tracer_provider(provider)
answer("a")
assert trace.get_tracer_provider() is provider
driftline.init()
driftline.init(environment="staging")
answer("b")
assert [span.name for span in mine.get_finished_spans()] == ["answer", "answer"]
"""
    run(code, tmp_path)
    first, second = on_disk(tmp_path)  # once each, although we joined three times
    assert first.resource["service.name"] == second.resource["service.name"] == "theirs"
    assert second.resource["team"] == "a"
    assert second.resource["deployment.environment.name"] == "staging"


def test_a_provider_that_is_not_the_sdks_is_left_alone(tmp_path: Path) -> None:
    code = """
from opentelemetry import trace
class Foreign(trace.NoOpTracerProvider): pass
foreign = Foreign()
trace.set_tracer_provider(foreign)
answer("a")
assert trace.get_tracer_provider() is foreign
"""
    run(code, tmp_path)
    assert [span.name for span in on_disk(tmp_path)] == ["answer"]


def test_disabled_costs_nothing_and_records_nothing(tmp_path: Path) -> None:
    code = """
import sys, timeit, logging
from opentelemetry import trace
assert answer("a") == "A"
driftline.feedback("dl1_x", thumbs_up=True)
driftline.fallback("x")
assert driftline.current() is None
assert driftline.flush(), driftline.stats().emitted == 0
assert not hasattr(trace.get_tracer_provider(), "add_span_processor")
assert "opentelemetry.sdk.trace" not in sys.modules
print(min(timeit.repeat(lambda: answer("a"), number=1000, repeat=5)) / 1000)
"""
    done = run(code, tmp_path, DRIFTLINE_ENABLED="false")
    assert float(done.stdout) < 10e-6
    assert not (tmp_path / "bus.db").exists()
    assert done.stderr == ""


def test_bad_settings_are_one_warning_and_the_application_goes_on(tmp_path: Path) -> None:
    done = run("print([answer('a') for _ in range(3)])", tmp_path, DRIFTLINE_MAX_CONTENT_CHARS="many")
    assert done.stdout == "['A', 'A', 'A']\n"
    assert done.stderr.count("nothing is recorded") == 1
    assert "DRIFTLINE_MAX_CONTENT_CHARS" in done.stderr


def test_an_instrumentation_that_is_not_there_is_one_warning_and_the_rest_is_recorded(tmp_path: Path) -> None:
    done = run("answer('a'); answer('b')", tmp_path, DRIFTLINE_INSTRUMENT="anthropic")
    assert done.stderr.count("driftline: calls are not recorded by themselves") == done.stderr.count("\n") == 1
    assert "pip install opentelemetry-instrumentation-genai-anthropic" in done.stderr
    assert len(on_disk(tmp_path)) == 2


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://", "nonsense"])
def test_a_bad_bus_url_is_one_warning(tmp_path: Path, url: str) -> None:
    done = run("print([answer('a') for _ in range(3)])", tmp_path, DRIFTLINE_BUS=url)
    assert done.stdout == "['A', 'A', 'A']\n"
    assert done.stderr.count("nothing is recorded") == 1


def test_init_raises_for_bad_settings(tmp_path: Path) -> None:
    code = """
for wrong in ({"bus": "mysql://x"}, {"max_content_chars": 1}, {"enabled": "perhaps"}):
    try:
        driftline.init(**wrong)
    except driftline.SettingsError as error:
        print(error)
print(answer("a"))
"""
    assert len(run(code, tmp_path).stdout.splitlines()) == 4


def test_a_bus_that_cannot_be_opened_is_one_warning_and_does_not_delay(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code = """
import time
answer("warm")
begun = time.monotonic()
for _ in range(100): answer("a")
assert time.monotonic() - begun < 1
assert driftline.flush(0.5) is False
print(driftline.stats().spooled)
driftline.shutdown(0.2)
"""
    done = run(code, tmp_path, DRIFTLINE_BUS=f"sqlite:///{tmp_path}/file/bus.db")
    assert done.stdout == "101\n"
    assert done.stderr.count("the bus does not take them") == 1


def test_a_broken_import_is_retried_later(tmp_path: Path) -> None:
    code = """
import sys
from driftline import runtime
sys.modules["driftline.assembly"] = None
assert answer("a") == "A"
assert answer("b") == "B"
del sys.modules["driftline.assembly"]
runtime._state.retry_at = 0
answer("c")
"""
    done = run(code, tmp_path)
    assert done.stderr.count("nothing is recorded for now") == 1
    assert len(on_disk(tmp_path)) == 1


def test_otel_sdk_disabled_is_respected(tmp_path: Path) -> None:
    assert run("print(answer('a'))", tmp_path, OTEL_SDK_DISABLED="true").stdout == "A\n"
    assert not (tmp_path / "bus.db").exists()


def test_after_shutdown_nothing_is_recorded_until_init(tmp_path: Path) -> None:
    code = """
answer("a")
driftline.shutdown()
answer("b")
driftline.init()
answer("c")
"""
    run(code, tmp_path)
    contents = [span.attributes["gen_ai.output.messages"] for span in on_disk(tmp_path)]
    assert ["A" in text or "C" in text for text in contents] == [True, True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_records_on_its_own(tmp_path: Path) -> None:
    code = """
import os, sys
answer("parent before")
assert driftline.flush()
answer("parent waiting")  # in the parent's queue when it forks
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        answer(f"child {number}")
        sys.exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
answer("parent after")
"""
    run(code, tmp_path)
    outputs = [json.loads(span.attributes["gen_ai.output.messages"]) for span in on_disk(tmp_path)]
    said = sorted(output[0]["parts"][0]["content"] for output in outputs)
    assert said == ["CHILD 0", "CHILD 1", "CHILD 2", "PARENT AFTER", "PARENT BEFORE", "PARENT WAITING"]


def test_an_exception_that_ends_the_process_is_recorded(tmp_path: Path) -> None:
    code = """
@observe
def fail(): raise ValueError("the end")
try:
    fail()
finally:
    import sys
    sys.excepthook = lambda *_: None
    sys.exit(0)
"""
    run(code, tmp_path)
    assert on_disk(tmp_path)[0].status_message == "the end"
