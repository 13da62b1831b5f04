"""The docs tell the truth: generated pages are up to date, links lead somewhere, examples run."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from typer.main import get_command

import driftline
from collector_support import chat_body, chunk_bodies
from driftline.containment.follower import Follower
from driftline.privacy import BUILT_IN, Redactor
from driftline.settings import load
from driftline.testing import InMemoryBus, recorded_events, recorded_spans
from driftline_alerts.containment import Containment
from driftline_alerts.signature import headers, key_of
from driftline_cli.app import app
from driftline_cli.reference import PAGES
from driftline_processors.judge.breaker import THRESHOLDS
from driftline_processors.judge.check import CONDITIONS
from driftline_processors.judge.config import JudgeConfig, parse_config
from driftline_processors.judge.failure import PLANS
from driftline_processors.judge.language_sql import LANGUAGES
from driftline_processors.judge.rubric import SHIPPED, load_rubric, parse_rubric
from driftline_processors.judge.scale import SCALES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_examples import CodeExample, EvalExample

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    said = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert said == PAGES[name](), "write it again with: .venv/bin/python -m driftline_cli.reference"


@pytest.mark.parametrize("page", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_every_command_says_what_it_does() -> None:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        assert command.help, name
        for parameter in command.params:
            assert parameter.help or parameter.name == "help", f"{name} {parameter.name}"


class Completions:
    """Stands where the openai client's network call is, and answers with the client's own objects."""

    def create(self, *, stream: bool = False, **_: object) -> object:
        if stream:
            return (ChatCompletionChunk.model_validate(body) for body in chunk_bodies("It is ", "here."))
        return ChatCompletion.model_validate(chat_body())


class Client:
    """What the examples call ``client``."""

    def __init__(self, **_: object) -> None:
        self.chat = type("Chat", (), {"completions": Completions()})()


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemoryBus]:
    bus = InMemoryBus()
    monkeypatch.setattr("openai.OpenAI", Client)
    driftline.init(bus=bus)
    # The examples' own bus is a Kafka that is not there.
    monkeypatch.setattr(driftline, "init", lambda **_: None)
    yield bus
    driftline.shutdown(2)


def examples(name: str) -> list[CodeExample]:
    from pytest_examples import find_examples  # noqa: PLC0415  takes half a second

    return list(find_examples(ROOT / name))


@pytest.fixture
def eval_example(tmp_path: Path, request: pytest.FixtureRequest) -> EvalExample:
    """As the plugin has it, which is not loaded: its options are for nobody."""
    from pytest_examples import EvalExample  # noqa: PLC0415  takes half a second

    return EvalExample(tmp_path=tmp_path, pytest_request=request)


@pytest.mark.parametrize("page", ["README.md", "docs/instrumentation.md", "docs/auto-instrumentation.md"])
def test_the_examples_of_a_page_run_in_order(page: str, bus: InMemoryBus, eval_example: EvalExample) -> None:
    known: dict[str, object] = {"client": Client()}
    for example in examples(page):
        known |= eval_example.run(example, module_globals=known)
    known["answer"]("Where is it?")  # type: ignore[operator]
    assert driftline.flush(10)
    spans = recorded_spans(bus)
    assert any(span.attributes.get("gen_ai.usage.input_tokens") == 142 for span in spans)
    if page == "docs/instrumentation.md":
        said = [event.attributes for event in recorded_events(bus)]
        labels = {each.get("gen_ai.evaluation.score.label") for each in said} - {None}
        assert labels == {"thumbs_up", "report", "2_stars"}
        names = {each["gen_ai.evaluation.name"] for each in said}
        assert names == {"user_feedback", "edited", "task_success", "escalated"}


def test_the_examples_of_the_page_about_privacy_run(bus: InMemoryBus, eval_example: EvalExample) -> None:
    known: dict[str, Any] = {}
    for example in examples("docs/privacy.md"):
        known |= eval_example.run(example, module_globals=known)
    assert Redactor(hook=known["without_customers"]).text("C-123456, a@b.co") == "[customer], [email]"


def test_the_page_about_privacy_names_all_that_is_found() -> None:
    page = (ROOT / "docs/privacy.md").read_text(encoding="utf-8")
    for name in {row.name for row in BUILT_IN}:
        rows = [row for row in BUILT_IN if row.name == name]
        assert f"| `{name}` | {'; '.join(row.finds for row in rows)} | `{rows[0].replacement}` |" in page


def test_the_page_about_containment_shows_what_is_read_and_its_examples_run(
    eval_example: EvalExample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state,) = re.findall(r"```json\n(.*?)```", (ROOT / "docs/guard.md").read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "guard.json").write_text(state, encoding="utf-8")
    follower = Follower(lambda: load({}, data_dir=str(tmp_path), guard_stale_seconds=1e9, environment="production"))
    follower.is_running = True
    monkeypatch.setattr("driftline.containment.guard._follower", follower)
    follower.look()
    known: dict[str, Any] = {}
    for example in examples("docs/guard.md"):
        known |= eval_example.run(example, module_globals=known)
    assert known["answer"]("Where is it?") == known["canned_answer"]("")
    assert known["find"]("parcels") == "What was found for 'parcels'."
    key = key_of(known["SECRET"])
    now = datetime.now(UTC)
    assert known["is_genuine"](headers(key, "c1", now, b"{}"), b"{}")
    assert not known["is_genuine"](headers(key, "c1", now, b"{}"), b"[]")
    assert not known["is_genuine"](headers(key, "c1", now - timedelta(minutes=6), b"{}"), b"{}")


def test_the_page_about_containment_shows_a_configuration_that_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBACK_SECRET", "a text of more than 24 bytes")
    page = (ROOT / "docs/guard.md").read_text(encoding="utf-8")
    (file,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    containment = Containment.model_validate(yaml.safe_load(file)["containment"])
    assert containment.let_through == 0.05
    assert [name for name in Containment.model_fields if f"| `{name}` |" not in page] == []


EVALUATORS = (ROOT / "docs/evaluators.md").read_text(encoding="utf-8")


def test_the_page_about_evaluators_shows_what_is_read() -> None:
    (file,) = re.findall(r"```yaml\n(.*?)```", EVALUATORS, re.DOTALL)
    config = parse_config(file, "the page", load({}))
    assert [one.name for one in config.evaluators] == ["support", "grounded", "parses"]
    (rubric,) = re.findall(r"```markdown\n(.*?)```", EVALUATORS, re.DOTALL)
    assert list(parse_rubric(rubric, "the page").criteria) == ["accuracy", "tone"]


def test_the_page_about_evaluators_names_all_there_is() -> None:
    keys = {*JudgeConfig.model_fields} - {"kind"}
    criteria = {name for rubric in SHIPPED for name in load_rubric(rubric).criteria}
    assert [name for name in {*keys, *SHIPPED, *SCALES, *PLANS, *THRESHOLDS, *criteria} if name not in EVALUATORS] == []
    assert [name for name in CONDITIONS if f"| `{name}: " not in EVALUATORS] == []
    assert [language for language in LANGUAGES if not re.search(rf"[`\s]{language}[`\s]", EVALUATORS)] == []
