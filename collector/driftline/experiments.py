"""Experiments: who gets what, and the mark on all spans that says so."""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from driftline.context import Labelled
from driftline.fields import label
from driftline.labels import Labels

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger("driftline")
_UNITS = 1 << 64


def assign(experiment: str, unit: object, variants: Mapping[str, float] | Sequence[str]) -> str:
    """Decide what one user, session or customer gets: always the same, in every process and language that hashes so.

    The first 64 bits of SHA-256 over ``experiment:unit``, as a share of all there are, fall into one of the variants'
    shares, in their order. So a variant whose share grows keeps those that it had, if it stays in its place.
    Never raises: shares that are no positive numbers count as 0.

    Args:
        experiment: its name; another one shares its users out anew.
        unit: who is assigned, such as a user's id.
        variants: names, with their shares (of their sum) or in equal parts.

    Returns:
        The variant's name; empty where there are none.
    """
    shares = variants if isinstance(variants, Mapping) else dict.fromkeys(variants, 1.0)
    weights: dict[str, float] = {name: _share(share) for name, share in shares.items()}
    total = sum(weights.values())
    if not total:
        _log.warning("driftline: experiment %r has no variant with a share above 0", experiment)
        return next(iter(weights), "")
    hashed = hashlib.sha256(f"{label(experiment)}:{label(unit)}".encode()).digest()
    place = int.from_bytes(hashed[:8], "big") / _UNITS * total
    for name, weight in weights.items():
        place -= weight
        if place < 0:
            return name
    return next(name for name in reversed(weights) if weights[name])  # what rounding left over


class experiment(Labelled):  # noqa: N801 - reads as a function, like session
    """Mark all spans started within as part of an experiment: ``with experiment("prompt", user, {…}) as variant:``.

    Within it, the variant is a dimension of every metric. Of experiments inside one another, spans carry the
    innermost. Never raises.

    Args:
        name: of the experiment.
        unit: who is assigned, as for ``assign``.
        variants: names and shares, as for ``assign``.
        variant: the assignment, where something else made it.
    """

    def __init__(
        self,
        name: str,
        unit: object = None,
        variants: Mapping[str, float] | Sequence[str] = (),
        *,
        variant: str | None = None,
    ) -> None:
        self.variant = label(variant) or assign(name, unit, variants)
        super().__init__(Labels(experiment=label(name), variant=self.variant) if self.variant else Labels())

    def __enter__(self) -> str:  # type: ignore[override]  # what one wants of it is the variant
        super().__enter__()
        return self.variant

    async def __aenter__(self) -> str:  # type: ignore[override]
        return self.__enter__()


def _share(share: object) -> float:
    number = float(share) if isinstance(share, int | float) else 0.0
    return number if math.isfinite(number) and number > 0 else 0.0
