"""Tails against printed tables and closed forms."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline_alerts.drift.tails import f_tail, incomplete_beta, upper_bound


@pytest.mark.parametrize(
    ("value", "of", "within", "tail"),
    [  # NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.3: upper critical values
        (161.448, 1, 1, 0.05),
        (4.965, 1, 10, 0.05),
        (3.478, 4, 10, 0.05),
        (5.994, 4, 10, 0.01),
        (4.431, 4, 20, 0.01),
        (3.513, 4, 100, 0.01),
        (3.206, 5, 100, 0.01),
    ],
)
def test_the_tail_of_f_is_that_of_the_table(value: float, of: int, within: int, tail: float) -> None:
    assert f_tail(value, of, within) == pytest.approx(tail, rel=2e-3)


@pytest.mark.parametrize("half", [0.5, 3.0, 6.6, 15.0, 60.0])
def test_with_millions_of_observations_f_is_chi_square(half: float) -> None:
    # Chi-square with 4 degrees of freedom exceeds 2h with probability (1 + h) e^-h.
    assert f_tail(2 * half / 4, 4, 50_000_000) == pytest.approx((1 + half) * math.exp(-half), rel=1e-4)


@given(st.floats(0.1, 200), st.floats(0.1, 200), st.floats(1e-6, 1 - 1e-6))
def test_the_beta_function_mirrors_itself_and_stays_a_probability(a: float, b: float, x: float) -> None:
    found = incomplete_beta(a, b, x)
    assert -1e-9 <= found <= 1 + 1e-9
    assert found == pytest.approx(1 - incomplete_beta(b, a, 1 - x), abs=1e-8)


@given(st.integers(1, 40), st.integers(0, 40), st.floats(0.01, 0.99))
def test_the_beta_function_sums_up_binomial_probabilities(n: int, hits: int, p: float) -> None:
    hits = min(hits, n - 1)
    at_most = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(hits + 1))
    assert incomplete_beta(n - hits, hits + 1, 1 - p) == pytest.approx(at_most, abs=1e-9)


@pytest.mark.parametrize(
    ("hits", "n", "bound"),
    [(0, 150, 1 - 0.05 ** (1 / 150)), (0, 59, 0.0495), (1, 100, 0.0466), (5, 100, 0.1023), (7, 7, 1.0)],
)
def test_the_upper_bound_of_a_rate_is_exact(hits: int, n: int, bound: float) -> None:
    assert upper_bound(hits, n) == pytest.approx(bound, abs=1e-4)
