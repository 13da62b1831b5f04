"""Quantiles of histograms: in Python as in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driftline_store.histogram import middle, quantile, quantile_sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_COUNTS = st.dictionaries(st.integers(-300, 300), st.integers(1, 1000), min_size=1, max_size=20)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=_COUNTS, q=st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0]))
def test_a_quantile_is_the_same_in_python_and_in_sql(store_client: Client, counts: dict[int, int], q: float) -> None:
    keys = sorted(counts)
    sql = quantile_sql("mapFromArrays({keys:Array(Int16)}, {counts:Array(UInt64)})", q)
    asked = {"keys": keys, "counts": [counts[key] for key in keys]}
    ((found,),) = store_client.query(f"SELECT {sql}", parameters=asked).result_rows
    assert middle(quantile(counts, q)) == pytest.approx(found, rel=1e-12)


def test_nothing_has_no_quantile() -> None:
    with pytest.raises(ValueError, match="got none"):
        quantile({}, 0.5)
