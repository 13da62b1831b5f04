"""What is taken out of texts, what is left alone, and what happens when the application's own redaction fails."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from driftline.errors import SettingsError
from driftline.privacy import BUILT_IN, FAILED, Pattern, Redactor, named
from driftline.privacy.find import replace
from driftline.privacy.screen import Scan, Screen
from redaction_support import ASSIGNED, EVERY, SURVIVORS

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ["private_key", "api_key", "token", "secret", "email", "iban", "card", "ssn", "phone"]


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    return Redactor()


AROUND = ("{}", "My number is {}, thanks", "x: {}.", "日本{}語", "<{}>", '"{}"', "a\n{}\nb", r"a\n{} b", "a,{},b")


@pytest.mark.parametrize(("secret", "marker"), EVERY)
def test_it_is_found_wherever_it_stands(redactor: Redactor, secret: str, marker: str) -> None:
    for around in AROUND:
        assert redactor.text(around.format(secret)) == around.format(marker)


@pytest.mark.parametrize(("text", "expected"), ASSIGNED)
def test_it_is_found_by_what_stands_before_it(redactor: Redactor, text: str, expected: str) -> None:
    assert redactor.text(text) == expected


@pytest.mark.parametrize("text", SURVIVORS)
def test_what_only_looks_like_it_stays(redactor: Redactor, text: str) -> None:
    for whole in (text, f"see {text} here", f'"{text}",', f"{text}\n{text}"):
        assert redactor.text(whole) is whole


def test_a_card_ends_before_its_check_number(redactor: Redactor) -> None:
    assert redactor.text("4111 1111 1111 1111 123") == "[card] 123"
    assert redactor.text("4111 1111 1111 1111 12/27") == "[card] 12/27"


def test_many_in_one_text(redactor: Redactor) -> None:
    text = "; ".join(secret for secret, _ in EVERY)
    assert redactor.text(text) == "; ".join(marker for _, marker in EVERY)


def test_where_two_rows_find_something_the_first_has_it(redactor: Redactor) -> None:
    assert redactor.text("password: jane1@example.com") == "password: [secret]"
    assert redactor.text("postgres://user:p4ssw0rd@db.example.com/x") == "postgres://user:[secret]@db.example.com/x"


def test_what_a_finding_lays_bare_is_found_too(redactor: Redactor) -> None:
    # Only when the first has gone does no letter stand before the second.
    text = redactor.text("AKIA" + "IOSFODNN7EXAMPLE" + "@jane.doe@example.com")
    assert "jane" not in text
    assert redactor.text(text) is text


SECRETS = st.sampled_from([secret for secret, _ in EVERY] + [text for text, _ in ASSIGNED])
PIECES = st.lists(
    st.one_of(SECRETS, st.sampled_from(SURVIVORS), st.text(max_size=6), st.sampled_from([*" .,:=@+-_/()[]\"'\\\n0123"]))
)


@given(PIECES)
@example(["AKIA" + "IOSFODNN7EXAMPLE", "@", "a@b.co", "0", "a@b.co"])
def test_what_is_redacted_stays_as_it_is(pieces: list[str]) -> None:
    redactor = Redactor()
    once = redactor.text("".join(pieces))
    assert redactor.text(once) is once


@given(PIECES)
def test_no_row_is_left_out_that_would_find_something(pieces: list[str]) -> None:
    scan = Scan("".join(pieces))
    assert replace(scan, Screen(BUILT_IN).suspects(scan)) == replace(scan, BUILT_IN)


@given(st.text(st.characters()))
def test_any_text_is_taken(text: str) -> None:
    assert isinstance(Redactor().text(text), str)


HOSTILE = (
    *("a", "@", "a@", "a@b.", "é@", "sk-", "sk-a1", "eyJ", "eyJaaaaaaaaaa.", "ghp_", "key:", 'api_key="', "token: "),
    *("1", "1 ", "01 ", "+1 ", "(0", "0/", "4111 ", "AB12", "DE89 ", "\u2011", "phone 1", "://a:b", "Bearer a1", "A1b"),
    *("\\", r"\u0040", '"', "[", '{"a":', '["', '{"password":"', "-----BEGIN PRIVATE KEY-----\n"),
    "data:image/png;base64,",
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("unit", HOSTILE)
def test_a_hostile_text_takes_no_longer_than_its_length(redactor: Redactor, unit: str) -> None:
    # A pattern that went back and forth would take 2,500,000,000 steps.
    redactor.text(unit * (50_000 // len(unit)))


def test_the_names_that_can_be_chosen() -> None:
    assert list(dict.fromkeys(row.name for row in BUILT_IN)) == NAMES


def test_only_chosen_rows_are_looked_for() -> None:
    redactor = Redactor(named("email, card"))
    assert redactor.text("a@b.co 4111111111111111 123-45-6789") == "[email] [card] 123-45-6789"
    assert named("") == BUILT_IN
    assert {row.name for row in named("phone")} == {"phone"}


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingsError, match=r"redact_patterns.*'mail'.*known are: private_key, .*phone"):
        named("email,mail")


def test_a_row_of_ones_own() -> None:
    order = Pattern("order", "order numbers", "[order]", re.compile(r"\bORD-[0-9]{4}-[0-9]{6}\b"))
    assert Redactor([*BUILT_IN, order]).text("ORD-2026-000123 of a@b.co") == "[order] of [email]"


def test_no_row_finds_what_another_has_put_there(redactor: Redactor) -> None:
    for row in BUILT_IN:
        assert redactor.text(f"password: {row.replacement}") == f"password: {row.replacement}"


def test_the_hook_gets_what_the_patterns_left() -> None:
    seen: list[str] = []

    def hook(text: str) -> str:
        seen.append(text)
        return text.replace("Zoë", "[name]")

    assert Redactor(hook=hook).text("Zoë, zoe@example.com") == "[name], [email]"
    assert seen == ["Zoë, [email]"]


def test_the_hook_gets_each_text_within_json() -> None:
    redactor = Redactor(hook=lambda text: text.replace('Zoë "Z"', '[na"me]'))
    assert redactor.text('{"Zo\\u00eb": ["Zo\\u00eb \\"Z\\"", 1]}') == '{"Zo\\u00eb": ["[na\\"me]", 1]}'


def raising(text: str) -> str:
    raise RuntimeError(text)


def nothing(text: str) -> str:
    return None  # type: ignore[return-value]


@pytest.mark.parametrize("hook", [raising, nothing])
def test_a_hook_that_fails_leaves_nothing_of_the_text(
    hook: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    redactor = Redactor(hook=hook)
    with caplog.at_level(logging.WARNING, "driftline"):
        assert redactor.text("one") == redactor.text("two") == FAILED
        assert redactor.text('{"a": "three"}') == f'{{"a": "{FAILED}"}}'
    assert redactor.failures == 3
    assert len(caplog.records) == 1


def test_a_text_that_cannot_be_looked_through_does_not_leave() -> None:
    def check(text: str) -> int:
        raise ZeroDivisionError(text)

    redactor = Redactor([Pattern("bad", "", "[bad]", re.compile("x"), check=check)])
    assert redactor.text("xyz") == FAILED
    assert redactor.text("abc") == "abc"
    assert redactor.failures == 1


def test_a_warning_says_nothing_of_the_text(caplog: pytest.LogCaptureFixture) -> None:
    Redactor(hook=raising).text("Zoë Müller")
    assert "RuntimeError" in caplog.text
    assert "Müller" not in caplog.text


def test_texts_that_come_again_and_again_are_not_looked_through_again(monkeypatch: pytest.MonkeyPatch) -> None:
    redactor = Redactor()
    redactor.text("gpt-4o-mini")
    monkeypatch.setattr("driftline.privacy.redactor.Scan", None)
    assert redactor.text("gpt-4o-mini") == "gpt-4o-mini"
    assert redactor.text("gpt-4o-maxi") == FAILED


def test_few_texts_are_remembered() -> None:
    redactor = Redactor()
    for number in range(5_000):
        redactor.text(f"model-{number}")
    assert len(redactor._clean) <= 1_000
