"""Values of metrics as people read them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline_store.metrics import Format, Metric

NO_DATA: Final = "n/a"


def format_value(metric: Metric, value: float | None) -> str:
    """A value of ``metric`` as text with its unit, such as ``1.24 s``, ``$0.0031`` or ``91.3 %``.

    Returns:
        ``n/a`` for None, NaN and infinities: no data is never written as 0.
    """
    if value is None or not math.isfinite(value):
        return NO_DATA
    return _FORMATS[metric.format](value)


def format_interval(metric: Metric, low: float | None, high: float | None) -> str:
    """Both ends of an interval, the sign of percent once."""
    return f"{format_value(metric, low).removesuffix(' %')} – {format_value(metric, high)}"


def _decimals(value: float, significant: int, most: int) -> int:
    """Digits after the point that show ``significant`` digits of a value, at most ``most``."""
    if value == 0:
        return 0
    return min(max(significant - 1 - math.floor(math.log10(abs(value))), 0), most)


def _seconds(value: float) -> str:
    return f"{value:,.{_decimals(value, 3, 3)}f} s"


def _money(value: float) -> str:
    decimals = max(2, _decimals(value, 2, 8))
    return f"{'-' if value < 0 else ''}${abs(value):,.{decimals}f}"


def _percent(value: float) -> str:
    decimals = 2 if 0 < abs(value) < 0.001 else 1
    return f"{value * 100:.{decimals}f} %"


def _count(value: float) -> str:
    return f"{value:,.{0 if value.is_integer() else _decimals(value, 2, 1)}f}"


def _score(value: float) -> str:
    return f"{value:.3f}"


_FORMATS: Final[dict[Format, Callable[[float], str]]] = {
    "count": _count,
    "percent": _percent,
    "seconds": _seconds,
    "money": _money,
    "score": _score,
}
