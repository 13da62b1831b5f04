"""What people say about an answer, as labels and names of ``gen_ai.evaluation.result``, in one place.

A *rating* is a label: a thumb or a number of stars. A *signal* is a name: something that a user did with the answer, or
how it ended. A signal is never a rating, whatever its label.
"""

from __future__ import annotations

from typing import Final

UP: Final = ("thumbs_up", "4_stars", "5_stars")
DOWN: Final = ("thumbs_down", "1_stars", "2_stars")
"""Ratings by label; three stars are neither."""

REPORT: Final = "report"

SUCCESS: Final = "task_success"
"""Whether the user reached the goal: a score from 0.5 on says yes."""

SIGNALS: Final = ("edited", "retried", "copied", "follow_up", SUCCESS, "escalated")
"""Four that users give by what they do, and two outcomes."""


def listed(values: tuple[str, ...]) -> str:
    """Labels or names as a list in SQL."""
    return f"({', '.join(repr(value) for value in values)})"


IS_SIGNAL: Final = f"(source = 'human' AND name IN {listed(SIGNALS)} AND NOT (name = '{SUCCESS}' AND score IS NULL))"
"""SQL for an evaluation that is a signal; an outcome that says neither yes nor no is none."""

_IS_OPINION: Final = f"source = 'human' AND name NOT IN {listed(SIGNALS)}"

IS_UP: Final = f"({_IS_OPINION} AND label IN {listed(UP)})"
IS_DOWN: Final = f"({_IS_OPINION} AND label IN {listed(DOWN)})"
IS_REPORT: Final = f"({_IS_OPINION} AND label = '{REPORT}')"
"""SQL for evaluations that sums count as such."""
