"""What is told of a finding says each thing once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from driftline_alerts.drift.finding import Finding

BEGAN = datetime(2026, 3, 2, 1, 19, 10, tzinfo=UTC)
FOUND = Finding(
    incident="i1", at=BEGAN + timedelta(minutes=9), kind="opened", metric="quality", segment=(), place=(),
    about="quality", falls=True, before=0.9, after=0.6, n=800, started=BEGAN, earliest=BEGAN, latest=BEGAN,
)  # fmt: skip


def test_an_interval_of_the_begin_whose_ends_read_the_same_is_none() -> None:
    same = FOUND.model_copy(update={"latest": BEGAN + timedelta(seconds=40)})
    assert "Began between" not in dict(same.facts)
    assert same.sentences[0] == "Since about 2026-03-02 01:19 UTC; 800 judged answers since then."
    wide = FOUND.model_copy(update={"latest": BEGAN + timedelta(seconds=60)})
    assert dict(wide.facts)["Began between"] == "2026-03-02 01:19 UTC to 2026-03-02 01:20 UTC"
    assert "(2026-03-02 01:19 UTC to 2026-03-02 01:20 UTC)" in wide.sentences[0]
