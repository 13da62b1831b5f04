"""The JSON Schema of ``alerts.yaml``, for editors, and the reference in docs/rules.md, both made from the models.

``python -m driftline_alerts.rules_schema`` writes the schema, ``… --docs`` prints the reference.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from driftline_alerts.alerts_file import AlertsFile
from driftline_alerts.system_metrics import SYSTEM

PATH: Final = Path(__file__).with_name("alerts.schema.json")
"""Where it is kept, and shipped."""

_SECTIONS: Final = {
    "The file": "AlertsFile",
    "A rule": "Rule",
    "A rule of drift detection": "DriftRule",
    "A review rule": "ReviewRule",
    "A route": "Route",
    "An escalation": "Escalation",
    "Containment": "Containment",
    "The webhook of containment": "Webhook",
}
_NAMED: Final = {"metric": "a metric", "group_by": "dimensions", "where": "dimension: value"}
"""Types that are told by their meaning, as their values are too many."""


_KINDS: Final = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "`true` or `false`",
    "array": "a list",
    "object": "keys and values",
    "null": "",
}


def schema() -> dict[str, Any]:
    """The schema."""
    found = AlertsFile.model_json_schema(by_alias=True, mode="validation")
    return {**found, "$schema": "https://json-schema.org/draft/2020-12/schema", "title": "alerts.yaml"}


def text() -> str:
    """The schema, as it is kept."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def reference() -> str:
    """Tables of all keys, as Markdown."""
    whole = schema()
    parts = []
    for title, name in _SECTIONS.items():
        model = whole["$defs"].get(name, whole)
        rows = [_row(key, field, key in model.get("required", ())) for key, field in model["properties"].items()]
        parts.append(f"### {title}\n\n| key | value | default | meaning |\n|---|---|---|---|\n{''.join(rows)}")
    system = "".join(f"| `{one.name}` | {one.unit} | {one.doc} |\n" for one in SYSTEM.values())
    parts.append(f"### Metrics of Driftline itself\n\n| name | unit | meaning |\n|---|---|---|\n{system}")
    return "\n".join(parts)


def _row(key: str, field: dict[str, Any], is_required: bool) -> str:
    default = field.get("default")
    shown = f"`{default if isinstance(default, str) else json.dumps(default)}`" if default else ""
    return f"| `{key}` | {_value(key, field)} | {'required' if is_required else shown} | {field['description']} |\n"


def _value(key: str, field: dict[str, Any]) -> str:
    """What stands behind a key, in words."""
    if key in _NAMED:
        return _NAMED[key]
    return " or ".join(dict.fromkeys(filter(None, map(_kind, field.get("anyOf", [field])))))


def _kind(part: dict[str, Any]) -> str:
    listed = part.get("enum") or part.get("examples")
    if "$ref" in part:
        return _KINDS["object"]
    return ", ".join(f"`{one}`" for one in listed) if listed else _KINDS[part["type"]]


if __name__ == "__main__":
    if "--docs" in sys.argv:
        sys.stdout.write(reference())
    else:
        PATH.write_text(text(), encoding="utf-8")
