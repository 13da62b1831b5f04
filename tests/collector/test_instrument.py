"""Other people's instrumentations are switched on by name: one a library, when it is imported, and off again."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openinference.instrumentation.openai import OpenAIInstrumentor as OpenInference
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor as OpenTelemetry

import driftline
from driftline import SettingsError, instrument, libraries, observe
from driftline.libraries import TABLE, Library, named
from driftline.startup.sitecustomize import WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector_support import FakeProvider, Recording
    from driftline.testing import RecordedSpan

CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
DOCS = Path(__file__).parents[2] / "docs" / "auto-instrumentation.md"


def ask(llm: FakeProvider) -> str:
    with openai.OpenAI(base_url=llm.base_url, api_key="test", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Where is parcel 7?"}]
        )
    return str(answer.choices[0].message.content)


def tokens(spans: list[RecordedSpan]) -> int:
    keys = ("gen_ai.usage.input_tokens", "llm.token_count.prompt")
    return sum(span.attributes.get(key, 0) for span in spans for key in keys)


@pytest.fixture
def without_opentelemetrys(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if OpenInference's instrumentation were the only one that is installed."""

    def found(name: str) -> Any:
        if name.startswith("openinference"):
            return distribution(name)
        raise PackageNotFoundError(name)

    monkeypatch.setattr(instrument, "distribution", found)


def test_calls_are_recorded_without_a_decorator(record: Callable[..., Recording], llm: FakeProvider) -> None:
    recording = record(instrument=["openai"])
    assert ask(llm) == "It is on its way."
    span = recording.span()
    assert span.scope == "opentelemetry.instrumentation.genai.openai"  # not OpenInference's too, which is installed
    assert span.attributes["gen_ai.usage.input_tokens"] == 142
    assert "Where is parcel 7?" in span.attributes["gen_ai.input.messages"]
    assert "It is on its way." in span.attributes["gen_ai.output.messages"]


@pytest.mark.parametrize("family", ["opentelemetry", "openinference"])
@pytest.mark.parametrize("capture", [True, False])
def test_content_follows_the_setting(
    record: Callable[..., Recording], llm: FakeProvider, family: str, capture: bool, request: pytest.FixtureRequest
) -> None:
    if family == "openinference":
        request.getfixturevalue("without_opentelemetrys")
    recording = record(instrument="openai", capture_content=capture)
    ask(llm)
    span = recording.span()
    assert span.scope.startswith(family)
    assert tokens([span]) == 142
    said = str(span.attributes)
    assert ("parcel 7" in said, "on its way" in said) == (capture, capture)


def test_what_the_environment_says_about_content_is_left_alone(
    record: Callable[..., Recording], llm: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CONTENT, "NO_CONTENT")
    recording = record(instrument="openai")
    ask(llm)
    assert "parcel 7" not in str(recording.span().attributes)
    driftline.shutdown(2)
    assert os.environ[CONTENT] == "NO_CONTENT"


def test_beside_the_decorator_a_call_is_billed_once(record: Callable[..., Recording], llm: FakeProvider) -> None:
    recording = record(instrument="openai")
    observe(feature="support")(ask)(llm)
    spans = recording.spans()
    assert len(spans) == 2
    assert tokens(spans) == 142
    assert {span.attributes["driftline.feature"] for span in spans} == {"support"}


def test_shutdown_and_an_init_without_it_switch_it_off(record: Callable[..., Recording], llm: FakeProvider) -> None:
    create = openai.resources.chat.completions.Completions.create
    record(instrument="openai")
    driftline.shutdown(2)
    assert openai.resources.chat.completions.Completions.create is create
    assert CONTENT not in os.environ
    record(instrument="openai")
    record()
    assert openai.resources.chat.completions.Completions.create is create


def test_a_second_init_sends_spans_to_the_new_provider(record: Callable[..., Recording], llm: FakeProvider) -> None:
    first = record(instrument="openai")
    wrapped = vars(openai.resources.chat.completions.Completions)["create"]
    second = record(instrument="openai")
    assert vars(openai.resources.chat.completions.Completions)["create"] is wrapped
    ask(llm)
    assert len(second.spans()) == 1
    assert first.bus.values("otlp_spans") == []


@pytest.fixture(params=[OpenTelemetry, OpenInference])
def theirs(request: pytest.FixtureRequest) -> Iterator[Any]:
    instrumentor = request.param()
    yield instrumentor
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()


def test_a_library_that_the_application_has_instrumented_is_left_alone(
    record: Callable[..., Recording], llm: FakeProvider, theirs: Any
) -> None:
    recording = record()
    theirs.instrument(tracer_provider=recording.provider)
    driftline.init(bus=recording.bus, tracer_provider=recording.provider, instrument="openai")
    ask(llm)
    assert tokens(recording.spans()) == 142
    driftline.init(bus=recording.bus, tracer_provider=recording.provider)
    assert theirs.is_instrumented_by_opentelemetry


def test_ours_makes_way_for_another_that_the_application_switches_on_later(
    record: Callable[..., Recording], llm: FakeProvider
) -> None:
    recording = record(instrument="openai")
    OpenInference().instrument(tracer_provider=recording.provider)
    try:
        assert [ask(llm), ask(llm)] == ["It is on its way."] * 2
        assert {span.scope for span in recording.spans()} == {"openinference.instrumentation.openai"}
        assert not OpenTelemetry().is_instrumented_by_opentelemetry
    finally:
        OpenInference().uninstrument()


def test_what_a_library_reports_by_itself_is_left_out_while_it_is_instrumented(
    record: Callable[..., Recording], site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    speaking = Library("groq", "groq", (FIRST,), own_scope="com.groq")
    monkeypatch.setitem(libraries._BY_NAME, "groq", speaking)
    site.install(FIRST)
    recording = record(instrument="groq")
    tracer = recording.provider.get_tracer("com.groq.sdk")
    attributes = {"gen_ai.operation.name": "chat"}
    tracer.start_span("of the library", attributes=attributes).end()
    importlib.import_module("groq").call()
    tracer.start_span("of the library, too", attributes=attributes).end()
    assert [span.name for span in recording.spans()] == ["of the library", "chat"]
    driftline.init(bus=recording.bus, tracer_provider=recording.provider)
    tracer.start_span("again", attributes=attributes).end()
    assert [span.name for span in recording.spans()][2:] == ["again"]


@pytest.mark.parametrize(("given", "shown"), [(["opnai"], "opnai"), ("openai, x", "x"), (5, "5"), ({"y"}, "y")])
def test_an_unknown_name_is_refused(given: Any, shown: str) -> None:
    with pytest.raises(SettingsError, match=f"names '{shown}', which is not known; known are: anthropic"):
        driftline.init(instrument=given)


def test_a_name_that_nothing_is_installed_for_is_refused_with_what_to_install() -> None:
    with pytest.raises(
        SettingsError, match=r"asks for anthropic.*install opentelemetry-instrumentation-genai-anthropic$"
    ):
        driftline.init(instrument=["openai", "anthropic"])


def test_all_is_whatever_is_installed(record: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch) -> None:
    record(instrument="all")
    assert instrument.active() == ("openai",)
    driftline.shutdown(2)

    def nothing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(instrument, "distribution", nothing)
    record(instrument="all")
    assert instrument.active() == ()


def test_names_may_be_written_as_packages_are() -> None:
    assert [library.name for library in named("Google-GenAI, openai,, openai")] == ["google_genai", "openai"]


def test_the_docs_list_all_libraries_with_their_packages() -> None:
    said = DOCS.read_text(encoding="utf-8")
    for library in TABLE:
        assert (
            f"| `{library.name}` | `{library.module}` | {', '.join(f'`{each}`' for each in library.packages)} |" in said
        )


def test_what_a_started_process_watches_for_is_the_table() -> None:
    assert {library.module for library in TABLE} == WATCHED


INSTRUMENTATION = """
import groq
from opentelemetry import trace
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor


class Instrumentor(BaseInstrumentor):
    def instrumentation_dependencies(self):
        return {dependencies}

    def _instrument(self, **kwargs):
        self.original = groq.call
        tracer = trace.get_tracer({name!r}, tracer_provider=kwargs["tracer_provider"])
        attributes = {{"gen_ai.operation.name": "chat"}}
        groq.call = tracer.start_as_current_span("chat", attributes=attributes)(self.original)
        {after}

    def _uninstrument(self, **kwargs):
        groq.call = self.original
"""

LIBRARY = """
import importlib.resources

loader = __loader__
text = importlib.resources.files(__name__).joinpath("text").read_text()


def call():
    return text
"""


class Site:
    """A folder with a client library and instrumentations of it, in which Python finds them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "groq").mkdir()
        self.library(LIBRARY)
        (folder / "groq" / "text").write_text("hello")

    def library(self, code: str) -> None:
        (self._folder / "groq" / "__init__.py").write_text(code)

    def install(self, package: str, *, dependencies: tuple[str, ...] = (), before: str = "", after: str = "") -> None:
        module = package.replace("-", "_")
        code = INSTRUMENTATION.format(dependencies=dependencies, name=package, after=after)
        (self._folder / f"{module}.py").write_text(before + code)
        info = self._folder / f"{module}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[opentelemetry_instrumentor]\ngroq = {module}:Instrumentor\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield Site(folder)
    driftline.shutdown(2)
    for name in set(sys.modules) - before:
        if "groq" in name:
            del sys.modules[name]


FIRST, SECOND = "opentelemetry-instrumentation-groq", "openinference-instrumentation-groq"


def test_a_library_is_instrumented_when_it_is_imported_and_not_before(
    record: Callable[..., Recording], site: Site
) -> None:
    site.install(SECOND)
    site.install(FIRST)
    recording = record(instrument="groq")
    assert "groq" not in sys.modules
    assert importlib.util.find_spec("groq") is not None  # somebody only asks whether it is there
    groq: Any = importlib.import_module("groq")
    assert groq.call() == "hello"
    assert recording.span().scope == FIRST
    assert groq.loader is groq.__loader__ is groq.__spec__.loader
    assert type(groq.loader).__name__ == "SourceFileLoader"


def test_one_that_is_not_for_this_version_leaves_it_to_the_next(record: Callable[..., Recording], site: Site) -> None:
    site.install(FIRST, dependencies=("pytest < 1",))
    site.install(SECOND)
    recording = record(instrument="groq")
    importlib.import_module("groq").call()
    assert recording.span().scope == SECOND


def test_one_that_cannot_be_imported_leaves_it_to_the_next(record: Callable[..., Recording], site: Site) -> None:
    site.install(FIRST, before="from groq import gone\n")
    site.install(SECOND)
    recording = record(instrument="groq")
    importlib.import_module("groq").call()
    assert recording.span().scope == SECOND


def test_one_that_fails_half_way_is_not_followed_by_another(
    record: Callable[..., Recording], site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.install(FIRST, after="raise KeyError('moved')")
    site.install(SECOND)
    recording = record(instrument="groq")
    assert importlib.import_module("groq").call() == "hello"
    assert {span.scope for span in recording.spans()} <= {FIRST}
    assert caplog.messages == [
        "driftline: calls of groq are not recorded by themselves: opentelemetry_instrumentation_groq: 'moved'"
    ]


def test_a_library_that_fails_to_import_fails_as_before_and_may_be_tried_again(
    record: Callable[..., Recording], site: Site
) -> None:
    site.install(FIRST)
    site.library("raise OSError('no key')")
    recording = record(instrument="groq")
    with pytest.raises(OSError, match="no key"):
        importlib.import_module("groq")
    site.library(LIBRARY + "\n# of another size, so that it is compiled again\n")
    importlib.import_module("groq").call()
    assert len(recording.spans()) == 1


def test_after_shutdown_nothing_is_instrumented_any_more(record: Callable[..., Recording], site: Site) -> None:
    site.install(FIRST)
    record(instrument="groq")
    driftline.shutdown(2)
    importlib.import_module("groq")
    assert instrument.active() == ()
