"""Makes the dashboard's data constant in this process: what was asked once is never asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Callable

_cached = st.cache_data


def _for_ever(**options: Any) -> Callable[..., Any]:
    return _cached(**(options | {"ttl": None, "max_entries": None}))


st.cache_data = _for_ever  # type: ignore[assignment]

from driftline_dashboard import data  # noqa: E402  after that

_MOMENT: Final = data.moment()

data.moment = lambda: _MOMENT
