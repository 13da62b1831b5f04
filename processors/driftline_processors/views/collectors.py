"""Raw log requests to ``collector_reports``: what the collectors inside of applications count.

They alone write these records, so the attributes are taken as they write them, without the machinery for other
conventions: a view is planned with every insert of any log record.
"""

from __future__ import annotations

from typing import Final

from driftline_processors.views.records import TIME
from driftline_processors.views.view import View, select

REPORT_EVENT: Final = "driftline.collector.report"

_COUNTERS: Final = (
    *("emitted_spans", "emitted_events", "exported", "dropped"),
    *("queued", "spooled", "spooled_total"),
)

_RECORDS: Final = f"""\
    SELECT record, CAST((rk, rv), 'Map(String, Nullable(String))') AS r,
        CAST((record.attributes.key, record.attributes.value.string_value), 'Map(String, Nullable(String))') AS words,
        CAST((record.attributes.key, record.attributes.value.int_value), 'Map(String, Nullable(Int64))') AS numbers
    FROM (SELECT rs.resource.attributes.key AS rk, rs.resource.attributes.value.string_value AS rv,
              arrayJoin(arrayJoin(rs.scope_logs).log_records) AS record
          FROM (SELECT arrayJoin(resource_logs) AS rs FROM otlp_logs))
    WHERE record.event_name = '{REPORT_EVENT}'"""


def _word(name: str) -> str:
    return f"ifNull(words['driftline.collector.{name}'], '')"


def _number(name: str) -> str:
    return f"greatest(ifNull(numbers['driftline.collector.{name}'], 0), 0)"


_COLUMNS: Final = [
    ("at", TIME),
    ("arrived", "now64(3, 'UTC')"),
    ("service", "ifNull(r['service.name'], '')"),
    ("environment", "coalesce(r['deployment.environment.name'], r['deployment.environment'], '')"),
    *((name, _word(name)) for name in ("instance", "version")),
    ("started", f"fromUnixTimestamp64Micro(intDiv({_number('started_unix_nano')}, 1000), 'UTC')"),
    *((name, _number(name)) for name in _COUNTERS),
]

COLLECTOR_VIEWS: Final = (
    View(
        "otlp_logs_to_collector_reports",
        "collector_reports",
        select(_COLUMNS, _RECORDS, where="instance != ''"),
    ),
)
