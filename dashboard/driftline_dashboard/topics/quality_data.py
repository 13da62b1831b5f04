"""What the page of quality asks of the store beside the metrics: scores by criterion, and what labels say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from driftline_dashboard.data import instrument, minute, period
from driftline_dashboard.store import reading
from driftline_store.judgements import query_judgements
from driftline_store.quality import quality

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from driftline_dashboard.view import View
    from driftline_store.quality import Quality


@st.cache_data(ttl=60, max_entries=100, show_spinner=False)
def judgements(view: View, as_of: datetime) -> pd.DataFrame:
    """Sums of scores by evaluator, instrument, criterion and step, of answers and of anchors.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    span = period(view, as_of)
    with reading("the scores") as client:
        return query_judgements(client, since=span.since, until=span.until, step=view.window.coarse, where=view.where)


def corrected(view: View, as_of: datetime) -> Quality | None:
    """Quality with and without labels, by the instrument that the page is about; None where nobody has judged.

    It reads judgements one by one, so it is asked for once a minute and not at each refresh.

    Raises:
        StoreError: the store cannot be reached or fails.
    """
    judge = instrument(view, as_of)
    found = _qualities(view, minute(as_of))
    return next((one for one in found if one.evaluator == judge), None)


@st.cache_data(ttl=120, max_entries=100, show_spinner=False)
def _qualities(view: View, as_of: datetime) -> list[Quality]:
    span = period(view, as_of)
    with reading("scores and labels") as client:
        return quality(client, since=span.since, until=span.until, where=view.where)
