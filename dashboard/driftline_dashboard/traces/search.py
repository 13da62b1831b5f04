"""Search of the stored steps: what is wanted, what was found, and how far was looked."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

import streamlit as st

from driftline_dashboard import data
from driftline_dashboard.places import TRACES, link
from driftline_dashboard.text import bounded, clock, day_and_time, escape
from driftline_dashboard.traces import search_data
from driftline_dashboard.traces.search_terms import ANY_ERROR, OF, ORDERS, Cursor, Range, Search, from_url
from driftline_dashboard.view import from_url as view_of
from driftline_dashboard.widgets import answers
from driftline_processors.conventions.errors import SIGNS, UNKNOWN
from driftline_processors.labels.answers_file import as_text, to_label
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from typing import Any, Literal

    from driftline_dashboard.traces.search_data import Found
    from driftline_dashboard.view import View

    _Stretch = Literal["stretch"]

_COUNTED: Final = {"requests": "requests", "calls": "calls of a model", "steps": "steps"}
_HELD: Final = "search_held"
_MAX_SHOWN: Final = 60
_ERRORS: Final = ("", ANY_ERROR, *sorted({UNKNOWN, *(sign.kind for sign in SIGNS)}))
_TEXTS: Final = {
    "attribute": ("Attribute", "key=value, such as release=2.4"),
    "step": ("Name of step or tool", ""),
    "user": ("User", "as your application names them"),
    "session": ("Session", ""),
}
_UNITS: Final = {"took": "latency_p95", "cost": "spend", "score": "quality"}
"""Metrics whose numbers are written alike."""
_RANGES: Final = {"took": ("Took", "s", 0.5), "cost": ("Cost", "$", 0.001), "score": ("Judge's score", "0 to 1", 0.1)}


def form() -> None:
    """Draw what can be searched for; it is looked for once it is sent, and stands in the URL then."""
    wanted = from_url(st.query_params).first_page()
    # Other fields for another search: they begin with what the URL says, and what is typed in them stays.
    prefix = f"search-{zlib.crc32(repr(wanted).encode()):08x}-"
    with st.form("search", border=False):
        row = st.container(key="search", horizontal=True, vertical_alignment="bottom", gap="small")
        row.text_input(
            "Search",
            wanted.text,
            key=f"{prefix}text",
            icon=":material/search:",
            placeholder='Words that were said, "a phrase", or the id of a trace',
            max_chars=200,
        )
        _choice(row, "Look at", OF, wanted.of, key=f"{prefix}of", width=140)
        _choice(row, "Order", ORDERS, wanted.order, key=f"{prefix}order", width=150)
        with row.popover("More", icon=":material/tune:", key="search-more"):
            _more(wanted, prefix)
        row.form_submit_button("Search", type="primary", on_click=_send, args=(prefix,))


def _more(wanted: Search, prefix: str) -> None:
    for names in (("attribute", "step"), ("user", "session")):
        for name, column in zip(names, st.columns(2), strict=True):
            label, example = _TEXTS[name]
            column.text_input(label, getattr(wanted, name), key=prefix + name, placeholder=example, max_chars=200)
    kinds = dict.fromkeys((*_ERRORS, wanted.error))  # a link may name a class that is not known here
    _choice(st, "Failed", {kind: _error_title(kind) for kind in kinds}, wanted.error, key=f"{prefix}error")
    for name, (label, unit, step) in _RANGES.items():
        asked: Range = getattr(wanted, name)
        for end, value, column in zip(("from", "to"), (asked.low, asked.high), st.columns(2), strict=True):
            column.number_input(
                f"{label} {end} ({unit})", 0.0, None, value, step, key=f"{prefix}{name}_{end}", format="%g"
            )


def _choice(
    where: Any,
    label: str,
    options: Mapping[str, str],
    chosen: str,
    *,
    key: str,
    width: int | Literal["stretch"] = "stretch",
) -> None:
    names = tuple(options)
    where.selectbox(label, names, names.index(chosen), format_func=options.__getitem__, key=key, width=width)


def _error_title(name: str) -> str:
    return {"": "Failed or not", ANY_ERROR: "With any error"}.get(name, name.replace("_", " ").capitalize())


def _send(prefix: str) -> None:
    said = {name: str(st.session_state[prefix + name]) for name in ("text", "of", "order", "error", *_TEXTS)}
    ends = {name: (f"{prefix}{name}_from", f"{prefix}{name}_to") for name in _RANGES}
    ranges = {name: str(Range(*(st.session_state[key] for key in keys))) for name, keys in ends.items()}
    st.session_state.pop(_HELD, None)  # who asks again wants to know what there is now
    st.query_params.from_dict(view_of(st.query_params).to_url() | from_url({**said, **ranges}).to_url())


def results(view: View, wanted: Search) -> None:
    """Draw what was found, or why nothing was.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    as_of = _moment(view, wanted)
    try:
        found = search_data.search(view, wanted, as_of)
    except search_data.TooMuchError as error:
        st.html(f'<p role="alert" class="dl-bad">{escape(str(error).capitalize())}.</p>')
        return
    _head(view, wanted, found, as_of)
    if found.answers:
        answers.links(view, found.answers, of_steps=wanted.of != "requests", **wanted.to_url())
    _next(view, wanted, found)


def _moment(view: View, wanted: Search) -> datetime:
    """Of the search: what was found stands still, whatever comes meanwhile, until somebody asks again."""
    asked = (view, wanted.first_page())
    held = st.session_state.get(_HELD)
    if not held or held[0] != asked:
        held = st.session_state[_HELD] = (asked, data.as_of(view))
    return held[1]


def _again() -> None:
    st.session_state.pop(_HELD, None)
    query = {name: value for name, value in st.query_params.to_dict().items() if name != "before"}
    st.query_params.from_dict(query)


def _head(view: View, wanted: Search, found: Found, as_of: datetime) -> None:
    row = st.container(key="found", horizontal=True, vertical_alignment="center", gap="small")
    shown = f"{len(found.answers)} {_COUNTED[wanted.of]}"
    which = f"{ORDERS[wanted.order].lower()}, as of {clock(as_of)}"
    row.html(f'<div class="dl-h">{shown}<small>{escape(which)}</small></div>', width="content")
    row.button("Search again", key="search-again", type="tertiary", on_click=_again)
    link(row, TRACES, "Clear", view)
    if found.answers:
        row.download_button(
            "Save as test cases",
            lambda: _test_cases(view, wanted, as_of),
            file_name="driftline-cases.jsonl",
            mime="application/x-ndjson",
            key="save-cases",
            type="tertiary",
            on_click="ignore",
            help=f"JSON lines with the texts, at most {search_data.MOST_SAVED}, as driftline labels import takes them.",
        )
    conditions = "".join(f"<span>{escape(bounded(one, _MAX_SHOWN))}</span>" for one in _conditions(wanted))
    st.html(f'<div class="dl-asked-for">{conditions}</div><p class="dl-muted">{escape(_looked_at(wanted, found))}</p>')


def _conditions(wanted: Search) -> Iterable[str]:
    """What is asked for, in words."""
    if wanted.words:
        yield "said " + " and ".join(f"“{word}”" for word in wanted.words)
    if wanted.pair:
        yield "{} = {}".format(*wanted.pair)
    if wanted.error:
        yield _error_title(wanted.error).lower()
    yield from (f"{name} {value}" for name in ("step", "user", "session") if (value := getattr(wanted, name)))
    for name, (label, _, _) in _RANGES.items():
        asked: Range = getattr(wanted, name)
        ends = [(word, end) for word, end in (("from", asked.low), ("to", asked.high)) if end is not None]
        if ends:
            metric = METRICS[_UNITS[name]]
            yield f"{label.lower()} " + " ".join(f"{word} {format_value(metric, end)}" for word, end in ends)


def _looked_at(wanted: Search, found: Found) -> str:
    if found.reach is None:
        return f"All {found.looked_at:,} steps of the window were looked through."
    rest = (
        "Look further back below." if wanted.order == "newest" else "Choose a shorter window or a filter to see others."
    )
    return (
        f"There are too many steps in this window to look through at once: these are from the newest "
        f"{found.looked_at:,}, back to {day_and_time(found.reach)}. {rest}"
    )


def _next(view: View, wanted: Search, found: Found) -> None:
    query = wanted.first_page().to_url()
    row = st.container(key="pages", horizontal=True, gap="medium")
    if found.after is not None:
        link(row, TRACES, "Older" if wanted.order == "newest" else "Next", view, **query, before=str(found.after))
    elif found.reach is not None and wanted.order == "newest":
        link(row, TRACES, "Look further back", view, **query, before=str(Cursor(0.0, found.reach)))
    elif not found.answers:
        row.html('<p class="dl-muted">Nothing found. Ask for less, or choose a longer window.</p>')
    if wanted.before is not None:
        link(row, TRACES, "Back to the first", view, **query)


def _test_cases(view: View, wanted: Search, as_of: datetime) -> bytes:
    keys, texts = search_data.found_texts(view, wanted, as_of)
    return as_text(to_label(keys, "quality", None, texts), "jsonl").encode()
