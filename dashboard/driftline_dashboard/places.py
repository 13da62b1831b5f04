"""The pages that there are, and links between them that keep the window and the filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streamlit.delta_generator import DeltaGenerator

    from driftline_dashboard.view import View

TRACE: Final = "trace"
"""Query parameter with the id of one trace, on any page that shows traces and on the first one."""
SPAN: Final = "span"
"""Query parameter with the id of the chosen step of that trace."""
MONITOR: Final = "monitor"
"""Query parameter with the id of the chosen monitor."""
METRIC: Final = "metric"
"""Query parameter with the name of the metric that a page is about."""
LETTER: Final = "letter"
"""Query parameter with the place of one dead letter, on the page of the system."""
MAX_PLACE: Final = 400
"""Longest place of a dead letter; a topic of Kafka has up to 249 characters."""
MAX_ID: Final = 64
"""Longest id taken from a URL; those of OpenTelemetry have 32 and 16 characters."""

_HERE: Final = "place"


@dataclass(frozen=True)
class Place:
    """A page.

    Attributes:
        path: of its URL, below the address of the dashboard; the first page answers without one.
        is_still: whether it does not refresh by itself, as somebody works on it.
        is_of_now: whether it is as of now, whatever moment the visitor looks at.
    """

    title: str
    path: str
    is_first: bool = False
    is_still: bool = False
    is_of_now: bool = False

    def page(self, draw: Callable[[], None]) -> st.Page:
        """The page as Streamlit knows it."""
        return st.Page(draw, title=self.title, url_path=self.path, default=self.is_first)


HEALTH: Final = Place("Health", "health", is_first=True)
QUALITY: Final = Place("Quality", "quality")
DRIFT: Final = Place("Drift", "drift")
LATENCY: Final = Place("Latency", "latency")
COST: Final = Place("Cost", "cost")
ERRORS: Final = Place("Errors", "errors")
TRACES: Final = Place("Traces", "traces")
COMPARE: Final = Place("Compare", "compare")
LABEL: Final = Place("Label", "label", is_still=True)
ALERTS: Final = Place("Alerts", "alerts")
SYSTEM: Final = Place("System", "system", is_of_now=True)
PLACES: Final = (HEALTH, QUALITY, DRIFT, LATENCY, COST, ERRORS, TRACES, COMPARE, LABEL, ALERTS, SYSTEM)


def link(where: DeltaGenerator, place: Place, label: str, view: View, **parameters: str) -> None:
    """Draw a link to a page that keeps the window and the filters.

    Args:
        where: what it is drawn in.
        place: where it leads.
        label: as people read it; of our own words, as it is read as Markdown.
        view: what is looked at.
        parameters: more of the URL's query.
    """
    query = view.to_url() | parameters
    if st.session_state.get(_HERE) == place.path:
        # A link to the page that is shown would change what it shows and leave the URL as it was.
        key = "-".join(("go", label, *parameters.values()))
        where.button(label, key=key, type="tertiary", on_click=st.query_params.from_dict, args=(query,))
    else:
        where.page_link(place.page(lambda: None), label=label, query_params=query)


def arrive(place: Place) -> None:
    """Note which page the URL is of, for the links on it."""
    st.session_state[_HERE] = place.path


def identity(parameters: Mapping[str, str], name: str) -> str:
    """The id that a URL asks for; '' where it has none, or something that is no id."""
    value = parameters.get(name, "")
    return value if value.isascii() and value.isalnum() and len(value) <= MAX_ID else ""


def letter_place(parameters: Mapping[str, str]) -> str:
    """The dead letter that a URL asks for; '' where it has none, or something that is no place."""
    value = parameters.get(LETTER, "")
    return value if value.isprintable() and len(value) <= MAX_PLACE else ""
