"""Which score of an answer is its quality: the last one that the judge of the page's numbers gave it in production.

What was judged again, in a run of its own, is for comparing judges; anchors tell whether a judge moved. A judgement
that failed says nothing about the answer, so it hides no score.
"""

from __future__ import annotations

from typing import Final

IS_JUDGED: Final = "(source = 'judge' AND run = '' AND unit != 'anchor' AND trace_id != '')"
"""SQL for a judgement of an answer in production, with a score or without, by whatever judge."""

LAST_SCORES: Final = f"""\
SELECT trace_id, argMax(score, at) AS points FROM evaluations
WHERE {IS_JUDGED} AND evaluator = {{judge:String}} AND score IS NOT NULL
    AND CONDITION
GROUP BY trace_id"""
"""SQL for the quality of answers by trace; ``CONDITION`` says of which, ``judge`` is the instrument's fingerprint."""

LAST_WORDS: Final = "score IS NOT NULL, evaluator = {judge:String}, at"
"""SQL for an order in which the last judgement of an answer is the one to show, by another judge only if need be."""
