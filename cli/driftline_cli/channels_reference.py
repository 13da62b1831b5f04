"""The tables of docs/channels.md, from the models that read the channels of alerts.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from driftline_alerts.channels import CONFIGS

if TYPE_CHECKING:
    from driftline_alerts.channels.config import ChannelConfig

_PAGE: Final = Path(__file__).parents[2] / "docs" / "channels.md"
_HEAD: Final = "| key | value | what it is |\n|---|---|---|\n"


def page() -> str:
    """The page, its tables made anew: each between a comment that names its kind and the next blank line."""
    text = _PAGE.read_text(encoding="utf-8")
    for kind, config in CONFIGS.items():
        mark = f"<!-- keys of {kind} -->\n"
        made = f"{mark}{table(config)}\n"
        text = re.sub(rf"{re.escape(mark)}(\|.*\n)*\n", lambda _, made=made: made, text)  # type: ignore[misc]
    return text


def table(config: type[ChannelConfig]) -> str:
    """All keys of a kind, but for the kind itself."""
    schema = config.model_json_schema(by_alias=True, mode="validation")
    needed = schema["required"]
    rows = [_row(name, field, name in needed) for name, field in schema["properties"].items() if name != "kind"]
    return _HEAD + "".join(rows)


def _row(name: str, field: dict[str, Any], needed: bool) -> str:
    default = field.get("default")
    rest = "needed" if needed else f"`{default}` if left out" if default else "may be left out"
    return f"| `{name}` | {_value(field)}; {rest} | {field['description']} |\n"


def _value(field: dict[str, Any]) -> str:
    one = next((part for part in field.get("anyOf", []) if part["type"] != "null"), field)
    if "enum" in one:
        return " or ".join(f"`{value}`" for value in one["enum"])
    if r"\$\{" in one.get("pattern", ""):
        return "`${NAME}`"
    return {"array": "a list of texts", "integer": "a whole number"}.get(one["type"], "text")
