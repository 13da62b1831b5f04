"""An application with threads and forked workers, which makes numbered calls and never waits for its bus.

``app.py BUS CALLS THREADS WORKERS SECONDS``: makes them within about so long; prints its counters when it ends.
"""

from __future__ import annotations

import os
import sys
import threading
import time

from openai.types.chat import ChatCompletion

import driftline
from collector_support import chat_body


def main() -> None:
    bus, calls, threads, workers, seconds = sys.argv[1], *map(int, sys.argv[2:6])
    driftline.init(bus=bus, service_name="chaos", queue_mb=256)
    share = calls // (threads + workers)
    pause = seconds / share
    make_calls(0, 10, 0)  # the export thread runs before the fork
    children = [fork(share, 100 + number, pause) for number in range(workers)]
    running = [threading.Thread(target=make_calls, args=(number, share, pause)) for number in range(1, threads + 1)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert all(os.waitpid(child, 0)[1] == 0 for child in children)
    finish("parent")


def fork(share: int, number: int, pause: float) -> int:
    child = os.fork()
    if not child:
        make_calls(number, share, pause)
        finish(f"child {number}")
        os._exit(0)
    return child


def make_calls(worker: int, calls: int, pause: float) -> None:
    completion = ChatCompletion.model_validate(chat_body())

    @driftline.observe(feature="chaos")
    def answer(question: str) -> ChatCompletion:
        return completion

    slowest = 0.0
    for number in range(calls):
        begun = time.perf_counter()
        answer(f"call {worker}/{number}")
        slowest = max(slowest, time.perf_counter() - begun)
        time.sleep(pause)
    print(f"slowest call of worker {worker}: {slowest * 1000:.1f} ms", flush=True)


def finish(who: str) -> None:
    """Wait until the bus has everything, as an application that has time does; the rest would stay on disk."""
    done = driftline.flush(600)
    print(who, driftline.stats(), flush=True)
    assert done
    driftline.shutdown(10)


main()
