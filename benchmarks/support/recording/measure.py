"""The loops that are timed, inside the process of one library."""

from __future__ import annotations

import gc
import resource
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from support.recording.marks import OTHERS
from support.recording.texts import Fresh, pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.recording.plan import Plan
    from support.recording.running import Answer, Running

_PROBES = 20
_CHUNK = 50
_PACE_NS = 10_000_000


@dataclass
class Spent:
    """What some calls took: nanoseconds on the calling thread, of the process, and on the clock for each."""

    thread: int = 0
    process: int = 0
    each: list[int] | None = None

    def add(self, function: Answer, prompts: list[str], drain: Callable[[], object]) -> None:
        """Call with all prompts in a tight loop, and wait until everything has been sent."""
        clock, each = time.perf_counter_ns, [0] * len(prompts)
        process, thread = time.process_time_ns(), time.thread_time_ns()
        for number, prompt in enumerate(prompts):
            began = clock()
            function(prompt)
            each[number] = clock() - began
        self.thread += time.thread_time_ns() - thread
        drain()
        self.process += time.process_time_ns() - process
        self.each = (self.each or []) + each

    def mean(self, name: str) -> float:
        """Microseconds a call, of ``"thread"`` or ``"process"``."""
        return float(getattr(self, name)) / len(self.each or [0]) / 1e3


def calls(running: Running, plan: Plan) -> dict[str, float]:
    """Calls in tight loops and at a pace, of the observed function and of the bare one in turn."""
    prompts, answers = pool(seed=1)

    def answer(prompt: str) -> object:
        return answers[prompt]

    observed = running.wrap(answer)
    count = _block(observed, prompts, plan)
    Spent().add(observed, prompts[:count], running.drain)  # code paths get specialised, connections opened
    gc.collect()
    gc.freeze()  # else the library pays for walks over the pool, which is ours
    with_it, without = Spent(), Spent()
    for _ in range(plan.blocks):
        with_it.add(observed, prompts[:count], running.drain)
        without.add(answer, prompts, lambda: None)
    bare = _quantile(without.each or [], 50)
    paced = _paced(observed, prompts, plan.paced)
    running.drain()
    paced_bare = _quantile(_paced(answer, prompts, max(plan.paced // 5, 20)), 50)
    return {
        "calls": plan.blocks * count,
        "thread_us": with_it.mean("thread") - without.mean("thread"),
        "p50_us": _quantile(with_it.each or [], 50) - bare,
        "p99_us": _quantile(with_it.each or [], 99) - bare,
        "process_us": with_it.mean("process") - without.mean("process"),
        "paced_p50_us": _quantile(paced, 50) - paced_bare,
        "paced_p99_us": _quantile(paced, 99) - paced_bare,
    }


def burst(running: Running, plan: Plan) -> dict[str, float]:
    """One long loop without a pause, then flush and shutdown; the sink knows what arrived."""
    fresh = Fresh(plan.burst, seed=1)
    observed = running.wrap(fresh.answer)
    for number in range(_PROBES):
        observed(OTHERS + fresh.prompt(number)[len(OTHERS) :])  # not counted
    running.drain()
    bare = _loop(fresh.answer, fresh, plan)
    gc.collect()
    gc.freeze()
    before = peak_bytes()
    loop = _loop(observed, fresh, plan)
    began = time.monotonic()
    running.drain()
    running.stop()
    return {
        "made": loop.calls,
        "loop_us": loop.us_a_call - bare.us_a_call,
        "delivery_s": time.monotonic() - began,
        "peak_growth_mb": (peak_bytes() - before) / 1e6,
    }


def peak_bytes() -> int:
    """Most memory that this process has had resident so far."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Not ru_maxrss: on Linux a process begins with that of the one that started it.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@dataclass(frozen=True)
class _Loop:
    calls: int
    us_a_call: float


def _loop(function: Answer, fresh: Fresh, plan: Plan) -> _Loop:
    prompt, began, done = fresh.prompt, time.perf_counter(), 0
    while done < plan.burst and time.perf_counter() - began < plan.burst_seconds:
        end = min(done + _CHUNK, plan.burst)
        for number in range(done, end):
            function(prompt(number))
        done = end
    return _Loop(done, (time.perf_counter() - began) / done * 1e6)


def _block(function: Answer, prompts: list[str], plan: Plan) -> int:
    for prompt in prompts[:_PROBES]:
        function(prompt)
    probes = Spent()
    probes.add(function, prompts[:_PROBES], lambda: None)
    each = statistics.median(probes.each or [])
    return max(_PROBES, min(len(prompts), int(plan.block_seconds * 1e9 / each)))


def _paced(function: Answer, prompts: list[str], count: int) -> list[int]:
    clock, each = time.perf_counter_ns, []
    due = clock()
    late = due + 2 * count * _PACE_NS
    for prompt in prompts[:count]:
        due += _PACE_NS
        if clock() > late:  # slower than the pace
            break
        time.sleep(max(due - clock(), 0) / 1e9)
        began = clock()
        function(prompt)
        each.append(clock() - began)
    return each


def _quantile(each: list[int], percent: int) -> float:
    return statistics.quantiles(each, n=100, method="inclusive")[percent - 1] / 1e3
