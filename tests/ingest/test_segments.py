"""The cap on distinct segments."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from driftline.settings import load
from driftline_processors.segments import update_cap
from driftline_store.metrics import OTHER
from made_spans import request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingest_support import Pipeline

TEN = load({}, segments_max=10)


@pytest.fixture
def capped(pipeline: Pipeline) -> Iterator[Pipeline]:
    yield pipeline
    pipeline.client.command("TRUNCATE TABLE llm_rollups")
    update_cap(pipeline.client, TEN)
    pipeline.client.command("TRUNCATE TABLE admitted_segments")


def send(pipeline: Pipeline, *requests: tuple[str, str]) -> None:
    """Requests, each of a feature and a version of its prompt, at once."""
    values = [{"driftline.feature": feature, "gen_ai.prompt.version": version} for feature, version in requests]
    pipeline.send(*(request(each, trace_id=secrets.token_bytes(16)) for each in values))


def seen(pipeline: Pipeline) -> dict[tuple[str, str], int]:
    rows = pipeline.rows(
        "SELECT feature, prompt_version, sum(requests) AS n FROM llm_rollups WHERE resolution = 'minute' GROUP BY ALL"
    )
    return {(row["feature"], row["prompt_version"]): row["n"] for row in rows}


def test_new_prompts_are_summed_up_once_there_are_too_many(capped: Pipeline) -> None:
    send(capped, *(("support", f"v{number}") for number in range(9)))
    assert not update_cap(capped.client, TEN).in_force
    send(capped, ("support", "v9"))
    assert update_cap(capped.client, TEN).in_force
    send(capped, ("support", "v10"), ("support", "v3"), ("sales", "v1"))
    found = seen(capped)
    assert ("support", "v10") not in found
    assert found["support", OTHER] == 1
    assert found["support", "v3"] == 2, "a known segment keeps its own sums"
    assert found["sales", OTHER] == 1, "a new feature is still told apart"
    assert sum(found.values()) == 13
    [row] = capped.rows("SELECT count() AS n FROM llm_spans WHERE prompt_version = 'v10'")
    assert row["n"] == 1, "the span keeps what it was sent with"


def test_new_features_are_summed_up_once_there_are_too_many(capped: Pipeline) -> None:
    send(capped, *((f"feature {number}", "v1") for number in range(10)))
    assert update_cap(capped.client, TEN).in_force
    send(capped, ("one more", "v1"))
    assert seen(capped)[OTHER, OTHER] == 1


def test_deciding_again_writes_nothing(capped: Pipeline) -> None:
    send(capped, *(("support", f"v{number}") for number in range(12)))
    first = update_cap(capped.client, TEN)
    rows = capped.rows("SELECT count() AS n FROM admitted_segments")
    assert update_cap(capped.client, TEN) == first
    assert capped.rows("SELECT count() AS n FROM admitted_segments") == rows


def test_segments_that_are_gone_make_room(capped: Pipeline) -> None:
    send(capped, *(("support", f"v{number}") for number in range(12)))
    assert update_cap(capped.client, TEN).in_force
    capped.client.command("TRUNCATE TABLE llm_rollups")
    assert not update_cap(capped.client, TEN).in_force
    send(capped, ("support", "new"))
    assert seen(capped) == {("support", "new"): 1}
