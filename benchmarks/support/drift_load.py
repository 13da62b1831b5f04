"""An application that gets worse when it is told to: ``python drift_load.py PER_SECOND``, with Driftline's settings.

Two features answer in turn, recorded by ``@observe``. A line on standard input, ``quality`` or ``errors``, lets judged
quality of the feature support fall from 0.90 to 0.60, or the errors of the feature search rise from 2 % to 20 %. For
each it prints the name and the time at which the first answer after it ended.
"""

from __future__ import annotations

import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from opentelemetry import trace

import driftline

MODEL: Final = "gpt-5-mini"
CALL: Final = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": MODEL,
}
GOOD = {10: 0.52, 9: 0.27, 8: 0.11, 6: 0.06, 3: 0.04}
"""Probabilities of what answers are worth; 0.90 on average."""
BAD = {10: 0.11, 9: 0.12, 8: 0.14, 6: 0.24, 5: 0.15, 3: 0.15, 1: 0.09}
"""0.60 on average."""
ERRORS, MORE_ERRORS = 0.02, 0.20
_WORKERS = 48


class App:
    """The state of the application.

    Attributes:
        changed: names of the changes that have been made.
        shown: those of which there has been an answer.
    """

    def __init__(self) -> None:
        self.changed: set[str] = set()
        self.shown: set[str] = set()
        self._chance = random.Random(7)
        self._lock = threading.Lock()

    @driftline.observe(feature="support", prompt_name="answer", prompt_version="1")
    def support(self, question: str) -> str:
        """Answers well, or not so well."""
        worth = GOOD if "quality" not in self.changed else BAD
        score = self._chance.choices(list(worth), list(worth.values()))[0]
        return self._completion(question, f"(worth {score} of 10)")

    @driftline.observe(feature="search", prompt_name="find", prompt_version="1")
    def search(self, question: str) -> str:
        """Answers, or fails."""
        return self._completion(question, "(worth 9 of 10)", MORE_ERRORS if "errors" in self.changed else ERRORS)

    def visit(self, number: int) -> None:
        """One request."""
        feature, change = (self.support, "quality") if number % 2 else (self.search, "errors")
        was_changed = change in self.changed
        try:
            with driftline.session(f"chat-{number // 5}", user=f"user-{number % 997}"):
                feature(f"Question {number}?")
        except TimeoutError:
            pass
        if was_changed:
            self._show(change)

    def _completion(self, question: str, text: str, errors: float = 0.0) -> str:
        """A call to a model, recorded as an instrumentation of its client would."""
        with trace.get_tracer("app").start_as_current_span(f"chat {MODEL}", attributes=CALL) as span:
            time.sleep(min(self._chance.lognormvariate(-1.8, 0.4), 2.0))
            if self._chance.random() < errors:
                raise TimeoutError("the model did not answer in time")
            span.set_attribute("gen_ai.response.model", MODEL)
            span.set_attribute("gen_ai.usage.input_tokens", self._chance.randrange(200, 900))
            span.set_attribute("gen_ai.usage.output_tokens", self._chance.randrange(20, 90))
        return f"An answer to {question} {text}"

    def _show(self, change: str) -> None:
        with self._lock:
            if change not in self.shown:
                self.shown.add(change)
                print(change, time.time(), flush=True)


def main() -> None:
    """Answer until standard input ends."""
    driftline.init()
    app, over = App(), threading.Event()

    def obey() -> None:
        for line in sys.stdin:
            app.changed.add(line.strip())
        over.set()

    threading.Thread(target=obey, daemon=True).start()
    chance, per_second, due, number = random.Random(11), float(sys.argv[1]), time.monotonic(), 0
    with ThreadPoolExecutor(_WORKERS) as customers:
        while not over.wait(max(0.0, due - time.monotonic())):
            due += chance.expovariate(per_second)
            customers.submit(app.visit, number)
            number += 1
    driftline.flush(timeout=10)


if __name__ == "__main__":
    main()
