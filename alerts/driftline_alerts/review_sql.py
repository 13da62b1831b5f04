"""A content rule as a statement that makes cases of what it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_processors.checks import ANSWER_TEXT
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from driftline_alerts.review_rule import ReviewRule

_SEGMENT: Final = ", ".join(DIMENSIONS)
_RANGE: Final = (
    "arrived > fromUnixTimestamp64Milli({since:Int64}, 'UTC') "
    "AND arrived <= fromUnixTimestamp64Milli({until:Int64}, 'UTC') "
    "AND start > fromUnixTimestamp64Milli({oldest:Int64}, 'UTC')"
)

# Content that came as log events stands beside its span. All that a rule asks for has to hold somewhere in the trace.
_FIND: Final = """\
INSERT INTO review_cases (rule, trace_id, found, at, span_id, start, SEGMENT)
SELECT {rule:String}, trace_id, found, fromUnixTimestamp64Milli({until:Int64}, 'UTC'), PLACES
FROM (
    SELECT trace_id, FIRST AS first, FOUND AS found
    FROM (
        SELECT *, MATCHED AS matched
        FROM (
            SELECT *, TEXT AS text
            FROM (
                SELECT span.*, if(span.own != '', span.own, content.said) AS output
                FROM (
                    SELECT trace_id, span_id, start, SEGMENT, route_confidence, COLUMN AS own
                    FROM llm_spans
                    WHERE RANGE AND (is_call OR is_request OR route_confidence IS NOT NULL)WHERE_
                ) AS span
                LEFT JOIN (
                    SELECT trace_id, span_id, max(COLUMN) AS said FROM llm_content
                    WHERE trace_id IN (SELECT trace_id FROM llm_spans WHERE RANGE)
                    GROUP BY trace_id, span_id
                ) AS content ON content.trace_id = span.trace_id AND content.span_id = span.span_id
            )
        )
    )
    GROUP BY trace_id
    HAVING HOLDS
)
WHERE trace_id NOT IN (SELECT trace_id FROM review_cases WHERE rule = {rule:String})
ORDER BY first.2, trace_id
LIMIT {most:UInt32}"""

_UNSURE: Final = "min(route_confidence) < {confidence:Float64}"


def find_sql(rule: ReviewRule) -> tuple[str, dict[str, str | float]]:
    """The statement, and its parameters beside those of the time range, the rule's name and ``most``."""
    texts: dict[str, str | float] = {f"phrase_{number}": phrase for number, phrase in enumerate(rule.phrases)}
    texts |= {f"pattern_{number}": pattern for number, pattern in enumerate(rule.patterns)}
    texts |= {f"where_{name}": value for name, value in rule.where.items()}
    place = f"(span_id, start, {_SEGMENT})"
    holds, found = [], []
    first = f"argMinIf({place}, route_confidence, route_confidence IS NOT NULL)"
    if rule.confidence_below is not None:
        texts["confidence"] = rule.confidence_below
        holds.append(_UNSURE)
        found.append("concat('confidence ', toString(round(min(route_confidence), 3)))")
    if rule.phrases or rule.patterns:
        holds.append("max(matched != '')")
        found.insert(0, "argMinIf(matched, start, matched != '')")
        first = f"argMinIf({place}, start, matched != '')"
    words = {
        "SEGMENT": _SEGMENT,
        "PLACES": ", ".join(f"first.{number}" for number in range(1, len(DIMENSIONS) + 3)),
        "FIRST": first,
        "FOUND": f"arrayStringConcat([{', '.join(found)}], ', ')",
        "MATCHED": _matched(rule),
        "TEXT": ANSWER_TEXT,
        "COLUMN": rule.in_,
        "RANGE": _RANGE,
        "WHERE_": "".join(f" AND {name} = {{where_{name}:String}}" for name in rule.where),
        "HOLDS": " AND ".join(holds),
    }
    statement = _FIND
    for word, sql in words.items():
        statement = statement.replace(word, sql)
    return statement, texts


def _matched(rule: ReviewRule) -> str:
    """SQL for the phrase or pattern that a text has, or the empty text."""
    phrases = [f"{{phrase_{number}:String}}" for number in range(len(rule.phrases))]
    patterns = [f"{{pattern_{number}:String}}" for number in range(len(rule.patterns))]
    cases = [f"positionCaseInsensitiveUTF8(text, {phrase}) > 0, {phrase}" for phrase in phrases]
    cases += [f"match(text, '(?i)' || {pattern}), {pattern}" for pattern in patterns]
    return f"multiIf({', '.join(cases)}, '')" if cases else "''"
