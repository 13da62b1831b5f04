"""Garbage collection, kept away from visitors."""

from __future__ import annotations

import functools
import gc


@functools.cache
def settle() -> None:
    """Take all that was imported out of the collector's rounds, once in a process: one of them would hold up a page."""
    gc.collect()
    gc.freeze()
