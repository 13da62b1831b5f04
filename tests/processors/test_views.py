"""The queries that move rows between the store's tables."""

from __future__ import annotations

import re
from string import ascii_lowercase

from hypothesis import given
from hypothesis import strategies as st

from driftline_processors.views.view import nested


def levels(query: str) -> list[dict[str, str]]:
    """The columns that each level of the query makes, the innermost first."""
    found = (re.findall(r"^ +(.+) AS (\w+),?$", level, re.MULTILINE) for level in query.split("\nFROM ("))
    return [{column: expression for expression, column in level} for level in found][::-1]


def test_columns_that_name_one_another_stand_in_levels_of_their_own() -> None:
    columns = [("a", "x + 1"), ("b", "a * 2"), ("c", "x || 'a'"), ("d", "b + a + c")]
    made = levels(nested(columns, "SELECT x FROM t"))
    assert [level.keys() for level in made] == [set(), {"a", "c"}, {"b"}, {"d"}]


@given(st.lists(st.sets(st.integers(0, 25)), max_size=26))
def test_a_column_is_made_once_and_above_all_that_it_names(named: list[set[int]]) -> None:
    columns = [
        (ascii_lowercase[n], " + ".join(["1", *(ascii_lowercase[other] for other in sorted(others) if other < n)]))
        for n, others in enumerate(named)
    ]
    below: set[str] = set()
    for level in levels(nested(columns, "SELECT 0 AS zero")):
        assert all(set(re.findall("[a-z]", expression)) <= below for expression in level.values())
        assert not below & level.keys()
        below |= level.keys()
    assert below == {column for column, _ in columns}
