"""Users' judgements, as the OpenTelemetry event ``gen_ai.evaluation.result``.

The log record is built here rather than through ``opentelemetry.sdk._logs``, whose names still change
with every few releases, and so that the application's own logging setup is left alone.
"""

from __future__ import annotations

import logging
import math
import time
from typing import TYPE_CHECKING

from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord

from driftline import runtime, semconv
from driftline.fields import clean, label
from driftline.handle import Handle, Named, RequestInfo, decode, named

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger("driftline")


def feedback(
    handle: Handle | str | None = None,
    *,
    trace_id: str | None = None,
    response_id: str | None = None,
    thumbs_up: bool | None = None,
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
        score: any scale, higher is better; replaces the 1 or 0 of ``thumbs_up``.
        report: what is wrong with the answer; a score of 0 labelled ``report``.
        comment: the user's words, when it is not a report.
        name: what was judged, such as ``"helpfulness"``; few different values.
    """
    try:
        collector = runtime.collector_in_use()
        if collector is None:
            return
        about = _about(handle, trace_id, response_id)
        limit = collector.recorder.max_content_chars
        verdict = dict(_verdict(thumbs_up, score, report, comment, limit))
        if not verdict:
            _log.warning("driftline: feedback() needs thumbs_up, score, report or comment; nothing recorded")
            return
        collector.pipeline.put(_record(about, {semconv.EVALUATION_NAME: label(name) or "user_feedback", **verdict}))
    except ValueError as error:
        _log.warning("driftline: feedback was not recorded: %s", error)
    except Exception:  # noqa: BLE001 - telemetry never raises into the application
        _log.warning("driftline: feedback was not recorded", exc_info=True)


def _verdict(
    thumbs_up: bool | None, score: float | None, report: str | None, comment: str | None, limit: int
) -> Iterator[tuple[str, str | float]]:
    if score is not None and not math.isfinite(score):
        raise ValueError(f"the score must be a finite number but is {score}")
    if report is not None:
        yield semconv.EVALUATION_LABEL, "report"
    elif thumbs_up is not None:
        yield semconv.EVALUATION_LABEL, "thumbs_up" if thumbs_up else "thumbs_down"
    if score is not None:
        yield semconv.EVALUATION_SCORE, float(score)
    elif report is not None:
        yield semconv.EVALUATION_SCORE, 0.0
    elif thumbs_up is not None:
        yield semconv.EVALUATION_SCORE, 1.0 if thumbs_up else 0.0
    words = "\n".join(str(text) for text in (report, comment) if text)
    if words:
        yield semconv.EVALUATION_EXPLANATION, clean(words[:limit])


def _about(handle: Handle | str | None, trace_id: str | None, response_id: str | None) -> RequestInfo | Named:
    if handle is None:
        return named(trace_id, response_id)
    if trace_id is not None or response_id is not None:
        raise ValueError("it needs one of a handle, a trace_id and a response_id, not several")
    return handle.info if isinstance(handle, Handle) else decode(str(handle))


def _record(about: RequestInfo | Named, verdict: dict[str, str | float]) -> LogRecord:
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
        semconv.VARIANT: info.variant,
        semconv.RESPONSE_MODEL: info.model,
        # The resource is this process's, which need not be the one that was judged.
        semconv.REQUEST_SERVICE: info.service,
        semconv.REQUEST_ENVIRONMENT: info.environment,
        semconv.REQUEST_START: info.start_ns,
    }
