"""Pictures of a series: what is drawn, and what is said to those who do not see it."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from datetime import timedelta

import pytest
from PIL import Image

from channel_messages import NOW, OPENED
from driftline_alerts.channels.chart import HEIGHT, WIDTH, alternative, chart
from driftline_alerts.channels.sparkline import sparkline
from driftline_alerts.message import Series

assert OPENED.series is not None
FALLEN = OPENED.series


def colours(series: Series) -> set[tuple[int, ...]]:
    """All that the picture holds, but for the blends at edges."""
    picture = chart(series)
    assert picture is not None
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    assert image.size == (WIDTH * 2, HEIGHT * 2)
    found = image.getcolors(image.width * image.height)
    assert found is not None
    return {colour for count, colour in found if count > 40}


def is_near(wanted: tuple[int, int, int], found: set[tuple[int, ...]]) -> bool:
    return any(max(abs(a - b) for a, b in zip(wanted, one, strict=True)) < 12 for one in found)


GREY, RED, BROWN = (87, 96, 106), (207, 34, 46), (154, 103, 0)


def test_the_course_changes_its_colour_where_it_began_to_be_wrong_and_the_limit_is_marked() -> None:
    assert all(is_near(one, colours(FALLEN)) for one in (GREY, RED, BROWN, (255, 255, 255)))
    assert not is_near(BROWN, colours(replace(FALLEN, limit=None)))


@pytest.mark.parametrize("values", [(), (None, None), (0.5, None)])
def test_there_is_no_picture_without_two_values(values: tuple[float | None, ...]) -> None:
    points = tuple((NOW + timedelta(minutes=number), value) for number, value in enumerate(values))
    assert chart(replace(FALLEN, points=points)) is None


@pytest.mark.parametrize(
    "values",
    [
        (0.0, 0.0),
        (5.0, 5.0),
        (1e-9, 2e-9),
        (-1e12, 1e12),
        (0.5, None, 0.7),
        (1.0, math.nan, math.inf, 2.0, -1e308, 1e308),
    ],
)
def test_any_values_can_be_drawn(values: tuple[float | None, ...]) -> None:
    points = tuple((NOW + timedelta(minutes=number), value) for number, value in enumerate(values))
    assert chart(Series("karma", points, None, NOW - timedelta(days=9))) is not None


def test_who_does_not_see_it_is_told() -> None:
    assert alternative(FALLEN) == (
        "Quality from 2026-02-28 12:00 UTC to 2026-03-01 11:30 UTC, between 0.800 and 0.940, against 0.850; "
        "wrong since 2026-03-01 08:00 UTC"
    )


def line(*values: float | None, started: int = 0) -> str:
    points = tuple((NOW + timedelta(minutes=number), value) for number, value in enumerate(values))
    return sparkline(Series("quality", points, None, NOW + timedelta(minutes=started)))


def test_a_line_of_characters_shows_low_and_high_gaps_and_the_begin() -> None:
    assert line(0.0, 1.0, None, 0.5) == "▁█·▅"
    assert line(1.0, 1.0, 0.0, 0.0, started=2) == "██|▁▁"
    assert line(0.3, 0.3) == "▅▅"
    assert line(None, None) == line() == ""
    assert line(0.0, 1.0, math.nan, 1e308) == "▁█··"


def test_a_long_series_fits_in_one_line() -> None:
    assert len(line(*[float(number % 7) for number in range(1000)], started=500)) <= 41
