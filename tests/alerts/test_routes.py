"""Routes: who is told, and when it is quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from alert_support import step_of
from driftline_alerts.routes import Route, meant, route_of


def route(**values: Any) -> Route:
    return Route.model_validate({"channels": "all"} | values)


def test_the_first_route_that_matches_decides() -> None:
    routes = [
        route(severity="critical", channels=["pager", "support"]),
        route(team="search", channels="search"),
        route(where={"feature": "support"}, channels="support"),
    ]

    def goes_to(**values: Any) -> tuple[str, ...]:
        return route_of(routes, step_of(**values), ["everybody"]).channels

    assert goes_to(severity="critical", team="search") == ("pager", "support")
    assert goes_to(team="search", feature="support") == ("search",)
    assert goes_to(feature="support") == ("support",)
    assert goes_to(feature="chat") == ("everybody",), "what no route is for is not lost"


def test_what_a_channel_is_told_of_changes_with_what_its_routes_match_and_not_with_their_hours() -> None:
    routes = [route(severity="critical", channels=["pager", "support"]), route(channels="support")]
    later = [routes[0].model_copy(update={"quiet": "22:00-07:00"}), routes[1]]
    added = [routes[0], route(channels=["support", "pager"])]
    assert meant(routes, "pager") == meant(later, "pager")
    assert meant(routes, "pager") != meant(added, "pager")
    assert meant(routes, "support") == meant(added, "support")
    assert meant([], "pager") == ""


def test_a_route_may_lead_nowhere() -> None:
    assert route_of([route(severity="info", channels=[])], step_of(severity="info"), ["all"]).channels == ()


@pytest.mark.parametrize(
    ("quiet", "zone", "at", "is_quiet"),
    [
        ("22:00-07:00", "UTC", "21:59", False),
        ("22:00-07:00", "UTC", "22:00", True),
        ("22:00-07:00", "UTC", "03:00", True),
        ("22:00-07:00", "UTC", "07:00", False),
        ("12:00-13:00", "UTC", "12:59", True),
        ("12:00-13:00", "UTC", "03:00", False),
        ("22:00-07:00", "Europe/Berlin", "20:59", False),  # 22:59 in the summer, 21:59 in the winter
        ("22:00-07:00", "America/New_York", "03:00", True),
        (None, "UTC", "03:00", False),
    ],
)
def test_quiet_hours_go_over_midnight_and_are_of_a_time_zone(
    quiet: str | None, zone: str, at: str, is_quiet: bool
) -> None:
    hour, minute = map(int, at.split(":"))
    moment = datetime(2026, 1, 15, hour, minute, tzinfo=UTC)
    assert route(quiet=quiet, timezone=zone).is_quiet(moment) is is_quiet


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"quiet": "late"}, "22:00-07:00"),
        ({"quiet": "22:00-24:00"}, "22:00-07:00"),
        ({"timezone": "Berlin"}, "Europe/Berlin"),
        ({"where": {"featur": "x"}}, "feature"),
        ({"severity": "bad"}, "critical"),
        ({"escalate": {"after": "soon", "channels": "x"}}, "15m"),
        ({"escalate": {"after": "15m", "channels": []}}, "at least 1"),
        ({"escalate": {"after": "15m", "channels": ["all"]}}, "adds nobody; name a channel that is not in"),
        ({"colour": "red"}, "not permitted"),
    ],
)
def test_mistakes_say_what_is_expected(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        route(**values)


def test_times_are_read_as_in_rules() -> None:
    assert route(cooldown="1h").cooldown == timedelta(hours=1)
