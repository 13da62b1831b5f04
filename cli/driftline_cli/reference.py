"""The pages of the docs that are made from tables: ``python -m driftline_cli.reference`` writes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from driftline.settings import CONFIG_FILE, PREFIX, TABLE
from driftline_cli import channels_reference
from driftline_store import metrics_docs

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline.settings import Setting

_DOCS: Final = Path(__file__).parents[2] / "docs"

_SETTINGS_HEAD: Final = f"""\
# Settings

A value is looked for as an argument (of `driftline.init()` or of a command, where it has one), then in the
environment, then in the file `{CONFIG_FILE}` of the working directory (another one: `{PREFIX}CONFIG`), then here.
In the file, a setting is a line like `judge_rate = 0.01`. A wrong value is refused with its name, what came and
where from. This page is made from the table that the code reads.

| setting | environment | default | what it is |
|---|---|---|---|
"""


def settings_page() -> str:
    """The page about all settings."""
    return _SETTINGS_HEAD + "".join(map(_row, TABLE))


def _row(setting: Setting[object]) -> str:  # type: ignore[type-var]
    default = "" if setting.default == "" else f"`{setting.default}`"
    also = f", else `{setting.also}`" if setting.also else ""
    secret = " Secret." if setting.secret else ""
    return f"| `{setting.name}` | `{setting.env}`{also} | {default} | {setting.doc}{secret}{_range(setting)} |\n"


def _range(setting: Setting[object]) -> str:  # type: ignore[type-var]
    match setting.minimum, setting.maximum:
        case None, None:
            return ""
        case low, None:
            return f" At least {low:g}."
        case None, high:
            return f" At most {high:g}."
        case low, high:
            return f" {low:g} to {high:g}."


PAGES: Final[dict[str, Callable[[], str]]] = {
    "channels.md": channels_reference.page,
    "settings.md": settings_page,
    "metrics.md": metrics_docs.render,
}


def main() -> None:
    """Write all pages."""
    for name, render in PAGES.items():
        (_DOCS / name).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
