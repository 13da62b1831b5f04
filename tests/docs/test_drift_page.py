"""The page about drift detection says what the code does."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from drift_streams import LEVELS, judged
from driftline_alerts.drift.budget import split
from driftline_alerts.drift.fleet import Fleet
from driftline_alerts.drift.incidents import Incidents
from driftline_alerts.drift.lifecycle import turns
from driftline_alerts.drift.segments import lineage
from driftline_alerts.drift.stream import Part, StreamKey
from driftline_store.metrics_docs import watched
from support.drift_pictures import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from driftline_alerts.drift.finding import Finding

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "drift.md").read_text(encoding="utf-8")
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
QUALITY = 0.02
"""Of one false page a month, what the streams of quality have beside those of all other metrics."""


def test_the_page_shows_what_is_watched() -> None:
    assert watched() in PAGE, "write the table of docs/drift.md again: driftline_store.metrics_docs.watched()"


def test_the_page_shows_a_finding_as_people_are_told_it() -> None:
    """A prompt's new version scores worse from Thursday noon on, beside the old one, which does not."""
    assert "\n".join([f"{found().headline}.", *found().sentences]) in PAGE


def found() -> Finding:
    fleet, incidents, random = Fleet(), Incidents(), np.random.default_rng(2)
    for hours, harm_of in [(24, {"v4": 0.10})] * 10 + [(1, {"v4": 0.10})] * 12 + [(1, {"v4": 0.10, "v5": 0.18})] * 24:
        begin = max((one.last for one in fleet.monitors.values()), default=MONDAY.timestamp())
        arrived = _arrived(datetime.fromtimestamp(begin, UTC), hours, harm_of, random)
        touched = fleet.apply(arrived)
        shares = split(fleet.monitors.values(), QUALITY)
        for turn in turns(touched, shares, lambda *_: {}):
            if finding := incidents.take(turn, fleet, shares, lambda *_: {}):
                return finding
    raise AssertionError("expected a finding within a day, got none")


def _arrived(begin: datetime, hours: int, harm_of: dict[str, float], random: np.random.Generator) -> Iterator[Part]:
    """Forty judged answers an hour, each counted in every segment that it is of."""
    counts: defaultdict[StreamKey, NDArray[np.int64]] = defaultdict(lambda: np.zeros(len(LEVELS), np.int64))
    for version, harm in harm_of.items():
        drawn = random.multinomial(40 * hours // len(harm_of), judged(harm))
        for segment in lineage(("production", "support", "gpt-5-mini", "answer", version)):
            counts[StreamKey("quality", "f1", segment, "quality")] += drawn
    for key, of_key in counts.items():
        levels = {20 - 2 * level: int(count) for level, count in enumerate(of_key) if count}
        yield Part(key, levels, begin, begin + timedelta(hours=hours))


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "images").glob("drift-*.svg")), ids=lambda path: path.stem)
def test_a_picture_was_drawn_by_the_detector_of_now_and_is_shown(picture: Path) -> None:
    again = "draw it again: python benchmarks/drift_pictures.py --pictures docs/images"
    assert f"<desc>detector {fingerprint()}</desc>" in picture.read_text(encoding="utf-8"), again
    assert f"images/{picture.name}" in PAGE
