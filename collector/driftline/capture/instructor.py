"""Results of instructor: the application's own pydantic models, which carry the answer that they were made of."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from driftline import capture
from driftline.capture.chat import usage
from driftline.fields import members

if TYPE_CHECKING:
    from collections.abc import Mapping

    from driftline.capture.result import Result


def matches(of: Mapping[str, Any]) -> bool:
    """Whether it carries an answer."""
    return "_raw_response" in of


def read(value: object) -> Result:
    """Read the answer, with the tokens of all attempts that it took."""
    of = members(value)
    answer = capture.understand(of["_raw_response"])
    total = usage(of.get("_total_usage"))
    return answer if total.input is None else replace(answer, usage=total)
