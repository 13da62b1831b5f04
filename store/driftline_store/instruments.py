"""Which judge's scores a number is made of: those of two instruments are never averaged.

An instrument is a judge by its fingerprint: model, rubric, version and parameters. When one of these changes, its
scores may move although the application did not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clickhouse_connect.driver.client import Client

ENOUGH: Final = 30
"""Judged answers from which a new instrument's scores are shown in place of its predecessor's."""

_LONGEST: Final = (("minute", 2 * 86400), ("hour", 60 * 86400))
"""Resolutions, and the longest range in seconds that is looked at so closely. Only what was judged has rows there."""

_PRIMARY: Final = "(SELECT evaluator FROM judge_plan FINAL WHERE active ORDER BY rank LIMIT 1)"


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
    resolution = next((name for name, longest in _LONGEST if end - first <= longest), "day")
    conditions = [
        f"m.resolution = '{resolution}'",
        "m.at > toDateTime({first:UInt32}, 'UTC') - {width:UInt32} AND m.at < toDateTime({end:UInt32}, 'UTC')",
        "m.criterion = '' AND m.run = '' AND m.unit != 'anchor'",
        *(f"m.{name} = {{where_{name}:String}}" for name in where),
    ]
    query = (
        f"SELECT m.evaluator FROM judged_rollups AS m WHERE {' AND '.join(conditions)} "
        "GROUP BY m.evaluator HAVING sum(m.judged) > 0 "
        f"ORDER BY ifNull(any(m.name) = {_PRIMARY}, false) DESC, sum(m.judged) >= {ENOUGH} DESC, max(m.at) DESC, "
        "min(m.at) DESC LIMIT 1"
    )
    width = {"minute": 60, "hour": 3600, "day": 86400}[resolution]
    parameters = {
        "first": first,
        "end": end,
        "width": width,
        **{f"where_{name}": value for name, value in where.items()},
    }
    rows = client.query(query, parameters=parameters).result_rows
    return str(rows[0][0]) if rows else ""
