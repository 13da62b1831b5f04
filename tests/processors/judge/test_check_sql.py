"""Checks as the engine computes them; JSON Schema is held against the reference implementation."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from driftline_processors.checks import ANSWER_TEXT
from driftline_processors.judge.check import CheckConfig
from driftline_processors.judge.check_sql import failed_sql, passes_sql
from driftline_processors.judge.json_schema_sql import json_schema_sql

if TYPE_CHECKING:
    from driftline_store.client import Client


def check(name: str = "c", **condition: Any) -> CheckConfig:
    return CheckConfig.model_validate({"name": name, "kind": "check", **condition})


def passing(client: Client, condition: str, texts: list[str]) -> list[bool]:
    """Which of the texts pass, by one query."""
    rows = client.query(f"SELECT {condition} FROM (SELECT arrayJoin({{t:Array(String)}}) AS answer)", {"t": texts})
    return [bool(passed) for (passed,) in rows.result_rows]


@pytest.mark.parametrize(
    ("condition", "passed", "failed"),
    [
        ({"length": {"min": 2}}, ["ab", "äöü"], ["", "ä"]),
        ({"length": {"max": 3}}, ["", "äöü", "日本語"], ["äöüß"]),
        ({"length": {"min": 2, "max": 3}}, ["ab", "abc"], ["a", "abcd"]),
        ({"forbidden": r"https?://"}, ["no link"], ["see HTTP://x", "a\nhttps://b"]),
        ({"forbidden": ["foo", "it's \\d+"]}, ["bar", "it's x"], ["Foo", "it's 5"]),
        ({"required": ["kind", "regards$"]}, ["Kind regards"], ["kind", "regards", "kind regards!"]),
        ({"required": "ä{2}"}, ["ÄÄ"], ["ä"]),
        ({"json": True}, ["{}", "[1]", ' {"a": "ü"} ', "5"], ["", "{", "{'a': 1}", '{"a": 1,}', "Sure: {}"]),
        (
            {"refusal": False},
            ["Here you are."],
            ["I'm sorry, but I can't help with that.", "As an AI language model, I"],
        ),
        (
            {"language": "en"},
            [
                "The order is on its way and you can track it with the number that we have sent to you.",
                "Ok",
                "",
                "See Müller & Söhne: the invoice is not paid, and it has to be paid by the end of this month.",
            ],
            [
                "Ihre Bestellung ist auf dem Weg und wird in zwei Tagen bei Ihnen sein, wir melden uns.",
                "ご注文の商品は現在配送中です。到着までしばらくお待ちください。",
                "您的订单正在配送途中,请耐心等待。",
            ],
        ),
        (
            {"language": ["de", "ja"]},
            [
                "Ihre Bestellung ist auf dem Weg und wird in zwei Tagen bei Ihnen sein, wir melden uns.",
                "ご注文の商品は現在配送中です。到着までしばらくお待ちください。",
            ],
            [
                "Votre commande est en route et vous pouvez la suivre avec le numéro que nous avons envoyé.",
                "Su pedido está en camino y usted puede seguir el envío con el número que se le ha enviado.",
                "Ваш заказ уже в пути, мы сообщим вам о доставке.",
                "您的订单正在配送途中,请耐心等待。",
            ],
        ),
    ],
)
def test_what_passes_and_what_fails(
    prepared: Client, condition: dict[str, Any], passed: list[str], failed: list[str]
) -> None:
    found = passing(prepared, passes_sql(check(**condition), "answer"), passed + failed)
    assert found == [True] * len(passed) + [False] * len(failed)


def test_the_names_of_the_failed_checks_that_apply(prepared: Client) -> None:
    checks = [
        check("it's short", length={"max": 5}),
        check("no link", forbidden="http", applies={"features": ["support", "it's"]}),
        check("parses", json=True, applies={"features": "extract", "models": ["m"], "operations": ["chat"]}),
    ]
    rows = prepared.query(
        f"SELECT {failed_sql(checks, 'answer')} FROM (SELECT {{t:String}} AS answer, "
        "arrayJoin(['it\\'s', 'extract', 'sales']) AS feature, 'm' AS model, 'chat' AS operation)",
        {"t": "see http://x"},
    ).result_rows
    assert [row[0] for row in rows] == [["it's short", "no link"], ["it's short", "parses"], ["it's short"]]
    assert prepared.query(f"SELECT {failed_sql([], 'answer')}").result_rows == [([],)]


def test_what_a_person_reads_of_recorded_messages_is_checked(prepared: Client) -> None:
    said = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": '{"total": 12.5}'}]}])
    condition = passes_sql(check(json_schema={"type": "object", "required": ["total"]}), "answer")
    sql = f"SELECT {condition} FROM (SELECT {ANSWER_TEXT} AS answer FROM (SELECT {{t:String}} AS output))"
    assert prepared.query(sql, {"t": said}).result_rows == [(1,)]
    assert prepared.query(sql, {"t": said.replace("total", "sum")}).result_rows == [(0,)]


INVOICE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Invoice",
    "type": "object",
    "properties": {
        "number": {"type": "string", "pattern": "^R-[0-9]+$"},
        "total": {"type": "number", "minimum": 0},
        "paid": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None},
        "currency": {"enum": ["EUR", "USD"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "minItems": 1},
    },
    "required": ["number", "total", "lines"],
    "additionalProperties": False,
    "$defs": {
        "Line": {
            "type": "object",
            "properties": {"text": {"type": "string", "minLength": 1}, "amount": {"type": "integer"}},
            "required": ["text", "amount"],
        }
    },
}
GOOD: dict[str, Any] = {"number": "R-1", "total": 2.5, "lines": [{"text": "a", "amount": 1}]}
SCHEMAS: tuple[dict[str, Any], ...] = (
    INVOICE,
    *({"type": name} for name in ("string", "boolean", "null", "object", "array", "number", "integer")),
    {"type": ["string", "null"]},
    {"const": "a"},
    {"const": 1},
    {"const": True},
    {"const": None},
    {"enum": ["a", 1, None, False]},
    {"minLength": 2, "maxLength": 3},
    {"pattern": "^a.c$"},
    {"minimum": 1, "maximum": 2},
    {"exclusiveMinimum": 1, "exclusiveMaximum": 2},
    {"minItems": 1, "maxItems": 2, "items": {"type": "integer"}},
    {"items": {"items": {"type": "string"}}},
    {"minProperties": 1, "maxProperties": 1},
    {"required": ["a"]},
    {"properties": {"a": {"const": 1}, "it's": False}},
    {"properties": {"a": True}, "additionalProperties": {"type": "integer"}},
    {"additionalProperties": False},
    {"allOf": [{"minimum": 1}, {"type": "integer"}]},
    {"anyOf": [{"minimum": 2}, {"type": "string"}]},
    {},
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, -3, 1.0, 1.5, 2**53, 1e300, "", "a", "ab", "abc", "a\nc", "日本語", 'q"\\'),
    *([], [1], [1, 2], [1, 2, 3], ["a"], [["a"], []], [[1]], [None]),
    *({}, {"a": 1}, {"a": None}, {"a": 2}, {"a": 1, "b": 2}, {"a": "x", "b": "y"}, {"it's": 1}, {"": 1}),
    *(GOOD, GOOD | {"total": -1}, GOOD | {"number": "1"}, GOOD | {"paid": None}, GOOD | {"paid": 1}, GOOD | {"x": 1}),
    *(GOOD | {"lines": []}, GOOD | {"lines": [{"text": "", "amount": 1}]}, GOOD | {"lines": [{"text": "a"}]}),
    *(GOOD | {"currency": "EUR"}, GOOD | {"currency": "eur"}, GOOD | {"lines": [*GOOD["lines"], 1]}),
)


def test_a_json_schema_finds_what_the_reference_implementation_finds(prepared: Client) -> None:
    texts = [json.dumps(value) for value in VALUES] + [json.dumps(value, indent=1) + "\n" for value in VALUES]
    values = [*VALUES, *VALUES]
    wrong = []
    for schema in SCHEMAS:
        valid = jsonschema.Draft202012Validator(schema).is_valid
        found = passing(prepared, json_schema_sql(schema, "answer"), texts)
        wrong += [
            (schema, text) for text, value, passed in zip(texts, values, found, strict=True) if passed != valid(value)
        ]
    assert not wrong


def test_what_is_no_json_fits_no_schema(prepared: Client) -> None:
    texts = ["", "a", "{", '{"a": 1', "{'a': 1}", "Here: {}"]
    assert passing(prepared, json_schema_sql({}, "answer"), texts) == [False] * len(texts)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "sting"}, "has the type 'sting'; known are: string"),
        ({"oneOf": [{}]}, "has 'oneOf', which cannot be checked here; known are: type, const"),
        ({"properties": {"a": {"uniqueItems": True}}}, "has 'uniqueItems'"),
        ({"properties": []}, "'properties' that does not map"),
        ({"required": "a"}, "'required' that is no list"),
        ({"enum": []}, "'enum' that is no list"),
        ({"const": [1]}, "asks for the value"),
        ({"items": 5}, "has 5 where a schema belongs"),
        ({"minimum": True}, "must be a number"),
        ({"anyOf": []}, "is no list of schemas"),
        ({"pattern": "("}, "must be regular expressions"),
        ({"pattern": "a(?=b)"}, "must do without look-around"),
        ({"$ref": "http://elsewhere"}, "only those within itself"),
        ({"$ref": "#/$defs/a"}, "leads nowhere"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}, "recursive"),
        (
            {
                "$ref": "#/$defs/0",
                "$defs": {str(n): {"allOf": [{"$ref": f"#/$defs/{n + 1}"}] * 4} for n in range(8)} | {"8": {}},
            },
            "has more than 1,000 parts",
        ),
        ({"enum": ["x" * 100] * 500}, "characters of SQL"),
    ],
)
def test_a_schema_that_cannot_be_checked_is_refused(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        json_schema_sql(schema, "answer")


def test_deep_schemas_are_sql_or_refused() -> None:
    for keyword, depth in itertools.product(("items", "additionalProperties"), (10, 100, 5000)):
        schema: dict[str, Any] = {}
        for _ in range(depth):
            schema = {keyword: schema}
        with contextlib.suppress(ValueError):
            json_schema_sql(schema, "answer")
