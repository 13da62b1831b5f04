"""The laws that ``benchmarks/drift.py`` draws from are those that its rows are named after."""

from __future__ import annotations

import numpy as np
import pytest

from driftline_store.histogram import middle
from support.drift_laws import Law, flags, latencies, notch_worse, scores


def _mean(law: Law) -> float:
    return float(law.keys @ law.p)


@pytest.mark.parametrize("mean", [0.90, 0.88, 0.85, 0.75])
def test_scores_have_the_mean_of_their_name(mean: float) -> None:
    assert _mean(scores(mean)) / 20 == pytest.approx(mean)
    assert scores(mean).p.sum() == pytest.approx(1.0)


def test_a_notch_worse_moves_no_answer_by_more_than_one_mark() -> None:
    before, after = scores(0.90), notch_worse(0.90, 0.85)
    assert _mean(after) / 20 == pytest.approx(0.85)
    above_before, above_after = (np.cumsum(law.p[::-2]) for law in (before, after))
    assert (above_after <= above_before + 1e-12).all()
    assert (above_after[1:] >= above_before[:-1] - 1e-12).all()


@pytest.mark.parametrize("factor", [1.0, 1.2, 1.5])
def test_latencies_are_as_much_longer_as_they_say(factor: float) -> None:
    law = latencies(factor)
    assert law.p.sum() == pytest.approx(1.0)
    at = int(np.searchsorted(np.cumsum(law.p), 0.5))
    assert middle(int(law.keys[at])) == pytest.approx(factor, rel=0.025)


def test_what_is_drawn_follows_the_law() -> None:
    drawn = scores(0.90).draw(np.random.default_rng(1), (4, 20_000))
    seen = np.bincount(drawn.ravel(), minlength=21) / drawn.size
    np.testing.assert_allclose(seen, scores(0.90).p, atol=0.006)


def test_evidence_grows_under_the_changed_law_and_falls_under_the_healthy_one() -> None:
    evidence = flags(0.04).evidence_against(flags(0.02))
    assert flags(0.04).p @ evidence > 0 > flags(0.02).p @ evidence
