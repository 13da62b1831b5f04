"""Raw trace requests to ``llm_spans``: flatten, fetch the canonical fields, derive, price.

Nested queries, each naming what the next one uses: one row per span with its attributes as arrays and their codes;
the same by slot; the fields of the conventions table; what several columns are made from; the columns of ``llm_spans``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_processors.checks import ANSWER_TEXT, applying_sql, failed_sql, fallback_sql
from driftline_processors.conventions.classes import CALL_OPERATIONS, provider_sql
from driftline_processors.conventions.doubles import ANNOUNCEMENTS, WRAPPERS, any_of
from driftline_processors.conventions.errors import error_class_sql, error_text_sql
from driftline_processors.conventions.fields import DROPPED_PATTERN, SPAN_FIELDS, SPAN_PLACES, list_pattern
from driftline_processors.conventions.slots import is_kept, quote
from driftline_processors.dictionaries import price_key_sql
from driftline_processors.judge import check_sql
from driftline_processors.views.view import View, attributes, nested, resource_attributes, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from driftline_processors.judge.check import CheckConfig

ERROR_STATUS: Final = 2
"""``STATUS_CODE_ERROR`` of OTLP."""

_EVENT_KEYS: Final = (
    "arrayFlatten(arrayMap((x, y) -> arrayMap(z -> concat(x, '/', z), y), s.events.name, s.events.attributes.key))"
)
_EVENT_TEXTS: Final = "arrayMap(x -> ifNull(x, ''), arrayFlatten(s.events.attributes.value.string_value))"

# What is needed of a span is taken out of it here: each level that passes on the whole of it, or a lambda over it,
# is planned with its long type.
_FLATTENED: Final = f"""\
    SELECT
        r, scope,
        lower(hex(s.trace_id)) AS trace_id,
        lower(hex(s.span_id)) AS span_id,
        lower(hex(s.parent_span_id)) AS parent_span_id,
        s.name AS name,
        s.start_time_unix_nano AS start_nano,
        s.end_time_unix_nano AS end_nano,
        s.status.code = {ERROR_STATUS} AS failed,
        s.status.message AS status_message,
        s.events.name AS event_names,
        s.events.time_unix_nano AS event_nanos,
        {SPAN_PLACES.events.filled(SPAN_PLACES.events.codes(_EVENT_KEYS), _EVENT_TEXTS)} AS e,
        {attributes("s", SPAN_PLACES)}
    FROM (SELECT r, scoped.scope.name AS scope, arrayJoin(scoped.spans) AS s
          FROM (SELECT r, arrayJoin(scopes) AS scoped
                FROM (SELECT {resource_attributes(SPAN_PLACES)}, rs.scope_spans AS scopes
                      FROM (SELECT arrayJoin(resource_spans) AS rs FROM otlp_traces))))"""

_PASSED: Final = (
    "r, e, trace_id, span_id, parent_span_id, name, scope, start_nano, end_nano, failed, status_message, "
    "event_names, event_nanos"
)

_ATTRIBUTES: Final = f"""\
    SELECT {_PASSED}, {SPAN_PLACES.attributes.filled("c", "v")} AS a,
        mapFromArrays(arrayFilter((x, y) -> {is_kept("y")}, k, c)::Array(LowCardinality(String)),
            arrayFilter((x, y) -> {is_kept("y")}, v, c)) AS kept
    FROM (
{_FLATTENED})"""

_LISTS: Final = f"""\
    SELECT {_PASSED}, a, mapFilter((x, y) -> match(x, {quote(list_pattern())}), kept) AS lists,
        mapFilter((x, y) -> NOT match(x, {quote(list_pattern() + "|" + DROPPED_PATTERN)}), kept) AS attributes
    FROM (
{_ATTRIBUTES})"""


def _fields() -> str:
    columns = [
        *((name, name) for name in ("trace_id", "span_id", "parent_span_id", "name", "scope")),
        ("start_unix_nano", "start_nano"),
        # A clock that is wrong by more than this would spread one insert over many partitions.
        (
            "start",
            (
                "if(start_nano BETWEEN toUnixTimestamp(now() - INTERVAL 400 DAY) * 1000000000 "
                "AND toUnixTimestamp(now() + INTERVAL 1 DAY) * 1000000000, "
                "fromUnixTimestamp64Micro(toInt64(intDiv(start_nano, 1000)), 'UTC'), now64(6, 'UTC'))"
            ),
        ),
        ("measured_duration", "if(end_nano > start_nano, (end_nano - start_nano) / 1e9, 0)"),
        *((name, name) for name in ("failed", "status_message", "attributes")),
        *((field.name, field.sql(SPAN_PLACES)) for field in SPAN_FIELDS),
    ]
    return select(columns, _LISTS)


_CALLS: Final = ", ".join(quote(operation) for operation in CALL_OPERATIONS)
_ANNOUNCES: Final = any_of(ANNOUNCEMENTS)
_WRAPS: Final = any_of(WRAPPERS)
_BLOCKED: Final = "finish_reason = 'content_filter'"

_IS_ANSWER: Final = (
    "(is_call OR is_request) AND NOT is_error AND NOT is_abandoned AND operation != 'embeddings' AND output != ''"
)


_PRICE: Final = "'version', 'input', 'cache_read', 'cache_write', 'output'"
_FREE: Final = ", ".join(["toDecimal64(0, 6)"] * 4)


def _derived(declared: Sequence[CheckConfig]) -> str:
    """Columns that several later ones are made from."""
    asked = [("asked", f"if({_IS_ANSWER}, {check_sql.count_sql(declared)}, 0)")] if declared else []
    unasked = "empty(applying) AND asked = 0" if declared else "empty(applying)"
    columns = [
        ("model", "firstNonDefault(response_model, request_model, answer_model)"),
        ("is_streaming", "ifNull(told_streaming, if(first_token IS NULL, NULL, true))"),
        ("error_message", "firstNonDefault(status_message, stated_error)"),
        ("is_announcement", _ANNOUNCES),
        ("is_call", f"operation IN ({_CALLS}) AND NOT is_announcement AND NOT ({_WRAPS})"),
        ("is_llm", "(operation != '' OR step_kind != '' OR declared_feature != '') AND NOT is_announcement"),
        ("feature", "firstNonDefault(declared_feature, workflow, if(is_llm, name, ''))"),
        ("is_request", "ifNull(is_declared_request, false) OR (is_llm AND parent_span_id = '')"),
        ("provider", provider_sql("named_provider", "model")),
        ("duration", "if(measured_duration = 0 AND told_duration > 0, told_duration, measured_duration)"),
        ("time_to_first_token", "if(first_token IS NULL AND is_streaming, first_token_if_streaming, first_token)"),
        # Nobody failed where somebody went away.
        ("is_abandoned", "abandoned = 'true'"),
        ("is_error", f"failed AND NOT is_abandoned OR ({_BLOCKED})"),
        ("applying", f"if({_IS_ANSWER}, {applying_sql('feature')}, [])"),
        *asked,
        ("answer", f"if({unasked}, '', {ANSWER_TEXT})"),
        ("error_text", f"if(failed, {error_text_sql()}, '')"),
        # Cached tokens are part of the input; an instrumentation that excludes them is corrected here.
        ("cached", "ifNull(cache_read_tokens, 0)"),
        ("written", "ifNull(cache_write_tokens, 0)"),
        ("billed_input", "greatest(ifNull(input_tokens, 0), cached + written)"),
        ("price_key", price_key_sql("provider", "model", "start")),
        ("price", f"dictGetOrDefault('prices', ({_PRICE}), price_key, billed_input, ('', {_FREE}))"),
        ("price_version", "if(is_call, price.version, '')"),
    ]
    return nested(columns, _fields())


_COST: Final = (
    "toDecimal128((billed_input - cached - written), 0) * price.input + toDecimal128(cached, 0) * price.cache_read + "
    "toDecimal128(written, 0) * price.cache_write + toDecimal128(ifNull(output_tokens, 0), 0) * price.output"
)
"""USD for a million calls like this one; an unknown token count is no cost but an unknown cost."""

_HAS_USAGE: Final = "(input_tokens IS NOT NULL OR output_tokens IS NOT NULL)"

_ESTIMATED: Final = (
    "ifNull((sdk = 'openlit' OR startsWith(scope, 'openlit')) AND is_streaming AND is_call "
    "AND input_tokens IS NOT NULL AND cache_read_tokens IS NULL, false)"
)
"""OpenLIT counts tokens itself where a stream brought no usage; with usage come counts of cached tokens, if only 0."""

_COLUMNS: Final[list[tuple[str, str]]] = [
    *((name, name) for name in ("trace_id", "span_id", "parent_span_id", "name", "scope", "start", "start_unix_nano")),
    ("duration", "duration"),
    ("arrived", "now64(3, 'UTC')"),
    ("collector", "collector"),
    *((name, name) for name in ("service", "environment", "release")),
    *((name, name) for name in ("feature", "model", "prompt_name", "prompt_version", "variant")),
    *((name, name) for name in ("operation", "is_call")),
    ("is_request", "is_request"),
    *((name, name) for name in ("provider", "request_model", "response_model", "response_id")),
    ("tool_name", "firstNonDefault(named_tool, if(operation = 'execute_tool', name, ''))"),
    *((f"{name}_tokens", f"{name}_tokens") for name in ("input", "output", "cache_read", "cache_write", "reasoning")),
    (
        "cost",
        (
            f"if(price_version != '' AND NOT is_abandoned AND {_HAS_USAGE}, "
            f"accurateCastOrNull(toDecimal128({_COST}, 12) / 1000000, 'Decimal(18, 12)'), NULL)"
        ),
    ),
    # Zero is what is sent where no price is known.
    ("reported_cost", "if(claimed_cost > 0 AND isFinite(claimed_cost), claimed_cost, NULL)"),
    ("price_version", "price_version"),
    ("time_to_first_token", "time_to_first_token"),
    ("is_streaming", "is_streaming"),
    ("tokens_estimated", _ESTIMATED),
    ("finish_reason", "finish_reason"),
    ("is_abandoned", "is_abandoned"),
    ("is_error", "is_error"),
    (
        "error_class",
        f"multiIf(NOT is_error, '', {_BLOCKED}, 'content_policy', {error_class_sql('error_text')})",
    ),
    ("error_type", "if(is_error, raw_error, '')"),
    ("error_message", "if(is_error, error_message, '')"),
    (
        "fallback_reason",
        (
            "multiIf(fallback_reason != '', fallback_reason, is_error OR operation = 'embeddings', '', "
            f"{fallback_sql('output', 'feature')})"
        ),
    ),
    ("checks", "length(applying)"),
    ("failed_checks", failed_sql("applying", "answer")),
    *((name, name) for name in ("retries", "repairs", "cache_hit", "guardrail_name", "guardrail_decision")),
    *((name, name) for name in ("route_name", "route_choice", "route_confidence")),
    *((name, name) for name in ("session_id", "user_id", "system", "input", "output", "attributes")),
]

SPAN_VIEWS: Final = (View("otlp_traces_to_llm_spans", "llm_spans", select(_COLUMNS, _derived(()))),)


def with_checks(views: Iterable[View], checks: Sequence[CheckConfig]) -> tuple[View, ...]:
    """The views, of which that of spans also runs the checks that users have declared.

    They are part of its query, since a JSON Schema cannot be looked up in a table while rows stream by as the rules of
    ``driftline_processors.checks`` are.
    """
    return tuple(_with_checks(view, checks) if checks and view.target == "llm_spans" else view for view in views)


def _with_checks(view: View, checks: Sequence[CheckConfig]) -> View:
    failed = f"if(asked = 0, [], {check_sql.failed_sql(checks, 'answer')})"
    more = {"checks": lambda sql: f"{sql} + asked", "failed_checks": lambda sql: f"arrayConcat({sql}, {failed})"}
    columns = [(name, more[name](sql) if name in more else sql) for name, sql in _COLUMNS]
    return View(view.name, view.target, select(columns, _derived(checks)), plain=view.fingerprint)
