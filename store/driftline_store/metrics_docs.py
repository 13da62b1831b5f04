"""docs/metrics.md from the table: ``python -m driftline_store.metrics_docs > docs/metrics.md``."""

from __future__ import annotations

import sys

from driftline_store.instruments import ENOUGH as INSTRUMENT_ENOUGH
from driftline_store.metrics import DIMENSIONS, METRICS, Metric
from driftline_store.metrics_interval import UNSEEN
from driftline_store.monitored import MONITORED, Monitored

_INTRO = f"""\
# Metrics

Generated from the table in `store/driftline_store/metrics.py`; a test keeps it up to date.

Every number is a question to `llm_rollups`, the sums per minute, hour and day of event time and segment, so its
cost does not grow with traffic, and little with the length of the range. It comes with **n**, what it is based
on. Where n is 0 there is no value: no data is never shown as 0. A time range holds the minutes that begin in it,
its end excluded.

All can be split and filtered by: {", ".join(f"`{name}`" for name in DIMENSIONS)}.

A **call** is one inference or embeddings span. A **request** is one trace, from its root span. A **session**
is one `gen_ai.conversation.id`. A request counts for the segment of its root and the model that answered it
(known once its trace has settled, `settle_seconds` after its root arrived); a call counts for its own.

"""

_INTERVALS = f"""
## Intervals

All are 95 % intervals.

- **Wilson**: the score interval of a proportion (Wilson, 1927). It stays inside 0 to 1 and is honest for few
  requests and for 0 errors: 0 of 20 is "at most 16.1 %", not "0".
- **Weighted mean**: the linearised variance of Hájek's estimator (Särndal, Swensson and Wretman, 1992, 5.7),
  `(Σw²s² - 2m Σw²s + m² Σw²) / (Σw)²` for weights w, scores s and mean m, is turned into a number of yes/no answers
  that would be as certain, and Wilson's interval of those is shown (Franco and others, 2019). That number starts from
  `(Σw)² / Σw²`; scores that differ less than yes and no raise it, but {UNSEEN:.1f} bad answers that were not seen are
  allowed for: three perfect answers say "0.438 to 1", not "1". Measured in [judge-accuracy.md](judge-accuracy.md).
- It is the uncertainty of *which* answers were judged. The judge's own errors are not in it; with labels of people
  they can be, see [judge-accuracy.md](judge-accuracy.md).
- Judged metrics are of one **instrument** (judge, model, rubric, version), as scores of two are not comparable: the
  newest of the time range that has judged at least {INSTRUMENT_ENOUGH} answers there, else the newest. With several
  evaluators it is one of the first in the configuration. A rule with a baseline takes its window's instrument for both.
- Counts, totals and costs have none: they are complete. Percentiles and the mean confidence have none yet.
"""

_DRIFT = """
## Watched for drift

Of these every segment is watched: what is counted as it arrives is turned into values from 0 to 1 whose mean goes up
when things get worse.

- **flag**: 1 for each that is harm; of a metric of which more is better, for each that is not counted.
- **mean**, **top share**, **low share**: 1 - score; whether it is below the best level; whether it is at most 0.5.
- **rank**, **over p95**, **share of cap**: the share of the baseline that it exceeds; whether it exceeds the
  baseline's 95th percentile; its share of the baseline's 99.9th, at most 1, which sees what a few dear ones cost.
- **let pass**: a drift of these odds is tolerated. **calls from**: a smaller change calls nobody, though it be proven.

How it is watched: [drift](drift.md).

"""

_WATCHED = "| metric | seen as | let pass | calls from |\n|---|---|---|---|\n"

_INTERVAL_NAMES = {"wilson": "Wilson", "weighted_mean": "weighted mean", None: ""}
_DIRECTIONS = {"lower": "lower", "higher": "higher", None: ""}


def render() -> str:
    """The whole page, as Markdown."""
    header = "| name | unit | better | n | interval | meaning |\n|---|---|---|---|---|---|\n"
    return _INTRO + header + "".join(_row(metric) for metric in METRICS.values()) + _INTERVALS + _DRIFT + watched()


def watched() -> str:
    """The table of what is watched for drift, which stands in docs/drift.md too."""
    return _WATCHED + "".join(_watched(one) for one in MONITORED.values())


def _row(metric: Metric) -> str:
    cells = (
        f"`{metric.name}`",
        metric.unit,
        _DIRECTIONS[metric.better],
        metric.n_label,
        _INTERVAL_NAMES[metric.interval],
        metric.doc,
    )
    return f"| {' | '.join(cells)} |\n"


def _watched(one: Monitored) -> str:
    seen_as = ", ".join(member.replace("_", " ") for member in one.panel) + (", both ways" if one.both_ways else "")
    effect, is_share = one.least_effect, one.kind == "flag"
    absolute = f"{effect.absolute * 100:g} percentage points" if is_share else f"{effect.absolute:g}"
    relative = f"{effect.relative * 100:g} % of the level before" if effect.relative else ""
    least = " and ".join(filter(None, (absolute if effect.absolute else "", relative)))
    return f"| `{one.metric}` | {seen_as} | {one.tolerance * 100:g} % | {least} |\n"


if __name__ == "__main__":
    sys.stdout.write(render())
