"""Recording what is no function: a block of code, or a call that is over."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Self

from driftline import runtime, semconv
from driftline.capture import understand
from driftline.fields import label
from driftline.handle import Handle
from driftline.labels import Labels
from driftline.spec import Spec

if TYPE_CHECKING:
    from types import TracebackType

    from driftline.observed import ObservedSpan

_log = logging.getLogger("driftline")


class span:  # noqa: N801 - reads as a function, like contextlib's own
    """Record a block of code as a span: ``with span("rerank") as step:``, or ``async with``.

    Like an observed function without the function: an outermost one is a request, calls inside make it a workflow,
    an exception ends it as an error and goes on. Never raises by itself.

    Args:
        name: of the span.
        feature: the product feature that this serves; inherited by everything called inside.
        prompt_name: name of the prompt in use; inherited like ``feature``.
        prompt_version: version of that prompt.
        capture_content: overrides the setting of that name for this block.
    """

    def __init__(
        self,
        name: str,
        *,
        feature: str | None = None,
        prompt_name: str | None = None,
        prompt_version: str | None = None,
        capture_content: bool | None = None,
    ) -> None:
        labels = Labels(feature=label(feature), prompt_name=label(prompt_name), prompt_version=label(prompt_version))
        self._spec = Spec(label(name) or "block", labels, capture_content=capture_content)
        self._span: ObservedSpan | None = None
        self._result: object = None

    def input(self, *values: Any, **named: Any) -> None:
        """Say what the block works on: one text or conversation, or named values."""
        if self._span is not None:
            self._span.recorder.take_arguments(self._span, values, named)

    def output(self, result: object) -> None:
        """Say what came of it: whatever an observed function could return, except what comes in pieces."""
        self._result = result

    def __enter__(self) -> Self:
        try:
            recorder = runtime.recorder()
            self._span = None if recorder is None else recorder.begin(self._spec, (), {})
        except Exception:  # noqa: BLE001 - telemetry never raises into the application
            _log.debug("driftline: a block was not recorded", exc_info=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        block, self._span = self._span, None
        if block is None:
            return
        if error is not None:
            block.recorder.fail(block, error)
        else:
            block.recorder.succeed(block, self._result)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def record(
    name: str,
    *,
    input: object = None,  # noqa: A002 - what everybody calls it
    output: object = None,
    model: str | None = None,
    input_tokens: int | None = None,
    output_tokens: int | None = None,
    error: BaseException | None = None,
    started: float | None = None,
    ended: float | None = None,
    feature: str | None = None,
    prompt_name: str | None = None,
    prompt_version: str | None = None,
) -> Handle | None:
    """Record a call that is over, where nothing can be decorated: a callback, a queue, another program.

    It is a call of a model if ``output`` is understood as one, or if ``model`` or a number of tokens is given.

    Args:
        name: of the span.
        input: what was asked: a text, a list of messages, or anything else.
        output: what came back: whatever an observed function could return.
        model: the model that answered.
        input_tokens: tokens that it read, cached ones included.
        output_tokens: tokens that it wrote, reasoning ones included.
        error: what was raised instead of an answer.
        started: in seconds since 1970; by default, when it ended.
        ended: in seconds since 1970; now by default.
        feature: the product feature that this serves.
        prompt_name: name of the prompt in use.
        prompt_version: version of that prompt.

    Returns:
        The request, for ``feedback()``; None where nothing is recorded.
    """
    try:
        recorder = runtime.recorder()
        if recorder is None:
            return None
        labels = Labels(feature=label(feature), prompt_name=label(prompt_name), prompt_version=label(prompt_version))
        over = time.time() if ended is None else ended
        made = recorder.open(Spec(label(name) or "record", labels))
        made.begin_at(int((over if started is None else started) * 1e9))
        if input is not None:
            recorder.take_arguments(made, (input,), {})
        if error is not None:
            recorder.take_error(made, error)
        else:
            result = understand(output)
            if model is not None or input_tokens is not None or output_tokens is not None:
                result.operation = result.operation or semconv.CHAT
                result.model = label(model) or result.model
                usage = result.usage
                result.usage = usage._replace(
                    input=usage.input if input_tokens is None else input_tokens,
                    output=usage.output if output_tokens is None else output_tokens,
                )
            recorder.take_result(made, result)
        recorder.close(made, int(over * 1e9))
        return Handle(made.info)
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.debug("driftline: a call was not recorded", exc_info=True)
        return None
