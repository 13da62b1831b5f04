"""Quality as the judge sees it and as people would, with how far the two agree: by segment and instrument.

The judged answers are read from ``evaluations`` themselves, not from sums: labels come later than scores, and to few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from driftline_store.client import store_errors
from driftline_store.estimates.agreement import agreement, confusion
from driftline_store.estimates.correlation import pearson, spearman
from driftline_store.estimates.figure import Figure, figure
from driftline_store.estimates.prediction_powered import FEWEST, Judged, Labelled, corrected_mean, raw_mean
from driftline_store.filters import filtered
from driftline_store.labels import IS_LABEL, LATEST, PASS, micros
from driftline_store.metrics import check_dimension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from clickhouse_connect.driver.client import Client

    from driftline_store.estimates.prediction_powered import Corrected
    from driftline_store.metrics_interval import Column

Of = Literal["score", "pass"]
"""What quality is the mean of: scores, or 1 for each answer that passes and 0 for each that fails."""

_S: Final[Mapping[Of, str]] = {"score": "score", "pass": f"toFloat64(label = '{PASS}')"}
_LABEL: Final[Mapping[Of, str]] = {"score": "given", "pass": f"toFloat64(verdict = '{PASS}')"}
_WEIGHT: Final = "1 / if(inclusion_probability > 0, inclusion_probability, 1)"

# The engine would take a result's name for the column of the same name.
_JUDGED: Final = f"""\
SELECT trace_id, span_id, name, evaluator, {_WEIGHT} AS w, toFloat64({{s}}) AS s, label = '{PASS}' AS is_pass{{keys}}
FROM evaluations
WHERE source = 'judge' AND score IS NOT NULL AND run = '' AND unit != 'anchor' AND {{conditions}}"""

_LABELS: Final = f"""\
SELECT name, uniqExact(trace_id, span_id) AS labelled{{keys}} FROM evaluations
WHERE {IS_LABEL} AND {{conditions}}
GROUP BY name{{keys}}"""

_SUMS: Final = """\
SELECT j.name, j.evaluator{keys}, any(l.labelled), count(), sum(j.w), sum(j.w * j.s), sum(j.w * j.w),
    sum(j.w * j.w * j.s), sum(j.w * j.w * j.s * j.s)
FROM ({judged}) AS j
LEFT JOIN ({labels}) AS l ON {alike}
GROUP BY j.name, j.evaluator{keys}
ORDER BY j.name, j.evaluator{keys}"""

_PAIRS: Final = f"""\
SELECT j.name, j.evaluator{{keys}}, j.w, j.s, toFloat64(j.is_pass), l.label, l.passed, l.probability
FROM ({{judged}}) AS j
INNER JOIN (
    SELECT trace_id, span_id, name, avg({{label}}) AS label, avg(verdict = '{PASS}') AS passed,
        max(probability) AS probability
    FROM ({LATEST.format(conditions="")})
    GROUP BY trace_id, span_id, name
) AS l ON l.trace_id = j.trace_id AND l.span_id = j.span_id AND l.name = j.name"""


@dataclass(frozen=True)
class Quality:
    """What is known about the answers of one segment by the scores of one instrument.

    Attributes:
        segment: dimension -> value, of those that were asked for.
        name: of the evaluation.
        evaluator: fingerprint of the instrument. Those of two are never averaged.
        judged: answers with a score of it.
        labelled: answers of the segment with a label, whoever judged them, if anybody.
        both: labelled answers with a score of it. Where some were drawn with a known probability, only those: the
            others were chosen, by whatever somebody was looking for.
        raw: weighted mean of the judge's scores. Its interval is about which answers were judged.
        people: weighted mean of the labels.
        corrected: what people would have said on average of all answers, by labels and scores.
        power: weight of the scores in ``corrected``, 0 for labels alone; None without it.
        cells: answers by verdict of people and judge, in the order of ``agreement.CELLS``; parts of one where its
            labellers disagree.
        agreement: measure -> figure: those of ``agreement.MEASURES``, ``pearson`` and ``spearman``.
    """

    segment: Mapping[str, str]
    name: str
    evaluator: str
    judged: int
    labelled: int
    both: int
    raw: Figure
    people: Figure
    corrected: Figure
    power: float | None
    cells: tuple[float, ...]
    agreement: Mapping[str, Figure]


def quality(
    client: Client,
    *,
    since: datetime,
    until: datetime,
    by: Sequence[str] = (),
    where: Mapping[str, str] | None = None,
    name: str = "",
    of: Of = "score",
) -> list[Quality]:
    """Quality of the requests that began in ``[since, until)``.

    Args:
        client: of the store.
        since: aware.
        until: aware, exclusive.
        by: dimensions to split by.
        where: dimensions that must have exactly this value.
        name: of the evaluation; all if empty.
        of: the mean of scores, or the share that passes.

    Returns:
        One entry per evaluation, instrument and segment with scores, in this order.

    Raises:
        ValueError: an unknown dimension.
        StoreError: the store cannot be reached or fails.
    """
    dimensions = [check_dimension(one) for one in dict.fromkeys(by)]
    of_segment, bound = filtered(where)
    parameters: dict[str, Any] = {"since": micros(since), "until": micros(until), "name": name} | bound
    conditions = " AND ".join(
        (
            "request_start >= fromUnixTimestamp64Micro({since:Int64}, 'UTC')",
            "request_start < fromUnixTimestamp64Micro({until:Int64}, 'UTC')",
            *(["name = {name:String}"] if name else []),
            *of_segment,
        )
    )
    keys, of_j = ("".join(f", {table}{one}" for one in dimensions) for table in ("", "j."))
    judged = _JUDGED.format(s=_S[of], keys=keys, conditions=conditions)
    labels = _LABELS.format(keys=keys, conditions=conditions)
    alike = " AND ".join(f"l.{one} = j.{one}" for one in ("name", *dimensions))
    statements = (
        _SUMS.format(keys=of_j, judged=judged, labels=labels, alike=alike),
        _PAIRS.format(keys=of_j, judged=judged, label=_LABEL[of]),
    )
    with store_errors("reading scores and labels"):
        sums, pairs = (client.query(one, parameters=parameters).result_rows for one in statements)
    return _qualities(dimensions, sums, pairs)


def _qualities(dimensions: Sequence[str], sums: Sequence[Any], pairs: Sequence[Any]) -> list[Quality]:
    if not sums:
        return []
    end = 2 + len(dimensions)
    place = {tuple(row[:end]): number for number, row in enumerate(sums)}
    labels, count, *powers = np.array([row[end:] for row in sums], dtype=np.float64).T
    judged = Judged(*powers)
    labelled, passed = _labelled(place, pairs, end)
    found = corrected_mean(judged, labelled)
    raw = raw_mean(judged)
    return [
        Quality(
            segment=dict(zip(dimensions, keys, strict=True)),
            name=name,
            evaluator=evaluator,
            judged=int(count[at]),
            labelled=int(labels[at]),
            raw=figure(raw[0][at], raw[1][at], raw[2][at], "no scores"),
            **_with_people(at, found, labelled, passed),
        )
        for (name, evaluator, *keys), at in place.items()
    ]


def _labelled(place: Mapping[tuple[Any, ...], int], pairs: Sequence[Any], end: int) -> tuple[Labelled, Column]:
    """The answers with score and label, and beside them verdicts of the judge and of people, shape (n, 2)."""
    group = np.array([place[tuple(row[:end])] for row in pairs], dtype=np.intp)
    columns = np.array([row[end:] for row in pairs], dtype=np.float64).reshape(-1, 6)
    drawn = columns[:, 5] > 0
    counts = drawn | ~np.isin(group, group[drawn])
    group, columns = group[counts], columns[counts]
    weight, score, judge_passes, label, people_pass, probability = columns.T
    label_weight = weight / np.where(probability > 0, probability, 1)
    return Labelled(group, weight, label_weight, score, label), np.stack([judge_passes, people_pass], axis=1)


def _with_people(at: int, found: Corrected, labelled: Labelled, passed: Column) -> dict[str, Any]:
    mine = labelled.group == at
    weight, verdicts = labelled.label_weight[mine], passed[mine]
    effective = float(found.effective[at])
    count = int(mine.sum())
    too_few = f"{count} labels are worth {effective:.0f} equal ones, and it takes {FEWEST}" if count else "no labels"
    estimates = {
        name: figure(one.value[at], one.low[at], one.high[at], too_few)
        for name, one in (("people", found.alone), ("corrected", found.corrected))
    }
    scores, labels = labelled.score[mine], labelled.label[mine]
    return {
        **estimates,
        "both": count,
        "power": None if estimates["corrected"].value is None else float(found.power[at]),
        "cells": tuple(confusion(np.ones(len(weight)), verdicts[:, 1], verdicts[:, 0]).tolist()),
        "agreement": {
            **agreement(confusion(weight, verdicts[:, 1], verdicts[:, 0]), effective),
            "pearson": pearson(labels, scores, weight),
            "spearman": spearman(labels, scores, weight),
        },
    }
