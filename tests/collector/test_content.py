"""Any object as bounded text, without raising and without running the application's code."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import uuid
from collections import OrderedDict, deque, namedtuple
from pathlib import PurePosixPath
from typing import Any

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.content import Budget, plain, to_json
from driftline.messages import render


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Model(pydantic.BaseModel):
    name: str
    api_key: str = "sk-123"


@dataclasses.dataclass
class Order:
    number: int
    tags: list[str]


Point = namedtuple("Point", "x y")  # noqa: PYI024 - the untyped kind is what is tested


class Hostile:
    """Everything about it raises."""

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    __str__ = __repr__

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __iter__(self) -> Any:
        raise RuntimeError("iter")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        pytest.param(10**5000, "<large number>", id="huge"),
        ("text", "text"),
        ("\ud800 lone", "? lone"),
        (b"abc", "<3 bytes>"),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (dt.date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal("1.10"), "1.10"),
        (uuid.UUID(int=0), "00000000-0000-0000-0000-000000000000"),
        (PurePosixPath("/a/b"), "/a/b"),
        ((1, 2), [1, 2]),
        (deque([1]), [1]),
        ({1}, [1]),
        (OrderedDict(a=1), {"a": 1}),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        (Point(1, 2), {"x": 1, "y": 2}),
        (Order(7, ["new"]), {"number": 7, "tags": ["new"]}),
        (Order, "<builtins.type>"),
        (Model(name="m"), {"name": "m", "api_key": "***"}),
        (iter([1]), "<builtins.list_iterator>"),
        (object(), "<builtins.object>"),
        (ValueError("x"), "<builtins.ValueError>"),
    ],
)
def test_objects_as_json(value: object, expected: object) -> None:
    assert plain(value, Budget(1000)) == expected
    assert json.loads(to_json(value, Budget(1000))) == expected


def test_hostile_objects() -> None:
    name = f"<{__name__}.Hostile>"
    assert plain([Hostile(), {"a": Hostile()}], Budget(1000)) == [name, {"a": name}]


def test_cycles() -> None:
    loop: list[Any] = [1]
    loop.append({"again": loop})
    assert plain(loop, Budget(1000)) == [1, {"again": "<cycle>"}]
    shared = [1]
    assert plain([shared, shared], Budget(1000)) == [[1], [1]]


def test_depth_is_bounded() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    budget = Budget(1000)
    assert "…" in to_json(deep, budget)
    assert budget.truncated


def test_size_is_bounded() -> None:
    budget = Budget(1000)
    text = to_json({"numbers": list(range(3_000_000)), "words": ["word"] * 3_000_000}, budget)
    assert len(text) < 100_000
    assert budget.truncated


def test_secrets_by_name_are_hidden() -> None:
    value = {
        "api_key": "a",
        "Authorization": "b",
        "password": "c",
        "access_token": "d",
        "tokens": 3,
        "key": "e",
    }
    assert plain(value, Budget(1000)) == {
        "api_key": "***",
        "Authorization": "***",
        "password": "***",
        "access_token": "***",
        "tokens": 3,
        "key": "e",
    }


def text(content: object, role: str = "user") -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}]}


def test_the_newest_messages_of_a_long_conversation_are_kept() -> None:
    messages = [text(letter * 100) for letter in "abcd"]
    rendered, truncated = render(messages, 250, newest_first=True)
    kept = [message["parts"][0]["content"] for message in json.loads(rendered)]
    assert kept == ["b" * 50 + "…", "c" * 100, "d" * 100]
    assert truncated


def test_the_first_choices_of_an_answer_are_kept() -> None:
    rendered, truncated = render([text("a" * 100), text("b" * 100)], 100, newest_first=False)
    assert [message["parts"][0]["content"] for message in json.loads(rendered)] == ["a" * 100]
    assert truncated


def test_what_fits_exactly_is_not_marked() -> None:
    assert render([text("a" * 100)], 100, newest_first=True)[1] is False


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner),
)


@given(json_values, st.integers(0, 50))
def test_any_data_becomes_valid_json_that_utf8_can_carry(value: object, limit: int) -> None:
    json.loads(to_json(value, Budget(limit)).encode())
    rendered, _ = render([text(value)], limit, newest_first=True)
    json.loads(rendered.encode())
