"""JSON stays JSON: same structure, same other texts, and nothing that was planted is left in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftline.privacy import Redactor
from driftline.privacy.json_text import Kind, kind_of
from redaction_support import EVERY, LETTERS

PLANTED = [secret for secret, _ in EVERY]
HARMLESS = st.one_of(
    st.sampled_from(["user", "content", "order", "id", "ä", "日本", "\n", "\\", '"', "{", "[1]", "\u2028", ""])
)

planted = st.builds(
    lambda before, secret, after: f"{before}\n{secret} {after}", HARMLESS, st.sampled_from(PLANTED), HARMLESS
)
texts = st.one_of(HARMLESS, planted, st.sampled_from(PLANTED))


def dumped(value: object, ascii_only: bool, indent: int | None) -> str:
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent)


def documents(depth: int) -> st.SearchStrategy[Any]:
    leaves = st.one_of(texts, st.none(), st.booleans(), st.integers(-1000, 1000), st.floats(allow_nan=False))
    values = st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
    )
    if depth == 0:
        return values
    nested = st.builds(dumped, documents(depth - 1), st.booleans(), st.none())
    return st.one_of(st.lists(values | nested, max_size=3), st.dictionaries(texts, values | nested, max_size=3))


def parsed(text: str) -> Any:
    return json.loads(text, object_pairs_hook=lambda pairs: ("object", pairs))


def same(old: Any, new: Any) -> bool:
    """Whether they differ in texts with something planted only, and in these by being without it."""
    if isinstance(old, str) and isinstance(new, str):
        if old == new:
            return not any(secret in old for secret in PLANTED)
        return "[" in new and not any(secret in new for secret in PLANTED)
    if isinstance(old, list | tuple) and type(old) is type(new) and len(old) == len(new):
        return all(map(same, old, new))
    return bool(old == new) and type(old) is type(new)


@given(documents(2), st.booleans(), st.sampled_from([None, 2]))
def test_a_document_keeps_its_structure_and_loses_what_was_planted(
    document: Any, ascii_only: bool, indent: int | None
) -> None:
    text = dumped(document, ascii_only, indent)
    redactor = Redactor()
    redacted = redactor.text(text)
    assert same(parsed(text), parsed(redacted))
    assert redactor.text(redacted) == redacted
    assert redactor.failures == 0


@pytest.mark.parametrize(("secret", "marker"), EVERY)
def test_each_is_found_when_it_is_alone_in_a_document(secret: str, marker: str) -> None:
    for ascii_only in (True, False):
        for text in (secret, f"a\n{secret}", f"\u00e9 {secret}\t"):
            for document in ([text], {"a": {"b": text}}, {text: 1}, [json.dumps([text], ensure_ascii=ascii_only)]):
                redacted = Redactor().text(json.dumps(document, ensure_ascii=ascii_only))
                assert same(parsed(json.dumps(document)), parsed(redacted)), redacted
                assert marker in redacted


@given(documents(1), st.booleans(), st.integers(0, 10_000))
def test_a_cut_document_loses_what_was_planted_in_it(document: Any, ascii_only: bool, length: int) -> None:
    text = dumped(document, ascii_only, None)[:length]
    redacted = Redactor().text(text)
    # As they stand in the text; cut ones too, where enough is left to be known by.
    assert not any(json.dumps(secret, ensure_ascii=ascii_only)[1:-1] in redacted for secret in PLANTED)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'{"a":"x\nfoo@bar.com"}', r'{"a":"x\n[email]"}'),
        (r'{"a":"x\u0040bar.com"}', r'{"a":"[email]"}'),
        (r'{"a":"\u002b49 30 1234567"}', r'{"a":"[phone]"}'),
        (r'{"a":"+49\u202f30\u202f1234567"}', r'{"a":"[phone]"}'),
        (r'{"a":"https:\/\/user:swordfish@host\/"}', r'{"a":"https://user:[secret]@host/"}'),
        (r'{"a":"{\"b\":\"x\\nfoo@bar.com\"}"}', r'{"a":"{\"b\":\"x\\n[email]\"}"}'),
        ('{"foo@bar.com": 1, "foo@baz.com": 2}', '{"[email]": 1, "[email]": 2}'),
        ('{"n": 4111111111111111, "m": 1.50, "e": 1E5}', '{"n": "[card]", "m": 1.50, "e": 1E5}'),
        ('{"password": "hunt\\"er2", "b": 1}', '{"password": "[secret]", "b": 1}'),
        ('{"password" : 12345678, "b": 1}', '{"password" : "[secret]", "b": 1}'),
        ('{"userPassword": "swordfish"}', '{"userPassword": "[secret]"}'),
        ('{"db.password": "swordfish"}', '{"db.password": "[secret]"}'),
        ('{"password": {"type": "string"}}', '{"password": {"type": "string"}}'),
        ('{"password": null, "a": "b"}', '{"password": null, "a": "b"}'),
        ('{"max_tokens": 100000, "token": "Hello"}', '{"max_tokens": 100000, "token": "Hello"}'),
        (f'{{"token": "{LETTERS}"}}', '{"token": "[secret]"}'),
        (f'{{"Authorization": "Basic {LETTERS}"}}', '{"Authorization": "[secret]"}'),
        (f'{{"Authorization": "Bearer {LETTERS}"}}', '{"Authorization": "[secret]"}'),
        ('{"phoneNumber": "4155552671"}', '{"phoneNumber": "[phone]"}'),
        ('{"phone": 4155552671}', '{"phone": "[phone]"}'),
        ('{"phone": "iPhone 15 Pro"}', '{"phone": "iPhone 15 Pro"}'),
        (' \n[ "a@b.co" ] ', ' \n[ "[email]" ] '),
        ('"a@b.co"', '"[email]"'),
        ('"\\ud83d a@b.co ä"', '"\\ud83d [email] \\u00e4"'),
        ('["日本 a@b.co"]', '["日本 [email]"]'),
        ('[1,"a@b.co",NaN]', '[1,"[email]",NaN]'),
    ],
)
def test_json(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'[{"content":"x\nfoo@bar.com and', r'[{"content":"x\n[email] and'),
        (r'[{"content":"foo@bar.com…', r'[{"content":"[email]…'),
        (r'[{"content":"foo@bar.com\u00', r'[{"content":"[email]\u00'),
        (r'[{"content":"foo@bar.com\…', r'[{"content":"[email]\…'),
        (r'[{"content":"foo@bar.com"},{"content":tr', r'[{"content":"[email]"},{"content":tr'),
        ('{"a":"b"}\n{"a":"c\\nfoo@bar.com"}', '{"a":"b"}\n{"a":"c\\n[email]"}'),
        ("[a@b.co", "[[email]"),
        ('"hi" a@b.co', '"hi" [email]'),
        ('[Note] call "Jane" at foo@bar.com', '[Note] call "Jane" at [email]'),
        ("{name}, write to foo@bar.com", "{name}, write to [email]"),
        (r"data: {\"a\": \"\\nfoo@bar.com\"}", r"data: {\"a\": \"\\n[email]\"}"),
        ("[" * 100_000 + "foo@bar.com", "[" * 100_000 + "[email]"),
    ],
)
def test_what_is_no_json_or_only_its_beginning(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected


def test_nothing_to_find_leaves_the_same_object() -> None:
    text = json.dumps([{"role": "user", "id": "550e8400-e29b-41d4-a716-446655440000", "created": 1732100000}])
    assert Redactor().text(text) is text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("[]", Kind.WHOLE),
        ('["a', Kind.BEGINNING),
        ('{"a":', Kind.BEGINNING),
        ("[a, long text]", Kind.OTHER),
        ("[] []", Kind.OTHER),
    ],
)
def test_what_counts_as_json(text: str, kind: Kind) -> None:
    assert kind_of(text) is kind
