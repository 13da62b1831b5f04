"""Threads of an observed request belong to it, and are otherwise what they were."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.context import get_current

import driftline
from driftline import observe, session
from driftline.threads import follow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from collector_support import Recording

START, SUBMIT = threading.Thread.start, ThreadPoolExecutor.submit


@observe
def step(number: int = 0) -> int:
    return number


def run_thread(thread: threading.Thread) -> None:
    thread.start()
    thread.join()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as pool:
        yield pool


def in_thread(_: ThreadPoolExecutor) -> None:
    run_thread(threading.Thread(target=step))


def in_timer(_: ThreadPoolExecutor) -> None:
    run_thread(threading.Timer(0, step))


def in_subclass(_: ThreadPoolExecutor) -> None:
    class Worker(threading.Thread):
        def run(self) -> None:
            step()

    run_thread(Worker())


def in_own_run(_: ThreadPoolExecutor) -> None:
    thread = threading.Thread()
    thread.run = step  # type: ignore[method-assign, assignment]
    run_thread(thread)
    assert thread.run is step  # type: ignore[comparison-overlap]


def submitted(pool: ThreadPoolExecutor) -> None:
    pool.submit(step).result()


def mapped(pool: ThreadPoolExecutor) -> None:
    assert list(pool.map(step, [3])) == [3]


def in_executor(pool: ThreadPoolExecutor) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, step)

    asyncio.run(main())


def to_thread(_: ThreadPoolExecutor) -> None:
    asyncio.run(asyncio.to_thread(step))


@pytest.mark.parametrize(
    "way", [in_thread, in_timer, in_subclass, in_own_run, submitted, mapped, in_executor, to_thread]
)
def test_what_a_thread_of_a_request_does_is_inside_it(
    recording: Recording, pool: ThreadPoolExecutor, way: Callable[[ThreadPoolExecutor], None]
) -> None:
    observe(name="outer")(way)(pool)
    outer, inner = recording.span("outer"), recording.span("step")
    assert inner.trace_id == outer.trace_id
    assert inner.parent_id == outer.span_id


def test_a_session_is_followed_too(recording: Recording, pool: ThreadPoolExecutor) -> None:
    with session("s-1"):
        submitted(pool)
    assert recording.span().attributes["gen_ai.conversation.id"] == "s-1"


def test_a_thread_of_a_pool_belongs_to_nobody_once_its_work_is_done(
    recording: Recording, pool: ThreadPoolExecutor
) -> None:
    observe(name="outer")(submitted)(pool)  # starts the thread
    assert pool.submit(get_current).result() == {}
    submitted(pool)
    assert len({span.trace_id for span in recording.spans()}) == 2


def test_only_opentelemetrys_context_goes_along(recording: Recording, pool: ThreadPoolExecutor) -> None:
    mine: ContextVar[int] = ContextVar("mine", default=0)

    @observe
    def outer() -> int:
        mine.set(1)
        return pool.submit(mine.get).result()

    assert outer() == 0


def test_outside_of_a_request_nothing_of_ours_is_run(recording: Recording, pool: ThreadPoolExecutor) -> None:
    thread = threading.Thread(target=step)
    thread.start()
    assert "run" not in thread.__dict__
    thread.join()
    assert pool.submit(lambda: 1).result() == 1


def test_errors_and_misuse_are_what_they_were(
    recording: Recording, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    @observe
    def outer() -> None:
        with pytest.raises(ZeroDivisionError):
            pool.submit(lambda: 1 / 0).result()
        with pytest.raises(TypeError, match=r"ThreadPoolExecutor\.submit\(\) missing 1 required"):
            pool.submit()  # type: ignore[call-arg]
        assert pool.submit(dict, fn=1, context=2, self=3).result() == {"fn": 1, "context": 2, "self": 3}
        thread = threading.Thread(target=step, name="mine", daemon=True)
        run_thread(thread)
        assert (thread.name, thread.daemon, thread.__dict__.get("run")) == ("mine", True, None)
        with pytest.raises(RuntimeError, match="threads can only be started once"):
            thread.start()
        unmade: Any = threading.Thread.__new__(threading.Thread)
        with pytest.raises(RuntimeError, match="not called"):
            unmade.start()
        pool.shutdown()
        with pytest.raises(RuntimeError, match="after shutdown"):
            pool.submit(step)

    outer()


def test_a_thread_that_cannot_be_started_can_be_tried_again(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    @observe(name="outer")
    def outer() -> None:
        thread = threading.Thread(target=step)
        with monkeypatch.context() as patch:
            for name in ("_start_new_thread", "_start_joinable_thread"):  # of Python 3.12 and before; since 3.13
                patch.setattr(threading, name, no_thread, raising=False)
            with pytest.raises(RuntimeError, match="can't start"):
                thread.start()
        assert "run" not in thread.__dict__
        run_thread(thread)

    outer()
    assert recording.span("step").trace_id == recording.span("outer").trace_id


def no_thread(*_: object, **__: object) -> None:
    raise RuntimeError("can't start new thread")


def test_the_setting_switches_it_off(record: Callable[..., Recording], pool: ThreadPoolExecutor) -> None:
    recording = record(follow_threads=False)
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == (START, SUBMIT)
    observe(name="outer")(in_thread)(pool)
    assert len({span.trace_id for span in recording.spans()}) == 2


def test_opentelemetrys_own_instrumentation_of_threads_is_left_to_it(
    record: Callable[..., Recording], monkeypatch: pytest.MonkeyPatch
) -> None:
    class ThreadingInstrumentor:
        is_instrumented_by_opentelemetry = True
        _instance: ThreadingInstrumentor

    ThreadingInstrumentor._instance = ThreadingInstrumentor()
    theirs = SimpleNamespace(ThreadingInstrumentor=ThreadingInstrumentor)
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.threading", theirs)
    record()
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == (START, SUBMIT)


def test_shutdown_puts_everything_back(recording: Recording) -> None:
    assert threading.Thread.start is not START
    assert threading.Thread.start.__qualname__ == "Thread.start"
    driftline.shutdown(2)
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == (START, SUBMIT)


def test_what_somebody_else_put_before_ours_stays(
    recording: Recording, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = threading.Thread.start

    def theirs(self: threading.Thread) -> None:
        ours(self)

    monkeypatch.setattr(threading.Thread, "start", theirs)
    follow(False)
    assert threading.Thread.start is theirs
    observe(name="outer")(in_thread)(pool)
    assert len({span.trace_id for span in recording.spans()}) == 2
    follow(True)
    observe(name="again")(in_thread)(pool)
    assert recording.span("again").trace_id in {span.trace_id for span in recording.spans() if span.name == "step"}
    monkeypatch.undo()
    follow(False)
    assert threading.Thread.start is START
