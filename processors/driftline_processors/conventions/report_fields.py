"""What the collector inside of an application says about itself, and for whom."""

from __future__ import annotations

from typing import Final

from driftline_processors.conventions.field import Field
from driftline_processors.conventions.sources import Attr, Kind, Resource

COUNTERS: Final = (
    *("emitted_spans", "emitted_events", "exported", "dropped"),
    *("queued", "spooled", "spooled_total"),
)

REPORT_FIELDS: Final[tuple[Field, ...]] = (
    Field("instance", Kind.TEXT, (Attr("driftline.collector.instance"),)),
    Field("version", Kind.TEXT, (Attr("driftline.collector.version"),)),
    Field("started_nano", Kind.UINT, (Attr("driftline.collector.started_unix_nano"),)),
    *(Field(name, Kind.UINT, (Attr(f"driftline.collector.{name}"),)) for name in COUNTERS),
    Field("service", Kind.TEXT, (Resource("service.name"),)),
    Field("environment", Kind.TEXT, (Resource("deployment.environment.name", "deployment.environment"),)),
)
