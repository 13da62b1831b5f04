"""What is special about the page of cost: days and the month's end, who spends most, and other models' prices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import altair as alt
import pandas as pd
import streamlit as st

from driftline_dashboard import choice
from driftline_dashboard.places import TRACES
from driftline_dashboard.text import bounded, escape, segment_name
from driftline_dashboard.theme import BAD, PALETTE
from driftline_dashboard.topics import cost_data
from driftline_dashboard.topics.forecast import basis, forecast
from driftline_dashboard.topics.limits import limits
from driftline_dashboard.widgets.charts import TICKS
from driftline_dashboard.widgets.facts import facts
from driftline_dashboard.widgets.panel import heading, menu, panel
from driftline_dashboard.widgets.table import grid
from driftline_store.metrics import METRICS
from driftline_store.metrics_format import format_interval, format_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from driftline_dashboard.data import Glance
    from driftline_dashboard.topics.cost_data import Price, Who
    from driftline_dashboard.view import View

TILES: Final = ("spend", "cost_per_request", "cost_per_session", "cost_per_call_p95")
_DAY: Final = timedelta(days=1)
_HEIGHT: Final = 240
_LEAST_DAYS: Final = 14
_FAR: Final = 3
"""How many times the dearest day a limit can be and still be drawn."""
_FEW: Final = 0.05
"""Share of a model's calls that can be unpriced and its spend still be compared."""
_ROWS: Final = 12
_MAX_NAME: Final = 80
_INSTEAD: Final = "instead"
_LEFT_OUT: Final = (
    "The same tokens at today's prices. Left out: what caching saves with the other model, that its tokeniser counts "
    "the same text otherwise, that it may answer longer or shorter, higher prices of long inputs, and how good its "
    "answers are. Where 5 % of the calls or more have no known price, nothing is compared; see "
    "<code>driftline prices</code>."
)
_NO_CHEAPER: Final = (
    "No model is known to cost less than the one that most is spent on, or that one's price is not known. Choose one "
    "above to compare with it all the same; see <code>driftline prices</code>."
)
_WHO: Final[Mapping[Who, tuple[str, str]]] = {
    "user_id": ("Users who spend most", "user"), "session_id": ("Sessions that cost most", "session"),
}  # fmt: skip
"""Column -> title, and how the page of traces calls it in its URL."""


def charts(view: View, as_of: datetime, glance: Glance) -> None:
    """Draw what each day cost, and beside it the month."""
    del glance
    left, right = st.container(key="pair-cost").columns([3, 2], gap="medium")
    found = cost_data.days(view, as_of)
    today = as_of.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    spend = _by_day(found, today)
    with left:
        _days(view, found, spend)
    with right:
        _month(spend, as_of.astimezone(UTC), today)


def details(view: View, as_of: datetime, glance: Glance) -> None:
    """Draw who spends most, and what other models would have cost."""
    del glance
    for column, who in zip(st.container(key="pair-who").columns(2, gap="medium"), _WHO, strict=True):
        with column:
            _spenders(view, who, cost_data.spenders(view, as_of, who))
    _other_model(view, as_of)


def _by_day(found: pd.DataFrame, today: datetime) -> pd.Series[float]:
    """Spend of each day from the first that has any to today; a day without calls cost nothing."""
    if found.empty:
        return pd.Series(dtype="float64")
    index = pd.date_range(found["bucket"].iloc[0], today, freq="D")
    spend: pd.Series[float] = found.set_index("bucket")["spend"].reindex(index).fillna(0.0)
    return spend


def _days(view: View, found: pd.DataFrame, spend: pd.Series[float]) -> None:
    title, rules = "Spend by day", limits(view, "spend", _DAY)
    note = "days of UTC, the last one until now"
    if spend.empty:
        heading("days", title, found, note=note)
        st.html('<p class="dl-muted">No calls with a known price in the last weeks.</p>')
        return
    highest = float(spend.max())
    # A limit far above would flatten the days.
    shown = [limit for limit, _ in rules if limit <= _FAR * highest]
    note = ", ".join((note, *(f"{'dashed: ' if limit in shown else ''}{name}" for limit, name in rules)))
    drawn = spend.reindex(pd.date_range(end=spend.index[-1], periods=max(len(spend), _LEAST_DAYS), freq="D"))
    frame = pd.DataFrame({"day": [f"{day:%d %b}" for day in drawn.index], "spend": drawn.to_numpy()})
    frame["shown"] = [_dollars(value) for value in frame["spend"]]
    y = alt.Y("spend:Q", axis=alt.Axis(title="USD", labelExpr=TICKS["money"], tickCount=4))
    bars = (
        alt.Chart(frame)
        .mark_bar(color=PALETTE[0])
        .encode(
            x=alt.X(
                "day:O",
                scale=alt.Scale(domain=list(frame["day"])),
                axis=alt.Axis(title=None, labelAngle=0, labelOverlap=True),
            ),
            y=y,
            tooltip=[alt.Tooltip("day:O", title="day"), alt.Tooltip("shown:N", title="spend")],
        )
    )
    rule = alt.Chart(pd.DataFrame({"limit": shown})).mark_rule(strokeDash=[6, 4], strokeWidth=1.5, color=BAD)
    layers: list[Any] = [bars, rule.encode(y="limit:Q")] if shown else [bars]
    chart: alt.LayerChart = alt.layer(*layers).properties(height=_HEIGHT).configure_view(strokeWidth=0)
    says = (
        f"Spend by day from {spend.index[0]:%d %b} to {frame['day'].iloc[-1]}: between {_dollars(float(spend.min()))} "
        f"and {_dollars(highest)}, last {frame['shown'].iloc[-1]}."
    )
    panel("days", title, chart, found, says=says, note=note)


def _month(spend: pd.Series[float], now: datetime, today: datetime) -> None:
    """What this month has cost, and will have."""
    begin = today.replace(day=1)
    end = (begin + timedelta(days=32)).replace(day=1)
    so_far = float(spend[spend.index >= begin].sum())
    # The first day with calls may have begun in the middle of it.
    whole = spend[spend.index < today].iloc[1:].tolist()
    found = forecast(whole, so_far, (end - now) / _DAY)
    st.html(f'<div class="dl-h">The month<small>{begin:%B %Y}, in UTC, calls with a known price</small></div>')
    told = {"Spent so far": _dollars(so_far)}
    if found.value is None:
        st.html(f'{facts(told)}<p class="dl-muted">No forecast yet: {escape(found.reason)}.</p>')
        return
    told |= {
        "Forecast to its end": _dollars(found.value),
        "95 % interval": format_interval(METRICS["spend"], found.low, found.high),
    }
    st.html(
        f'{facts(told)}<p class="dl-muted">The days that are left are taken to be like the last {basis(whole)} whole '
        "ones; the interval is Student's, widened as days resemble each other. It knows of no trend and no plans.</p>"
    )


def _spenders(view: View, who: Who, found: pd.DataFrame) -> None:
    title, name = _WHO[who]
    note = f"at most {cost_data.MOST} of the window, by what has settled; ids as they are stored"
    heading(f"spenders-{name}", title, found, note=note)
    if found.empty:
        st.html(
            f'<p class="dl-muted">None: no settled request of this window names its {name}. '
            f"<code>session(…, user=…)</code> around the calls does.</p>"
        )
        return
    rows = (
        (_link(view, name, one), f"{requests:,}", _dollars(spend) + _unpriced(missing))
        for one, requests, spend, missing in zip(
            found["who"], found["requests"], found["spend"], found["unpriced_calls"], strict=True
        )
    )
    st.html(grid((name.capitalize(), "Requests", "Spend"), map(_cells, rows)))


def _link(view: View, name: str, who: str) -> str:
    query = escape(urlencode(view.to_url() | {name: who}))
    return f'<a href="{TRACES.path}?{query}" target="_self"><bdi>{_text(who)}</bdi></a>'


def _unpriced(calls: int) -> str:
    return f"<small>unpriced calls: {calls:,}</small>" if calls else ""


def _other_model(view: View, as_of: datetime) -> None:
    used, prices = cost_data.models(view, as_of), cost_data.prices()
    bar = st.container(key="instead", horizontal=True, vertical_alignment="center", gap="small")
    bar.html('<div class="dl-h dl-inline">What another model would have cost</div>', width="content")
    if used.empty or not prices:
        st.html('<p class="dl-muted">No calls in this window, or no prices in the store.</p>')
        return
    cheaper = _cheaper(used, prices)
    instead = choice.select(
        bar, "Model instead", _INSTEAD, tuple(dict.fromkeys((cheaper, *prices))), cheaper,
        shown=lambda name: name or "choose a model", width=300,
    )  # fmt: skip
    if not instead:
        st.html(f'<p class="dl-muted">{_NO_CHEAPER}</p>')
        return
    price = prices[instead]
    spend = [price.of(*tokens) for tokens in zip(used["input_tokens"], used["output_tokens"], strict=True)]
    menu(bar, "instead", used.assign(other_model=instead, other_spend=spend))
    heads = ("Model", "Calls", "Tokens in", "Tokens out", "Spend", f"With {bounded(instead, _MAX_NAME)}", "Change")
    st.html(grid(heads, map(_cells, _rows(used, price))))
    st.html(f'<p class="dl-muted">{_LEFT_OUT}</p>')


def _cheaper(used: pd.DataFrame, prices: Mapping[str, Price]) -> str:
    """A model that costs less than the one that most is spent on.

    The cheapest of those in use, else the next of its family, else the next of all; '' where none does, or where
    neither the price nor the spend of that one is known.
    """
    main = used.sort_values("spend", ascending=False, na_position="last").iloc[0]
    costs = {name: price.of(main["input_tokens"], main["output_tokens"]) for name, price in prices.items()}
    now = costs.get(main["model"], main["spend"])
    less = {name: cost for name, cost in costs.items() if cost < now}  # none of them where it is not a number
    if in_use := [name for name in used["model"] if name in less]:
        return str(min(in_use, key=less.__getitem__))
    family = str(main["model"]).partition("-")[0]
    return max([name for name in less if name.partition("-")[0] == family] or less, key=less.__getitem__, default="")


def _rows(used: pd.DataFrame, price: Price) -> Iterable[tuple[str, ...]]:
    for model, calls, asked, said, spend, missing in zip(
        used["model"].head(_ROWS), used["calls__n"], used["input_tokens"], used["output_tokens"], used["spend"],
        used["unpriced_calls"], strict=False,
    ):  # fmt: skip
        other = price.of(asked, said)
        is_known = spend == spend and spend > 0  # noqa: PLR0124 - not NaN
        note = f"<small>{format_value(METRICS['unpriced_calls'], missing)} of calls unpriced</small>" if missing else ""
        yield (
            _text(segment_name(model)), f"{calls:,}", f"{asked:,.0f}", f"{said:,.0f}",
            (_dollars(spend) if is_known else '<span class="dl-muted">unknown</span>') + note,
            _dollars(other),
            f"{other / spend - 1:+.0%}".replace("-", "−") if is_known and missing < _FEW else "",
        )  # fmt: skip


def _cells(row: Iterable[str]) -> str:
    return "".join(f"<td>{one}</td>" for one in row)


def _text(name: str) -> str:
    return escape(bounded(name, _MAX_NAME))


def _dollars(amount: float | None) -> str:
    return format_value(METRICS["spend"], amount)
