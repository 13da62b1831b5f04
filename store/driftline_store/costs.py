"""What a call costs, for readers of single calls.

A call that came before the price of its model was known is stored without a cost; the cost that it got
later stands in ``cost_corrections``. Sums have both in them already.
"""

from __future__ import annotations


def call_costs(where: str) -> str:
    """Query for the calls that meet a condition: one row each, with the cost as it is known now.

    Its columns: ``trace_id``, ``span_id``, ``is_error``, ``cost`` (USD; NULL where no price is known),
    ``price_version`` ('' where none is) and ``reported_cost`` (USD, as the instrumentation claims; Nullable).

    Args:
        where: SQL condition on columns that both tables have: ``trace_id``, ``span_id``, ``start``,
            ``session_id``, ``provider`` and the six of the segment.
    """
    return f"""\
SELECT
    trace_id, span_id, is_error, reported_cost,
    if(later.price_version != '', later.cost, call.cost) AS cost,
    if(later.price_version != '', later.price_version, call.price_version) AS price_version
FROM (SELECT * FROM llm_spans WHERE is_call AND {where}) AS call
LEFT ANY JOIN (SELECT trace_id, span_id, cost, price_version FROM cost_corrections WHERE {where}) AS later
USING (trace_id, span_id)"""
