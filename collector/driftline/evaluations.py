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
from driftline.handle import Handle, RequestInfo, decode

if TYPE_CHECKING:
    from collections.abc import Iterator

_log = logging.getLogger("driftline")


def feedback(
    handle: Handle | str,
    *,
    thumbs_up: bool | None = None,
    score: float | None = None,
    report: str | None = None,
    comment: str | None = None,
    name: str = "user_feedback",
) -> None:
    """Record what a user thinks of an answer. Returns at once and never raises.

    What cannot be recorded, such as a damaged token, is logged as a warning. Comments and reports are
    recorded even with ``capture_content=False``: they are only there because they were passed.

    Args:
        handle: the request, from ``current()``, or its token ``str(handle)``, perhaps sent back by a
            browser to another process.
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
        info = handle.info if isinstance(handle, Handle) else decode(str(handle))
        limit = collector.recorder.max_content_chars
        verdict = dict(_verdict(thumbs_up, score, report, comment, limit))
        if not verdict:
            _log.warning("driftline: feedback() needs thumbs_up, score, report or comment; nothing recorded")
            return
        collector.pipeline.put(_record(info, {semconv.EVALUATION_NAME: label(name) or "user_feedback", **verdict}))
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


def _record(info: RequestInfo, verdict: dict[str, str | float]) -> LogRecord:
    now = time.time_ns()
    record = LogRecord(
        time_unix_nano=now,
        observed_time_unix_nano=now,
        severity_number=SEVERITY_NUMBER_INFO,
        event_name=semconv.EVALUATION_EVENT,
        trace_id=info.trace_id.to_bytes(16, "big"),
        span_id=info.span_id.to_bytes(8, "big"),
        flags=1,
    )
    attributes: dict[str, str | float | int | None] = {
        **verdict,
        semconv.EVALUATION_SOURCE: semconv.HUMAN,
        semconv.RESPONSE_ID: info.response_id,
        semconv.FEATURE: info.feature,
        semconv.PROMPT_NAME: info.prompt_name,
        semconv.PROMPT_VERSION: info.prompt_version,
        semconv.RESPONSE_MODEL: info.model,
        # The resource is this process's, which need not be the one that was judged.
        semconv.REQUEST_SERVICE: info.service,
        semconv.REQUEST_ENVIRONMENT: info.environment,
        semconv.REQUEST_START: info.start_ns,
    }
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
