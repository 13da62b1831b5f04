"""What every number means: one table of metrics, each a question to the sums per segment.

Nothing else in Driftline computes an error rate or a cost per request; dashboard, alerts and docs all read
this table. SQL is over rows of ``llm_rollups``, which are called ``m`` so that no result's name can
be taken for the column of the same name.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final, Literal

from driftline_store.feedback import SUCCESS
from driftline_store.histogram import quantile_sql

DIMENSIONS: Final = ("service", "environment", "feature", "model", "prompt_name", "prompt_version", "variant")
"""What a metric can be split and filtered by, coarse to fine."""

OTHER: Final = "__other__"
"""What stands for the values of a dimension that are too many to be kept apart."""

INSTRUMENT: Final = "{instrument:String}"
"""Parameter of statements about judgements: the fingerprint of who made them."""

Better = Literal["lower", "higher"]
Interval = Literal["wilson", "weighted_mean"]
OverTime = Literal["ratio", "total", "distinct"]
Format = Literal["count", "percent", "seconds", "money", "score"]


@dataclass(frozen=True)
class Metric:
    """One row of the table.

    Attributes:
        name: as in alert rules and as the column of a result.
        unit: of the value: ``s``, ``USD``, ``share`` (0 to 1), ``score`` (0 to 1), or what is counted.
        better: the direction of improvement; None where there is none.
        value: SQL aggregate; only looked at where ``n`` is above 0.
        n: SQL aggregate, what the value is based on: its denominator or its sample size.
        n_label: what ``n`` counts.
        interval: how the 95 % interval is found; None where the value is a plain total or a percentile.
        format: how ``format_value`` writes it.
        doc: what is counted and what is left out.
        over_time: what a longer window does to the value: nothing (``ratio``, percentiles too), a ``total``
            grows with it, and a ``distinct`` count in a way that depends on who comes back.
        counted: SQL aggregate, of a share: how many of ``n`` it is.
        histogram: SQL aggregate, of a percentile: the logarithmic bins and counts that it is read from.
    """

    name: str
    title: str
    unit: str
    better: Better | None
    value: str
    n: str
    n_label: str
    interval: Interval | None
    format: Format
    doc: str
    over_time: OverTime = "ratio"
    counted: str = ""
    histogram: str = ""

    @property
    def is_count(self) -> bool:
        """Whether the value is its own sample size, so that nothing seen is truly 0."""
        return self.value == self.n

    @property
    def is_judged(self) -> bool:
        """Whether it is made of the scores of a judge, and so of one instrument's."""
        return INSTRUMENT in self.n + self.value


def _sum(column: str) -> str:
    return f"sum(m.{column})"


def judged_sum(column: str) -> str:
    """SQL for a sum of judgements by one instrument, which is a parameter of the statement."""
    return f"sumIf(m.{column}, m.evaluator = {INSTRUMENT})"


def _per(numerator: str, denominator: str) -> str:
    return f"{numerator} / {denominator}"


def _priced(count: str) -> str:
    """``count``, or 0 where there were calls and none of them has a known price: costs are unknown then."""
    return f"if({_UNPRICED} > 0 AND {_UNPRICED} >= {_CALLS}, 0, {count})"


_REQUESTS: Final = _sum("requests")
_CALLS: Final = _sum("calls")
_UNPRICED: Final = _sum("unpriced_calls")
_COST: Final = f"toFloat64({_sum('cost')})"
_SESSIONS: Final = "uniqCombinedMerge(13)(m.sessions)"
_USERS: Final = "uniqCombinedMerge(13)(m.users)"
_RATINGS: Final = f"({_sum('thumbs_up')} + {_sum('thumbs_down')})"
_SECONDS: Final = "sumMap(m.request_seconds)"
_APPROXIMATE: Final = "Counted by ClickHouse's `uniqCombined(13)`, which is off by some 1 % when there are many."


def _size(histogram: str) -> str:
    return f"arraySum(mapValues({histogram}))"


_Of = tuple[str, str]
"""What a share is of: SQL for how many, and what they are."""

_ALL: Final[_Of] = (_REQUESTS, "requests")
_SETTLED: Final[_Of] = (_sum("settled_requests"), "settled requests")


def _share(name: str, title: str, counted: str, doc: str, *, of: _Of = _ALL, better: Better | None = "lower") -> Metric:
    total, n_label = of
    value = _per(counted, total)
    return Metric(name, title, "share", better, value, total, n_label, "wilson", "percent", doc, counted=counted)


_WRITTEN: Final[dict[str, Format]] = {"s": "seconds", "USD": "money", "tokens": "count"}
"""How percentiles of a unit are written."""


def _percentile(
    name: str,
    title: str,
    q: float,
    histogram: str,
    doc: str,
    *,
    unit: str,
    of: str,
    better: Better | None = "lower",
) -> Metric:
    value, n = quantile_sql(histogram, q), _size(histogram)
    return Metric(name, title, unit, better, value, n, of, None, _WRITTEN[unit], doc, histogram=histogram)


ERROR_CLASSES: Final = {
    "timeout_rate": "timeout",
    "rate_limit_rate": "rate_limit",
    "content_block_rate": "content_policy",
    "server_error_rate": "server_error",
    "quota_rate": "quota",
    "authentication_error_rate": "authentication",
    "context_length_rate": "context_length",
    "invalid_output_rate": "invalid_output",
}
"""Metrics that count requests of one class of errors, and the class."""


def _error_class(metric: str, title: str, doc: str) -> Metric:
    return _share(metric, title, f"sumMap(m.request_error_classes)['{ERROR_CLASSES[metric]}']", doc)


def _signal(name: str) -> str:
    return f"sumMap(m.signals)['{name}']"


def _cost_at(q: float, of: str, histogram: str) -> Metric:
    percent = round(q * 100)
    doc = (
        f"{percent} % of the {of}s cost at most this much; within 2 %. Of those that are settled and whose calls all "
        "have a known price."
    )
    return _percentile(
        f"cost_per_{of}_p{percent}", f"Cost per {of} p{percent}", q, histogram, doc,
        unit="USD", of=f"settled {of}s",
    )  # fmt: skip


def _latency(q: float) -> Metric:
    percent = round(q * 100)
    doc = f"{percent} % of requests took at most this long, by their root span; within 2 %."
    return _percentile(f"latency_p{percent}", f"Latency p{percent}", q, _SECONDS, doc, unit="s", of="requests")


_TABLE: Final = (
    Metric("requests", "Requests", "requests", None, _REQUESTS, _REQUESTS, "requests", None, "count",
           "Traces whose root span has arrived. One whose root is no span of an LLM feature, such as a web "
           "framework's, is counted once it has settled.", "total"),
    Metric("calls", "Calls", "calls", None, _CALLS, _CALLS, "calls", None, "count",
           "Inference and embeddings spans; one request can make many.", "total"),
    _share("error_rate", "Error rate", _sum("request_errors"), "Requests that ended in an error."),
    _error_class("timeout_rate", "Timeout rate", "Requests that ended in a timeout."),
    _error_class("rate_limit_rate", "Rate limit rate",
           "Requests that the provider refused for being too many."),
    _error_class("content_block_rate", "Content block rate",
           "Requests refused by a content policy."),
    _error_class("server_error_rate", "Server error rate",
           "Requests that the provider failed."),
    _error_class("quota_rate", "Quota rate",
           "Requests that the provider refused because credit, budget or quota is used up: no pause helps."),
    _error_class("authentication_error_rate", "Authentication error rate",
           "Requests that failed because a key or a permission was missing or wrong."),
    _error_class("context_length_rate", "Context length rate",
           "Requests that were longer than the model takes."),
    _error_class("invalid_output_rate", "Invalid output rate",
           "Requests that ended because an answer was not in the form that was asked for."),
    _share("call_error_rate", "Call error rate", _sum("call_errors"),
           "Calls that ended in an error, whatever became of their request.", of=(_CALLS, "calls")),
    _share("abandoned_rate", "Abandoned calls", _sum("abandoned_calls"),
           "Calls whose answer nobody waited for: the stream was left before its end, or the call was cancelled. "
           "They are no errors; what they cost is unknown and counts in `unpriced_calls`.", of=(_CALLS, "calls")),
    _latency(0.50),
    _latency(0.95),
    _latency(0.99),
    _percentile("time_to_first_token_p95", "Time to first token p95", 0.95, "sumMap(m.first_token_seconds)",
                "95 % of the calls that report it gave their first token within this time; within 2 %.",
                unit="s", of="streamed calls"),
    Metric("cost_per_request", "Cost per request", "USD", "lower",
           _per(_COST, _REQUESTS), _priced(_REQUESTS), "requests", None, "money",
           "Spend over requests. Too low by what calls without a known price cost: see `unpriced_calls`."),
    Metric("cost_per_session", "Cost per session", "USD", "lower",
           _per(_COST, _SESSIONS), _priced(_SESSIONS), "sessions", None, "money",
           "Spend over sessions seen. Too high where part of the calls carry no session. " + _APPROXIMATE),
    _percentile("cost_per_call_p95", "Cost per call p95", 0.95, "sumMap(m.call_cost)",
                "95 % of the calls cost at most this much; within 2 %. Of those with a known price.",
                unit="USD", of="priced calls"),
    _cost_at(0.50, "request", "sumMap(m.request_cost)"),
    _cost_at(0.95, "request", "sumMap(m.request_cost)"),
    _cost_at(0.50, "session", "sumMap(m.session_cost)"),
    _cost_at(0.95, "session", "sumMap(m.session_cost)"),
    Metric("spend", "Spend", "USD", "lower",
           _COST, f"greatest({_CALLS} - {_UNPRICED}, 0)", "priced calls", None, "money",
           "Cost of all calls with a known price; the judge's own cost is not in it.", "total"),
    Metric("unpriced_calls", "Unpriced calls", "share", "lower",
           _per(_UNPRICED, _CALLS), _CALLS, "calls", None, "percent",
           "Share of calls whose price is not known: what is missing from every cost."),
    Metric("estimated_calls", "Estimated calls", "share", "lower",
           _per(_sum("estimated_calls"), _CALLS), _CALLS, "calls", None, "percent",
           "Share of calls whose tokens the instrumentation counted itself, as the provider did not say: "
           "their cost is an estimate too."),
    _share("satisfaction", "Satisfaction", _sum("thumbs_up"),
           "Thumbs up among all thumbs; four and five stars are thumbs up, one and two thumbs down, three neither. "
           "People who rate are not all people: compare it with itself.", of=(_RATINGS, "ratings"), better="higher"),
    _share("report_rate", "Report rate", _sum("reports"), "Reports by users, per request."),
    _share("edit_rate", "Edit rate", _signal("edited"),
           "How often users changed an answer before they used it, per request. Each signal counts, also two for one "
           "request."),
    _share("user_retry_rate", "User retry rate", _signal("retried"),
           "How often users asked for another answer to the same question, per request; what the application repeats "
           "by itself is in `retry_rate`."),
    _share("copy_rate", "Copy rate", _signal("copied"), "How often users copied an answer, per request.",
           better="higher"),
    _share("follow_up_rate", "Follow-up rate", _signal("follow_up"),
           "Follow-up questions, per request. Whether they show interest or confusion depends on the feature.",
           better=None),
    _share("success_rate", "Success rate", _sum("successes"),
           f"Reached goals (`{SUCCESS}` with a score from 0.5 on) among the outcomes that were reported, which need "
           "not be like those that nobody reports.", of=(_signal(SUCCESS), "reported outcomes"), better="higher"),
    _share("escalation_rate", "Escalation rate", _signal("escalated"),
           "How often it was reported that a user ended up with a person, per request. It is an outcome, known later, "
           "and not in `fallback_rate`, which is about how the request itself was answered."),
    _share("fallback_rate", "Fallback rate", _sum("fallbacks"),
           "Requests answered by a second choice: marked by the app, by another model than the first "
           "one tried, handed to a person, or a refusal."),
    _share("retry_rate", "Retry rate", _sum("retried"),
           "Requests in which the application says that it repeated an attempt, on any of their spans.", of=_SETTLED),
    _share("repair_rate", "Repair rate", _sum("repaired"),
           "Requests in which the application says that it tried to mend an output which was not valid.", of=_SETTLED),
    _share("guardrail_block_rate", "Guardrail block rate", _sum("blocked"),
           "Requests in which at least one guardrail of the application decided `block`. What the provider refuses is "
           "in `content_block_rate`.", of=_SETTLED),
    _share("cache_hit_rate", "Cache hit rate", _sum("cache_hits"),
           "Hits among the look-ups in caches of the application that say hit or miss; one request can make several. "
           "The provider's cached tokens are not in it.", of=(_sum("cache_lookups"), "look-ups"), better="higher"),
    Metric("route_confidence", "Route confidence", "score", "higher",
           _per(_sum("confidence"), _sum("routes")), _sum("routes"), "routing decisions", None, "score",
           "Mean confidence of the routers' decisions that state one; a request can have several."),
    _share("unsure_route_rate", "Unsure routes", _sum("unsure_routes"),
           "Routing decisions with a confidence below 0.5.", of=(_sum("routes"), "routing decisions")),
    _share("failed_check_rate", "Failed check rate", _sum("check_failed"),
           "Answers that fail at least one rule, of those that a rule applies to; see `driftline checks`. "
           "A request that answers with its call's answer is two answers.", of=(_sum("checked"), "checked answers")),
    Metric("quality", "Quality", "score", "higher", _per(judged_sum("judged_ws"), judged_sum("judged_w")),
           judged_sum("judged"), "judged answers", "weighted_mean", "score",
           "Mean score of judged answers, each weighted with 1 / its inclusion probability (Hájek's "
           "estimator), so that it speaks for all requests, also where some kinds are judged more often. Of one "
           "instrument: model, rubric and version (docs/sampling.md)."),
    Metric("judged_share", "Judged share", "share", None,
           _per(judged_sum("judged"), _REQUESTS), _REQUESTS, "requests", None, "percent",
           "Share of requests that have a score: the coverage of `quality`."),
    Metric("input_tokens", "Input tokens", "tokens", None,
           _sum("input_tokens"), _CALLS, "calls", None, "count",
           "Tokens sent to models, cached ones included.", "total"),
    Metric("output_tokens", "Output tokens", "tokens", None,
           _sum("output_tokens"), _CALLS, "calls", None, "count",
           "Tokens made by models, reasoning ones included.", "total"),
    _percentile("output_length_p50", "Output length p50", 0.50, "sumMap(m.call_output_tokens)",
                "Half of the calls gave at most so many tokens; within 2 %. Of those that report them.",
                unit="tokens", of="calls with tokens", better=None),
    Metric("sessions", "Sessions", "sessions", None, _SESSIONS, _SESSIONS, "sessions", None, "count",
           "Distinct sessions. " + _APPROXIMATE, "distinct"),
    Metric("requests_per_session", "Requests per session", "requests", None,
           _per(_sum("session_requests"), _sum("settled_sessions")), _sum("settled_sessions"), "settled sessions",
           None, "count", "Requests of the sessions that are over."),
    Metric("other_segments", "Other segments", "share", "lower",
           _per(f"sumIf(m.calls, m.prompt_version = '{OTHER}')", _CALLS), _CALLS, "calls", None, "percent",
           f"Share of calls summed up under `{OTHER}`, since there were too many segments (`segments_max`)."),
    Metric("users", "Users", "users", None, _USERS, _USERS, "users", None, "count",
           "Distinct users. " + _APPROXIMATE, "distinct"),
)  # fmt: skip

METRICS: Final = {metric.name: metric for metric in _TABLE}
"""The table by name, in the order in which it is shown."""


def closest(name: str, known: tuple[str, ...]) -> str:
    """What to say about a name that is not among the known ones.

    Returns:
        ``did you mean 'quality'?`` where one is close, else the list of all.
    """
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(known)}"


def metric_named(name: str) -> Metric:
    """The metric of that name.

    Raises:
        ValueError: there is none; names the closest one.
    """
    try:
        return METRICS[name]
    except KeyError:
        raise ValueError(f"metric {name!r} is unknown; {closest(name, tuple(METRICS))}") from None


def check_dimension(name: str) -> str:
    """The name itself, which may then stand in SQL.

    Raises:
        ValueError: it is no dimension; names the closest one.
    """
    if name not in DIMENSIONS:
        raise ValueError(f"dimension {name!r} is unknown; {closest(name, DIMENSIONS)}")
    return name
