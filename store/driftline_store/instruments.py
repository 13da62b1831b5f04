"""Which judge's scores a number is made of: those of two instruments are never averaged.

An instrument is a judge by its fingerprint: model, rubric, version and parameters. When one of these changes, its
scores may move although the application did not.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from driftline_store.filters import filtered
from driftline_store.grouping import Grouping

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from clickhouse_connect.driver.client import Client

    from driftline_store.grouping import Segment

ENOUGH: Final = 30
"""Judged answers from which a new instrument's scores are shown in place of its predecessor's."""

_LONGEST: Final = (("minute", 6 * 3600), ("hour", 60 * 86400))
"""Resolutions, and the longest range in seconds that is looked at so closely. Only what was judged has rows there."""

_PRIMARY: Final = "(SELECT evaluator FROM judge_plan FINAL WHERE active ORDER BY rank LIMIT 1)"


_BEST: Final = (
    f"ifnull(any(m.name) = {_PRIMARY}, false) DESC, sum(m.judged) >= {ENOUGH} DESC, max(m.at) DESC, min(m.at) DESC"
)
"""What comes first is the instrument that counts, among those that have judged at all."""


def newest_instrument(client: Client, first: int, end: int, where: Mapping[str, str]) -> str:
    """The newest instrument that has judged enough in a time range, else the newest that has judged at all.

    Of several evaluators it is one of the configuration's first, whose score is what is called quality.

    Args:
        client: of the store.
        first: start of the range in Unix seconds.
        end: of it, exclusive.
        where: dimensions that must have exactly this value.

    Returns:
        its fingerprint; '' where nobody has judged, or before instruments were told apart.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed the query.
    """
    condition, parameters = _judged(first, end)
    of_segment, bound = filtered(where, "m")
    conditions = [condition, *of_segment]
    query = (
        f"SELECT m.evaluator FROM judged_rollups AS m WHERE {' AND '.join(conditions)} "
        f"GROUP BY m.evaluator HAVING sum(m.judged) > 0 ORDER BY {_BEST} LIMIT 1"
    )
    rows = client.query(query, parameters={**bound, **parameters}).result_rows
    return str(rows[0][0]) if rows else ""


def newest_instruments(client: Client, first: int, end: int, wheres: Iterable[Segment]) -> dict[Segment, str]:
    """``newest_instrument`` of many segments, in one statement.

    Args:
        client: of the store.
        first: start of the range in Unix seconds.
        end: of it, exclusive.
        wheres: the segments.

    Returns:
        Each segment's fingerprint; '' where nobody has judged.

    Raises:
        clickhouse_connect.driver.exceptions.Error: the store failed the query.
    """
    wheres = set(wheres)
    grouping = Grouping((tuple(name for name, _ in where) for where in wheres), also=["m.evaluator"])
    condition, parameters = _judged(first, end)
    query = (
        f"SELECT m.evaluator AS evaluator, {', '.join(grouping.columns)} FROM judged_rollups AS m "
        f"WHERE {condition} {grouping.group_by} HAVING sum(m.judged) > 0 "
        f"ORDER BY {_BEST} LIMIT 1 BY {', '.join(grouping.keys)}"
    )
    result = client.query(query, parameters=parameters, column_oriented=True)
    columns = defaultdict(list, zip(result.column_names, result.result_columns, strict=True))
    found = {
        segment: str(columns["evaluator"][row])
        for segments in grouping.segments(columns).values()
        for segment, row in segments.items()
    }
    return {where: found.get(where, "") for where in wheres}


def _judged(first: int, end: int) -> tuple[str, dict[str, int | str]]:
    """SQL for the rows of scores in a time range, and its parameters."""
    resolution = next((name for name, longest in _LONGEST if end - first <= longest), "day")
    condition = (
        f"m.resolution = '{resolution}' "
        "AND m.at > toDateTime({first:UInt32}, 'UTC') - {width:UInt32} AND m.at < toDateTime({end:UInt32}, 'UTC') "
        "AND m.criterion = '' AND m.run = '' AND m.unit != 'anchor'"
    )
    return condition, {"first": first, "end": end, "width": {"minute": 60, "hour": 3600, "day": 86400}[resolution]}
