"""Checked by mypy, never run: decorating changes no type."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, assert_type

import driftline
from driftline import observe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from typing import Any

    from openai.types.chat import ChatCompletion

T = TypeVar("T")


@observe
def bare(question: str, *, tries: int = 1) -> list[str]:
    return [question] * tries


@observe(feature="f", name="n", prompt_name="p", prompt_version="v", capture_content=False)
def configured(question: str) -> ChatCompletion:
    raise NotImplementedError


@observe
async def coroutine(question: str) -> int:
    return len(question)


@observe
def generator(count: int) -> Iterator[int]:
    yield count


@observe
async def async_generator(count: int) -> AsyncIterator[int]:
    yield count


class Bot:
    @observe
    def answer(self, question: str) -> str:
        return question

    @staticmethod
    @observe(feature="f")
    def static(question: str) -> str:
        return question

    @classmethod
    @observe
    def build(cls, size: int) -> Bot:
        return cls() if size else Bot()


def generic(value: T) -> T:
    return value


assert_type(bare("q", tries=2), list[str])
bare(1)  # type: ignore[arg-type]
bare("q", trys=2)  # type: ignore[call-arg]
assert_type(Bot().answer("q"), str)
Bot().answer()  # type: ignore[call-arg]
assert_type(Bot.static("q"), str)
assert_type(Bot.build(1), Bot)
assert_type(observe(generic)(1), int)
observe(feature=1)(bare)  # type: ignore[call-overload]
observe("feature")  # type: ignore[call-overload]

if TYPE_CHECKING:
    assert_type(configured("q"), ChatCompletion)
    kept: Callable[[str], Coroutine[Any, Any, int]] = coroutine
    assert_type(generator(1), Iterator[int])
    assert_type(async_generator(1), AsyncIterator[int])
    plain: Callable[[str], ChatCompletion] = configured

    assert_type(driftline.current(), driftline.Handle | None)
    driftline.feedback("token", thumbs_up=True)
    driftline.feedback(trace_id="0af7651916cd43dd8448eb211c80319c", score=0.5)
    driftline.feedback(response_id="chatcmpl-7", report="wrong")
    driftline.feedback(3)  # type: ignore[arg-type]
    with driftline.session("s", user="u") as scope:
        assert_type(scope, driftline.session)
    assert_type(driftline.flush(timeout=1), bool)
    assert_type(driftline.stats(), driftline.Stats)
    driftline.init(bus="sqlite:///bus.db", service_name="shop")
    driftline.init(instrument=["openai"], follow_threads=False)
    driftline.init("sqlite:///bus.db")  # type: ignore[call-arg]


def canned(question: str) -> str:
    return question


@driftline.guard("f", otherwise=canned)
def guarded(question: str) -> str:
    return question


assert_type(guarded("a"), str)
assert_type(driftline.guard("f"), bool)


async def canned_later(question: str) -> str:
    return question


@driftline.guard("f", otherwise=canned_later)
async def guarded_later(question: str) -> str:
    return question


@driftline.guard("f", otherwise=canned)
async def guarded_at_once(question: str) -> str:
    return question


later: list[Callable[[str], Coroutine[Any, Any, str]]] = [guarded_later, guarded_at_once]
driftline.guard("f", otherwise=canned_later)(canned)  # type: ignore[arg-type]
driftline.guard("f", otherwise=canned)(bare)  # type: ignore[arg-type]
