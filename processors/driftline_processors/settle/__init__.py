"""Totals per request and per session, once all of their spans can be expected to have come.

A step looks at what arrived some time ago, computes the totals of the traces (or sessions) concerned from all
that is stored, and appends the differences to what it had written of them before. So a repeat writes nothing, and
what comes late is added and counted. The new rows then go into the sums, under a token, exactly once.
"""

from __future__ import annotations

from driftline_processors.settle.sessions import settle_sessions
from driftline_processors.settle.traces import settle_traces

__all__ = ["settle_sessions", "settle_traces"]
