"""The dashboard, built as ever, on constant data: after the first visit it asks the store for nothing."""

from __future__ import annotations

import runpy

import support.constant_data  # noqa: F401  what it changes
from support.dashboard_store import APP

runpy.run_path(str(APP), run_name="__main__")
