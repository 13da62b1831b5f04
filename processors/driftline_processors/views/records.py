"""What the views of log records have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from driftline_processors.views.view import attributes, resource_attributes

if TYPE_CHECKING:
    from driftline_processors.conventions.sources import Places


def records(places: Places, condition: str) -> str:
    """A query for the records that fit a condition, with their attributes by slot."""
    return f"""\
    SELECT r, record, {places.attributes.filled("c", "v")} AS a
    FROM (SELECT r, record, {attributes("record", places)}
          FROM (SELECT r, arrayJoin(arrayJoin(scopes).log_records) AS record
                FROM (SELECT {resource_attributes(places)}, rs.scope_logs AS scopes
                      FROM (SELECT arrayJoin(resource_logs) AS rs FROM otlp_logs)))
          WHERE {condition})"""


# Records outside of a span carry no ids, or zeros.
IDS: Final = [
    (name, f"if(empty(replaceAll(record.{name}, '\\0', '')), '', lower(hex(record.{name})))")
    for name in ("trace_id", "span_id")
]
TIME: Final = (
    "fromUnixTimestamp64Micro(toInt64(intDiv(if(record.time_unix_nano > 0, record.time_unix_nano, "
    "record.observed_time_unix_nano), 1000)), 'UTC')"
)
