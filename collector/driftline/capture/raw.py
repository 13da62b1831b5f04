"""Answers of the OpenAI and Anthropic clients with their HTTP response around them, and the openers of streams."""

from __future__ import annotations

from driftline import capture
from driftline.capture.result import Result
from driftline.fields import members


def read(value: object) -> Result:
    """Read what the application has parsed of it by now; parsing is left to the application."""
    for parsed in list(members(members(value).get("_parsed_by_type")).values()):
        return capture.understand(parsed)
    return Result()
