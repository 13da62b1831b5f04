"""Raw log requests to ``collector_reports``: what the collectors inside of applications count."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.field import sources_of
from driftline_processors.conventions.report_fields import COUNTERS, REPORT_FIELDS
from driftline_processors.conventions.sources import Places
from driftline_processors.views.records import TIME, records
from driftline_processors.views.view import View, select

REPORT_EVENT: Final = "driftline.collector.report"


def _reports() -> str:
    places = Places.of(sources_of(REPORT_FIELDS))
    fields = {field.name: field.sql(places) for field in REPORT_FIELDS}
    started = f"toInt64(intDiv(ifNull({fields['started_nano']}, 0), 1000))"
    columns = [
        ("at", TIME),
        ("arrived", "now64(3, 'UTC')"),
        *((name, fields[name]) for name in ("service", "environment", "instance", "version")),
        ("started", f"fromUnixTimestamp64Micro({started}, 'UTC')"),
        *((name, f"ifNull({fields[name]}, 0)") for name in COUNTERS),
    ]
    return select(columns, records(places, f"record.event_name = '{REPORT_EVENT}'"), where="instance != ''")


COLLECTOR_VIEWS: Final = (View("otlp_logs_to_collector_reports", "collector_reports", _reports()),)
