"""Users' judgements, as the OpenTelemetry event ``gen_ai.evaluation.result``.

The log record is built here rather than through ``opentelemetry.sdk._logs``, whose names still change
with every few releases, and so that the application's own logging setup is left alone.
"""

from __future__ import annotations

import logging
import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord

from driftline import runtime, semconv
from driftline.fields import clean, label
from driftline.handle import Handle, Named, RequestInfo, decode, named

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_log = logging.getLogger("driftline")
_STARS = (1, 2, 3, 4, 5)


def feedback(
    handle: Handle | str | None = None,
    *,
    trace_id: str | None = None,
    response_id: str | None = None,
    thumbs_up: bool | None = None,
    stars: int | None = None,
    score: float | None = None,
    report: str | None = None,
    comment: str | None = None,
    name: str = "user_feedback",
) -> None:
    """Record what a user thinks of an answer. Returns at once and never raises.

    Name the request by one of ``handle``, ``trace_id`` and ``response_id``. A handle says where the feedback
    belongs; an id alone is looked for in the store, before its request has arrived too, for some days.

    What cannot be recorded, such as a damaged token, is logged as a warning. Comments and reports are
    recorded even with ``capture_content=False``: they are only there because they were passed.

    Args:
        handle: the request, from ``current()``, or its token ``str(handle)``, perhaps sent back by a
            browser to another process.
        trace_id: of the request, 32 hexadecimal digits.
        response_id: the provider's id of the answer, such as ``completion.id``.
        thumbs_up: True is a score of 1 labelled ``thumbs_up``, False one of 0 labelled ``thumbs_down``.
        stars: from 1 to 5, labelled so; a score from 0 to 1. Four and five count as satisfied, one and two as not.
        score: any scale, higher is better; replaces the one that thumbs or stars give.
        report: what is wrong with the answer; a score of 0 labelled ``report``.
        comment: the user's words, when it is not a report.
        name: what was judged, such as ``"helpfulness"``; few different values.
    """
    with _never_raising("feedback"):
        said, given = _verdict(thumbs_up, stars, report)
        value = given if score is None else float(score)
        words = "\n".join(str(text) for text in (report, comment) if text)
        if said is None and value is None and not words:
            raise ValueError("feedback() needs thumbs_up, stars, score, report or comment")
        _send(Subject(handle, trace_id, response_id), label(name) or "user_feedback", value, said, words)


def signal(
    name: str,
    handle: Handle | str | None = None,
    *,
    trace_id: str | None = None,
    response_id: str | None = None,
    comment: str | None = None,
) -> None:
    """Record what a user did with an answer, from which one may guess what they thought of it.

    Returns at once and never raises; from another process and days later too, as ``feedback``.

    Args:
        name: ``"edited"`` (used after changes), ``"retried"`` (asked for another answer), ``"copied"``, or
            ``"follow_up"`` (asked again because the answer would not do). Other names are kept, without a metric.
        handle: the request, as for ``feedback``.
        trace_id: of the request, as for ``feedback``.
        response_id: of the answer, as for ``feedback``.
        comment: such as what was changed.
    """
    with _never_raising("a signal"):
        if not label(name):
            raise ValueError("signal() needs a name, such as 'edited'")
        _send(Subject(handle, trace_id, response_id), str(label(name)), 1.0, None, comment or "")


def outcome(
    handle: Handle | str | None = None,
    *,
    trace_id: str | None = None,
    response_id: str | None = None,
    success: bool | None = None,
    escalated: bool = False,
    comment: str | None = None,
) -> None:
    """Record what became of the user's task: whether it was done, and whether a person had to take over.

    Returns at once and never raises; from another process and days later too, as ``feedback``.

    Args:
        handle: the request, as for ``feedback``.
        trace_id: of the request, as for ``feedback``.
        response_id: of the answer, as for ``feedback``.
        success: whether the task was done; None where that is not known.
        escalated: a person took over.
        comment: why.
    """
    with _never_raising("an outcome"):
        if success is None and not escalated:
            raise ValueError("outcome() needs success or escalated")
        about = Subject(handle, trace_id, response_id)
        if success is not None:
            _send(about, "task_success", 1.0 if success else 0.0, None, comment or "")
        if escalated:
            _send(about, "escalated", 1.0, None, comment or "")


@contextmanager
def _never_raising(what: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        _log.warning("driftline: %s was not recorded: %s", what, error)
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.warning("driftline: %s was not recorded", what, exc_info=True)


class Subject(NamedTuple):
    """How a caller names the request that it speaks of."""

    handle: Handle | str | None
    trace_id: str | None
    response_id: str | None

    def known(self) -> RequestInfo | Named:
        """The request as far as it is known.

        Raises:
            ValueError: it is named in no way or in several, or by something damaged.
        """
        if self.handle is None:
            return named(self.trace_id, self.response_id)
        if self.trace_id is not None or self.response_id is not None:
            raise ValueError("it needs one of a handle, a trace_id and a response_id, not several")
        return self.handle.info if isinstance(self.handle, Handle) else decode(str(self.handle))


def _verdict(thumbs_up: bool | None, stars: int | None, report: str | None) -> tuple[str | None, float | None]:
    """The label and the score of an explicit judgement; the strongest word counts."""
    if report is not None:
        return "report", 0.0
    if thumbs_up is not None:
        return ("thumbs_up", 1.0) if thumbs_up else ("thumbs_down", 0.0)
    if stars is None:
        return None, None
    if stars not in _STARS:
        raise ValueError(f"stars must be a whole number from 1 to 5 but is {stars!r}")
    return f"{int(stars)}_stars", (int(stars) - 1) / 4


def _send(subject: Subject, name: str, value: float | None, said: str | None, words: str) -> None:
    collector = runtime.collector_in_use()
    if collector is None:
        return
    if value is not None and not math.isfinite(value):
        raise ValueError(f"the score must be a finite number but is {value}")
    verdict = {
        semconv.EVALUATION_NAME: name,
        semconv.EVALUATION_LABEL: said,
        semconv.EVALUATION_SCORE: value,
        semconv.EVALUATION_EXPLANATION: clean(words[: collector.max_content_chars]) or None,
    }
    collector.pipeline.put(_record(subject.known(), verdict))


def _record(about: RequestInfo | Named, verdict: Mapping[str, str | float | None]) -> LogRecord:
    now = time.time_ns()
    record = LogRecord(
        time_unix_nano=now,
        observed_time_unix_nano=now,
        severity_number=SEVERITY_NUMBER_INFO,
        event_name=semconv.EVALUATION_EVENT,
        flags=1,
    )
    if about.trace_id:
        record.trace_id = about.trace_id.to_bytes(16, "big")
    attributes: dict[str, str | float | int | None] = {
        **verdict,
        semconv.EVALUATION_SOURCE: semconv.HUMAN,
        semconv.RESPONSE_ID: about.response_id,
    }
    if isinstance(about, RequestInfo):
        record.span_id = about.span_id.to_bytes(8, "big")
        attributes |= _segment(about)
    for key, value in attributes.items():
        if value is None:
            continue
        target = record.attributes.add(key=key).value
        if isinstance(value, str):
            target.string_value = clean(value)
        elif isinstance(value, int):
            target.int_value = value
        else:
            target.double_value = value
    return record


def _segment(info: RequestInfo) -> dict[str, str | int | None]:
    return {
        semconv.FEATURE: info.feature,
        semconv.PROMPT_NAME: info.prompt_name,
        semconv.PROMPT_VERSION: info.prompt_version,
        semconv.REQUEST_VARIANT: info.variant,
        semconv.RESPONSE_MODEL: info.model,
        # The resource is this process's, which need not be the one that was judged.
        semconv.REQUEST_SERVICE: info.service,
        semconv.REQUEST_ENVIRONMENT: info.environment,
        semconv.REQUEST_START: info.start_ns,
    }
