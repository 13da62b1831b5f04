"""The JSON Schema of ``evaluators.yaml``, for editors.

``python -m driftline_processors.judge.config_schema`` writes it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from driftline_processors.judge.config import Evaluators

PATH: Final = Path(__file__).with_name("evaluators.schema.json")
"""Where it is kept, and shipped."""


def text() -> str:
    """The schema, as it is kept."""
    schema = Evaluators.model_json_schema(by_alias=True, mode="validation")
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "evaluators.yaml"}
    return json.dumps({**schema, **head}, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
