"""What is contained, as the alert worker tells applications: JSON in a file or from an endpoint."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION: Final = 1
"""Of the form; a reader refuses a higher one."""


@dataclass(frozen=True, slots=True)
class Contained:
    """A feature that is to use its fallback, for one reason of perhaps several.

    Attributes:
        feature: which.
        incident: why, for people to look up.
        since: when that began, ISO 8601.
        why: in words.
        where: further dimensions of what is wrong, such as environment, model and prompt_version.
        let_through: share of requests, 0 to 1, that take the usual way all the same.
    """

    feature: str
    incident: str
    since: str
    why: str
    where: Mapping[str, str] = field(default_factory=dict)
    let_through: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """What is contained at a moment.

    Attributes:
        at: when whoever wrote it was alive, aware.
    """

    at: datetime
    contained: tuple[Contained, ...] = ()


def render(state: State) -> str:
    """As text; the same state gives the same text."""
    features: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(state.contained, key=lambda one: (one.feature, one.since, one.incident)):
        features.setdefault(one.feature, []).append(
            {
                "incident": one.incident,
                "since": one.since,
                "why": one.why,
                "where": dict(one.where),
                "let_through": one.let_through,
            }
        )
    body = {"version": VERSION, "at": state.at.isoformat(timespec="milliseconds"), "features": features}
    return json.dumps(body, indent=2, ensure_ascii=False) + "\n"


def parse(text: str) -> State:
    """From text; keys that are not known are left out, so that a later Driftline may add some.

    Raises:
        ValueError: it is not what ``render`` writes; says what is wrong.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON; was it written in place, instead of replaced as a whole?") from None
    version = body.get("version") if isinstance(body, dict) else None
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ValueError(f"it has the version {version!r}, but this Driftline reads {VERSION}; update the older one")
    try:
        at = datetime.fromisoformat(body["at"])
        found = [_contained(name, one) for name, reasons in body["features"].items() for one in reasons]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"its form is not that of version {version} ({type(error).__name__}: {error})") from None
    if at.tzinfo is None:
        raise ValueError(f"its time {body['at']!r} has no time zone")
    return State(at, tuple(found))


def here(contained: Iterable[Contained], *, service: str, environment: str) -> dict[str, Contained]:
    """By feature, what concerns an application; of several reasons the one that lets least through.

    Args:
        contained: of all applications.
        service: the application's name; one that is '' is not known, so that it may be any.
        environment: likewise.
    """
    own = {name: value for name, value in (("service", service), ("environment", environment)) if value}
    mine = [one for one in contained if all(one.where.get(name, value) == value for name, value in own.items())]
    return {one.feature: one for one in sorted(mine, key=lambda one: one.let_through, reverse=True)}


def _contained(feature: str, reason: Mapping[str, Any]) -> Contained:
    return Contained(
        feature=feature,
        incident=str(reason["incident"]),
        since=str(reason["since"]),
        why=str(reason["why"]),
        where={str(name): str(value) for name, value in reason.get("where", {}).items()},
        let_through=float(reason.get("let_through", 0.0)),
    )
