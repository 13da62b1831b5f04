"""Feedback that names its request by an id alone: finds the request and files it there, once.

Such events come from processes that know a trace, span or response id and nothing else, often before the
request is stored, or days later. They wait in ``evaluations_pending``.
"""

from __future__ import annotations

from driftline_processors.matching.match import match_pending

__all__ = ["match_pending"]
