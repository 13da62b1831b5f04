"""How rows become rows of ``llm_rollups``: grouped once, by minute and segment, then written at each resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from driftline_processors.segments import admitted_sql
from driftline_store.metrics import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNT_OF_BIN: Final = "Map(Int16, Int64)"
NAMED_COUNT: Final = "Map(String, Int64)"


@dataclass(frozen=True)
class Sum:
    """One column of the sums.

    Attributes:
        sql: aggregate over the rows.
        type: of a map; '' for a number.
        by_arrival: another aggregate for the sums by arrival; '' for none, None for the same.
    """

    column: str
    sql: str
    type: str = ""
    by_arrival: str | None = None

    @property
    def aggregates(self) -> list[str]:
        """SQL of what has to be aggregated."""
        found = [f"{self.sql} AS {self.column}"]
        return [*found, f"{self.by_arrival} AS {self.column}_by_arrival"] if self.by_arrival else found

    @property
    def at_level(self) -> str:
        """SQL for the column in the row of one resolution, from the aggregates."""
        if self.by_arrival is None:
            return self.column
        nothing = f"CAST(map(), '{self.type}')" if self.type else "0"
        by_arrival = f"{self.column}_by_arrival" if self.by_arrival else nothing
        return f"if(level.1 = 'arrival', {by_arrival}, {self.column})"


def count_if(condition: str) -> str:
    """SQL for a signed count."""
    return f"toInt64(countIf({condition}))"


def rolled_up(
    sums: Sequence[Sum], source: str, *, at: str, arrived: str = "", where: str = "", also: Sequence[str] = ()
) -> str:
    """A query from rows to rows of ``llm_rollups``, or of sums of its form.

    Args:
        sums: what to sum up.
        source: table or subquery with the dimensions as columns.
        at: column with the time of the event.
        arrived: column with the time of the insert, the same in all rows of one; '' for rows that correct the past,
            which detectors must not see.
        where: condition on the rows.
        also: columns that they are grouped by beside the dimensions.
    """
    names = ", ".join((*DIMENSIONS, *also))
    listed = ",\n        ".join(aggregate for one in sums for aggregate in one.aggregates)
    condition = f"\n    WHERE {where}" if where else ""
    # Few rows are left once they are grouped, so the resolutions and the segment cap cost next to nothing.
    segment = ", ".join((*(f"{admitted_sql(name)} AS {name}" for name in DIMENSIONS), *also))
    levels = "('minute', minute), ('hour', toStartOfHour(minute)), ('day', toStartOfDay(minute))"
    if arrived:
        levels += ", ('arrival', arrival)"
        listed = f"toStartOfMinute(toDateTime(max({arrived}), 'UTC')) AS arrival,\n        {listed}"
    written = ", ".join(f"{one.at_level} AS {one.column}" for one in sums)
    return f"""\
SELECT level.1 AS resolution, level.2 AS at, {segment},
    {written}
FROM (
    SELECT
        toStartOfMinute(toDateTime({at}, 'UTC')) AS minute,
        {names},
        {listed}
    FROM {source}{condition}
    GROUP BY minute, {names}
)
ARRAY JOIN [{levels}] AS level"""
