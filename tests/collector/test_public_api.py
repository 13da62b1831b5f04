from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import driftline

MODULES = sorted(
    path.relative_to(Path(driftline.__file__).parent).with_suffix("").as_posix().replace("/", ".")
    for path in Path(driftline.__file__).parent.rglob("*.py")
)


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip()


def test_all_is_the_truth() -> None:
    assert driftline.__all__ == sorted(driftline.__all__)
    for name in driftline.__all__:
        assert getattr(driftline, name) is not None
    public = {
        name
        for name, value in vars(driftline).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    helpers = {"Any", "TYPE_CHECKING", "annotations", "import_module"}
    assert public - helpers == set(driftline.__all__)


def test_dir_lists_the_public_names() -> None:
    assert dir(driftline) == sorted(driftline.__all__)


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="obsevre"):
        _ = driftline.obsevre


@pytest.mark.parametrize("name", driftline.__all__)
def test_no_module_hides_a_public_name(name: str) -> None:
    assert name not in MODULES


def test_import_and_decorating_load_nothing_heavy() -> None:
    heavy = python(
        "import sys, driftline\n"
        "@driftline.observe\n"
        "def f(): pass\n"
        "heavy = ('opentelemetry', 'google', 'openai', 'kafka', 'sqlite3', 'asyncio', 'tomllib')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    assert heavy == "[]"


def test_recording_does_not_import_openai() -> None:
    loaded = python(
        "import sys, driftline\n"
        "from driftline.testing import InMemoryBus\n"
        "driftline.init(bus=InMemoryBus())\n"
        "driftline.observe(lambda: {'object': 'chat.completion', 'choices': []})()\n"
        "print('openai' in sys.modules, driftline.flush(), driftline.stats().exported)"
    )
    assert loaded == "False True 1"
