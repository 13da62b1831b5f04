"""guard(): what is contained is known without waiting, and never believed for longer than somebody stands for it."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import driftline
from collector_support import wait_until
from driftline import settings as table
from driftline.containment import guard as module
from driftline.containment.follower import Follower
from driftline.containment.source import EndpointSource, FileSource, source_of
from driftline.containment.state import Contained, State, here, parse, render
from driftline.errors import DriftlineError, SettingsError
from process_support import clean_environment
from receiver_support import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    from collector_support import Recording

SUPPORT = Contained("support", "3f9c", "2026-11-26T10:00:00+00:00", "errors", {"environment": "production"})


def write(path: Path, *contained: Contained, age: float = 0) -> None:
    """As the alert worker does: replaced as a whole."""
    new = path.with_suffix(".new")
    new.write_text(render(State(datetime.now(UTC) - timedelta(seconds=age), contained)), encoding="utf-8")
    new.replace(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "guard.json"


@pytest.fixture
def follow(path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Follower]:
    """Has guard() follow a file, in looks of the test's own."""

    def start(**settings: Any) -> Follower:
        loaded = table.load({}, **({"guard": str(path), "guard_seconds": 0.01} | settings))
        follower = Follower(lambda: loaded)
        follower.is_running = True
        monkeypatch.setattr(module, "_follower", follower)
        return follower

    return start


def test_a_feature_is_contained_once_it_was_seen_in_the_file(path: Path, follow: Callable[..., Follower]) -> None:
    write(path, SUPPORT)
    follower = follow()
    assert not driftline.guard("support")
    assert follower.look() == 0.01
    assert driftline.guard("support") is True
    assert driftline.guard("search") is False
    write(path)
    follower.look()
    assert not driftline.guard("support")


def test_the_first_call_starts_a_thread_that_follows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = table.load({}, guard=str(path), guard_seconds=0.01)
    monkeypatch.setattr(module, "_follower", Follower(lambda: loaded))
    write(path, SUPPORT)
    driftline.guard("support")
    wait_until(lambda: driftline.guard("support"))


def test_nobody_waits_for_an_endpoint_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answered = threading.Event(), threading.Event()

    class Hanging:
        name = "one that hangs"

        def read(self) -> State:
            asked.set()
            assert answered.wait(30)
            return State(datetime.now(UTC), (SUPPORT,))

    monkeypatch.setattr("driftline.containment.follower.source_of", lambda _: Hanging())
    follower = Follower(lambda: table.load({}, guard_seconds=0.01))
    monkeypatch.setattr(module, "_follower", follower)
    driftline.guard("support")
    assert asked.wait(30)
    assert not driftline.guard("support")  # while it hangs
    answered.set()
    wait_until(lambda: driftline.guard("support"))


def test_a_broken_file_changes_nothing_and_is_said_once(
    path: Path, follow: Callable[..., Follower], caplog: pytest.LogCaptureFixture
) -> None:
    write(path, SUPPORT)
    follower = follow()
    follower.look()
    path.write_text('{"version": 1, "at"', encoding="utf-8")
    caplog.clear()
    for _ in range(3):
        follower.look()
    assert driftline.guard("support")
    (said,) = caplog.messages
    assert str(path) in said
    assert "it is no JSON" in said
    write(path)
    follower.look()
    assert not driftline.guard("support")


def test_a_missing_file_contains_nothing_and_is_said_once(
    follow: Callable[..., Follower], caplog: pytest.LogCaptureFixture
) -> None:
    follower = follow()
    for _ in range(3):
        follower.look()
    assert not driftline.guard("support")
    (said,) = caplog.messages
    assert "does not exist; the alert worker writes it" in said


def test_what_nobody_confirms_counts_no_more_and_that_is_said_once(
    path: Path, follow: Callable[..., Follower], caplog: pytest.LogCaptureFixture
) -> None:
    write(path, SUPPORT, age=100)
    follower = follow(guard_stale_seconds=60)
    for _ in range(3):
        follower.look()
    assert not driftline.guard("support")
    (said,) = caplog.messages
    assert "more than 60 s ago, so nothing is contained" in said
    write(path, SUPPORT, age=99)  # it is written again, so somebody lives, whatever the clocks say
    follower.look()
    assert driftline.guard("support")


def test_what_is_known_grows_stale_though_nobody_looks(path: Path, follow: Callable[..., Follower]) -> None:
    write(path, SUPPORT)
    follower = follow(guard_stale_seconds=60)
    follower.look()
    assert driftline.guard("support")
    follower.until -= 60
    assert not driftline.guard("support")


def test_what_begins_and_ends_is_logged(
    path: Path, follow: Callable[..., Follower], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    follower = follow()
    for contained in [(SUPPORT,), (SUPPORT,), ()]:
        write(path, *contained)
        follower.look()
    assert caplog.messages == [
        "driftline: support is contained (incident 3f9c): errors",
        "driftline: support is not contained any more",
    ]


def test_wrong_settings_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    def wrong() -> table.Settings:
        raise SettingsError("a setting is wrong")

    follower = Follower(wrong)
    assert follower.look() == follower.look() == 5
    assert caplog.messages == ["driftline: guard(): a setting is wrong"]


def test_another_place_is_followed_when_the_settings_name_it(tmp_path: Path) -> None:
    names = iter(["a.json", "b.json"])
    write(tmp_path / "a.json", SUPPORT)
    write(tmp_path / "b.json")
    follower = Follower(lambda: table.load({}, guard=str(tmp_path / next(names))))
    follower.look()
    assert set(follower.contained) == {"support"}
    follower.look()
    assert not follower.contained


@pytest.mark.parametrize(
    ("service", "environment", "is_contained"),
    [("shop", "production", True), ("", "", True), ("shop", "staging", False)],
)
def test_what_is_wrong_elsewhere_is_not_contained_here(service: str, environment: str, is_contained: bool) -> None:
    assert bool(here([SUPPORT], service=service, environment=environment)) is is_contained


def test_of_several_reasons_the_strictest_counts() -> None:
    reasons = [replace(SUPPORT, let_through=share) for share in (0.5, 0.0, 0.1)]
    assert here(reasons, service="", environment="")["support"].let_through == 0


@pytest.mark.parametrize(("drawn", "is_contained"), [(0.04, False), (0.05, True)])
def test_a_share_is_let_through(
    path: Path, follow: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch, drawn: float, is_contained: bool
) -> None:
    write(path, replace(SUPPORT, let_through=0.05))
    follow().look()
    monkeypatch.setattr("random.random", lambda: drawn)
    assert driftline.guard("support") is is_contained


def test_it_never_raises(path: Path, follow: Callable[..., Follower]) -> None:
    write(path, SUPPORT)
    follow().look()
    assert driftline.guard(["support"]) is False  # type: ignore[call-overload]


def test_the_request_under_way_is_marked(path: Path, follow: Callable[..., Follower], recording: Recording) -> None:
    write(path, SUPPORT)
    follow().look()

    @driftline.observe(name="inner")
    def inner() -> bool:
        return driftline.guard("support")

    @driftline.observe(name="request")
    def request() -> bool:
        return inner()

    assert request()
    marks = {span.name: span.attributes.get("driftline.contained") for span in recording.spans()}
    assert marks == {"request": "3f9c", "inner": None}


def test_as_a_decorator_it_calls_the_other_function(path: Path, follow: Callable[..., Follower]) -> None:
    @driftline.guard("support", otherwise=lambda question, tries=1: f"canned {question} {tries}")
    def answer(question: str, tries: int = 1) -> str:
        return f"answered {question} {tries}"

    follower = follow()
    assert answer("a", tries=2) == "answered a 2"
    assert answer.__name__ == "answer"
    write(path, SUPPORT)
    follower.look()
    assert answer("a", tries=2) == "canned a 2"


def canned(question: str) -> str:
    return f"canned {question}"


async def canned_later(question: str) -> str:
    return canned(question)


@pytest.mark.parametrize("otherwise", [canned, canned_later])
def test_a_coroutine_function_stays_one_whatever_is_called_in_its_place(
    path: Path, follow: Callable[..., Follower], otherwise: Any
) -> None:
    @driftline.guard("support", otherwise=otherwise)
    async def answer(question: str) -> str:
        return f"answered {question}"

    follower = follow()
    assert asyncio.iscoroutinefunction(answer)
    assert asyncio.run(answer("a")) == "answered a"
    write(path, SUPPORT)
    follower.look()
    assert asyncio.run(answer("a")) == "canned a"


def test_a_stream_that_a_coroutine_function_gives_may_be_made_by_a_generator(
    path: Path, follow: Callable[..., Follower]
) -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "canned"

    @driftline.guard("support", otherwise=pieces)
    async def answer() -> AsyncIterator[str]:
        raise AssertionError

    async def read() -> list[str]:
        return [piece async for piece in await answer()]

    write(path, SUPPORT)
    follow().look()
    assert asyncio.run(read()) == ["canned"]


def test_what_is_not_awaited_refuses_at_once_what_has_to_be() -> None:
    def answer(question: str) -> str:
        return question

    async def stream(question: str) -> AsyncIterator[str]:
        yield question

    for function in (answer, stream):
        with pytest.raises(TypeError, match=rf"like \S+{function.__name__}, .* but got canned_later, .* the same kind"):
            driftline.guard("support", otherwise=canned_later)(function)  # type: ignore[arg-type]


def test_what_a_decorator_made_of_a_coroutine_function_is_taken_for_one(
    path: Path, follow: Callable[..., Follower]
) -> None:
    async def answer(question: str) -> str:
        return f"answered {question}"

    @functools.wraps(answer)
    def wrapped(question: str) -> Coroutine[Any, Any, str]:
        return answer(question)

    guarded = driftline.guard("support", otherwise=canned_later)(wrapped)
    follower = follow()
    assert asyncio.run(guarded("a")) == "answered a"
    write(path, SUPPORT)
    follower.look()
    assert asyncio.run(guarded("a")) == "canned a"


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_forked_child_knows_and_follows_by_itself(tmp_path: Path) -> None:
    write(tmp_path / "guard.json", SUPPORT)
    code = """
import os, pathlib, sys, time, driftline
from driftline.containment.state import State, parse, render
path = pathlib.Path(sys.argv[1])
while not driftline.guard("support"):
    time.sleep(0.005)
child = os.fork()
if child == 0:
    assert driftline.guard("support")
    path.with_suffix(".new").write_text(render(State(parse(path.read_text()).at)))
    path.with_suffix(".new").replace(path)
    while driftline.guard("support"):
        time.sleep(0.005)
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
    command = [sys.executable, "-c", code, str(tmp_path / "guard.json")]
    environment = clean_environment(tmp_path, DRIFTLINE_GUARD_SECONDS="0.01")
    subprocess.run(command, env=environment, check=True, timeout=60)


def test_what_is_written_is_read_back() -> None:
    state = State(
        datetime(2026, 11, 26, 10, 0, 1, 5000, tzinfo=UTC), (replace(SUPPORT, where={}), replace(SUPPORT, why="ü"))
    )
    assert parse(render(state)) == state


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no JSON"),
        ("[]", "version None"),
        ('{"version": 2}', "version 2"),
        ('{"version": true}', "version True"),
        ('{"version": 1}', "KeyError: 'at'"),
        ('{"version": 1, "at": "today", "features": {}}', "ValueError"),
        ('{"version": 1, "at": "2026-11-26T10:00:00", "features": {}}', "no time zone"),
        ('{"version": 1, "at": "2026-11-26T10:00:00Z", "features": {"a": {}}}', ""),
        ('{"version": 1, "at": "2026-11-26T10:00:00Z", "features": {"a": [{}]}}', "KeyError: 'incident'"),
        ('{"version": 1, "at": "2026-11-26T10:00:00Z", "features": {"a": ["b"]}}', "TypeError"),
        ("[" * 100_000, "it is no JSON"),
    ],
)
def test_what_is_no_state_says_why(text: str, why: str) -> None:
    if why:
        with pytest.raises(ValueError, match=why):
            parse(text)
    else:
        assert parse(text).contained == ()


def test_keys_of_later_versions_are_left_out() -> None:
    body = json.loads(render(State(datetime.now(UTC), (SUPPORT,))))
    body["features"]["support"][0]["colour"] = body["colour"] = "red"
    assert parse(json.dumps(body)).contained == (SUPPORT,)


def test_an_endpoint_is_asked_again_only_for_what_is_new(path: Path) -> None:
    write(path, SUPPORT)
    with serving(token="right", guard=path) as served:
        source = EndpointSource(f"http://:right@127.0.0.1:{served.sender.port}")
        state = source.read()
        assert state is not None
        assert state.contained == (SUPPORT,)
        assert source.read() is None
        write(path, age=1)
        state = source.read()
        assert state is not None
        assert state.contained == ()


def test_an_endpoint_without_the_right_token_says_no_secret(path: Path) -> None:
    write(path, SUPPORT)
    with serving(token="right", guard=path) as served:
        source = EndpointSource(f"http://:wrong@127.0.0.1:{served.sender.port}/guard")
        with pytest.raises(DriftlineError, match="answered 401") as caught:
            source.read()
    assert "wrong" not in str(caught.value)
    with pytest.raises(DriftlineError, match="no answer"):
        source.read()


def test_an_endpoint_without_a_file_says_what_to_do(path: Path) -> None:
    with serving(guard=path) as served:
        answer = served.sender.ask("GET", "/guard")
    assert answer.status == 404
    assert "'containment' in alerts.yaml" in answer.json()["message"]


@pytest.mark.parametrize("place", ["http://", "https://host/guard?x=1"])
def test_an_address_that_cannot_be_used_is_refused(place: str) -> None:
    with pytest.raises(SettingsError, match="setting 'guard'"):
        source_of(place)


def test_a_place_is_a_file_unless_it_is_an_address(tmp_path: Path) -> None:
    assert isinstance(source_of(str(tmp_path)), FileSource)
    settings = table.load({}, data_dir=str(tmp_path))
    assert settings.guard_place == str(settings.guard_path) == str(tmp_path / "guard.json")
    settings = table.load({}, data_dir=str(tmp_path), guard="http://host:4318")
    assert settings.guard_place == "http://host:4318"
    assert settings.guard_path == tmp_path / "guard.json"
