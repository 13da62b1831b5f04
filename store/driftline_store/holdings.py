"""What each table of the store holds about persons, how it is found, and what a purge does with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Holding:
    """A table with something about persons.

    Attributes:
        found_by: column -> kind of the id that stands in it; a row with any of them is meant.
        emptied: columns that get their default value; without any, the rows are deleted.
        kept: columns of text that stay, as they say nothing about a person.
    """

    table: str
    found_by: Mapping[str, str]
    emptied: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


LETTER: Final = "concat(topic, '/', toString(partition), '/', toString(offset))"
"""Names a dead letter."""

HOLDINGS: Final = (
    Holding("judge_queue", {"trace_id": "trace", "unit_id": "session"}),
    Holding("anchors", {"trace_id": "trace"}),
    Holding("review_cases", {"trace_id": "trace"}),
    Holding("llm_content", {"trace_id": "trace"}),
    Holding("dead_letters", {LETTER: "letter"}),
    Holding(
        "evaluations",
        {"trace_id": "trace", "response_id": "response", "unit_id": "session"},
        emptied=("response_id", "unit_id", "explanation", "error", "content_hash"),
        kept=("trace_id", "span_id", "batch"),
    ),
    Holding("evaluations_pending", {"trace_id": "trace", "response_id": "response"}),
    Holding("llm_traces", {"trace_id": "trace"}, emptied=("session_id", "user_id"), kept=("trace_id",)),
    Holding("llm_sessions", {"session_id": "session"}),
    *(
        Holding(table, {"trace_id": "trace"}, emptied=("session_id",), kept=("trace_id", "span_id"))
        for table in ("unpriced_calls", "cost_corrections")
    ),
    # The last one: a person's ids are found in it, so a purge that was cut off finds them again.
    Holding(
        "llm_spans",
        {"trace_id": "trace"},
        emptied=(
            *("user_id", "session_id", "response_id", "error_message"),
            *("system", "input", "output", "attributes"),
        ),
        kept=("trace_id", "span_id", "parent_span_id"),
    ),
)

NOTHING: Final[Mapping[str, str]] = {
    "llm_rollups": "sums; of users and sessions only hashes, to count distinct ones",
    "model_prices": "prices",
    "unpriced_models": "names of models",
    "judge_plan": "shares",
    "judge_rates": "shares",
    "judged_rollups": "sums",
    "answer_checks": "rules",
    "admitted_segments": "hashes of segments",
    "settled_windows": "times",
    "price_backfills": "counts by model",
    "price_loads": "versions of prices",
    "evaluations_matched": "random ids and segments",
    "dead_letter_actions": "places of messages",
    "matching_steps": "numbers of batches",
    "part_reports": "figures of the parts",
    "collector_reports": "figures of applications' collectors",
    "alert_transitions": "figures of segments",
    "alert_deliveries": "attempts to send",
    "alert_channels": "names of channels",
    "alert_actions": "what operators want done",
    "drift_snapshots": "counts by segment",
    "drift_events": "versions, and what operators say about them",
    "drift_findings": "figures of segments, and ids of traces",
    "drift_actions": "what operators want done",
    "drift_monitors": "figures of segments",
    "drift_promises": "figures of segments",
    "review_positions": "times",
    "purges": "hashes of ids",
    "purged_traces": "trace ids, random numbers",
    "purge_marks": "ids while a purge runs, which removes them itself",
    "replays": "times",
    "schema_migrations": "migrations",
    "otlp_traces": "keeps no rows",
    "otlp_logs": "keeps no rows",
    "otlp_traces_probe": "keeps no rows",
    "otlp_logs_probe": "keeps no rows",
}
"""Tables that a purge leaves alone, and why."""
