"""How names, metrics and dimensions are written in alerts.yaml, and what they become."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from driftline_alerts.system_metrics import KNOWN
from driftline_store.metrics import DIMENSIONS, closest

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""Of a rule."""


def _metric(raw: object) -> str:
    if not isinstance(raw, str) or raw not in KNOWN:
        raise ValueError(f"names {raw!r}, which is no metric; {closest(str(raw), tuple(KNOWN))}")
    return raw


def _dimension(raw: object) -> str:
    if not isinstance(raw, str) or raw not in DIMENSIONS:
        raise ValueError(f"names {raw!r}, which is no dimension; {closest(str(raw), DIMENSIONS)}")
    return raw


def _dimensions(raw: object) -> tuple[str, ...]:
    names = [raw] if isinstance(raw, str) else raw
    if not isinstance(names, list | tuple):
        raise ValueError(f"must be a list of dimensions, not {raw!r}")  # noqa: TRY004  pydantic reports ValueError
    chosen = {_dimension(name) for name in names}
    return tuple(name for name in DIMENSIONS if name in chosen)


def _where(raw: object) -> dict[str, str]:
    if not isinstance(raw, dict):
        raise ValueError(f"must map dimensions to values, such as feature: checkout, not {raw!r}")  # noqa: TRY004
    for name, value in raw.items():
        _dimension(name)
        if not isinstance(value, str):
            raise ValueError(f"needs quotes around the value of {name}: {value!r} is not text")  # noqa: TRY004
    return {name: raw[name] for name in DIMENSIONS if name in raw}


_METRIC_FORM: Final[Any] = Annotated[str, Field(json_schema_extra={"enum": list(KNOWN)})]
_DIMENSION_FORM: Final[Any] = Literal[DIMENSIONS]

Team = Annotated[str, Field(max_length=100)]
"""Whose something is."""

Runbook = Annotated[str, Field(max_length=2000, pattern=r"^(https://[^\s/]\S*)?$")]
"""Address of what to do; '' for none."""


def without_default(field: dict[str, Any]) -> None:
    """For the schema of a time: its default is not written as people write times."""
    del field["default"]


MetricName = Annotated[str, BeforeValidator(_metric, json_schema_input_type=_METRIC_FORM)]
"""One of ``KNOWN``."""

Dimensions = Annotated[
    tuple[str, ...], BeforeValidator(_dimensions, json_schema_input_type=_DIMENSION_FORM | list[_DIMENSION_FORM])
]
"""One of ``DIMENSIONS`` or a list of them, which become a tuple in their order."""

Where = Annotated[dict[str, str], BeforeValidator(_where, json_schema_input_type=dict[_DIMENSION_FORM, str])]
"""Dimensions, in their order, and the values that they must have."""
