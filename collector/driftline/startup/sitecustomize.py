"""What Python imports when it starts in a process under ``driftline run``, and in the processes that it starts.

Every one of them pays for this, also those that have nothing to do with models; so it only watches for the libraries
that Driftline knows, and loads Driftline when the first of them is imported.
"""

from __future__ import annotations

import os
import sys

WATCHED = frozenset(
    {
        "agents",
        "anthropic",
        "botocore",
        "cohere",
        "crewai",
        "dspy",
        "google.genai",
        "groq",
        "langchain_core",
        "litellm",
        "llama_index.core",
        "mistralai",
        "ollama",
        "openai",
        "together",
    }
)
"""The modules of ``driftline.libraries``, which would have to be loaded to ask it; a test compares them."""


class Watch:
    """A finder that finds nothing by itself."""

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]  # typing is not loaded yet
        """Wake Driftline up before the first of the libraries, and leave the rest to it."""
        if name not in WATCHED or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        try:
            from driftline import imports, runtime  # noqa: PLC0415 - see the module's docstring

            runtime.await_libraries()
            return imports.find_spec(name, path, target)
        except Exception:  # noqa: BLE001 - another Python, without Driftline
            return None


def _start() -> None:
    """Watch, then do what would have been done without us."""
    sys.meta_path.insert(0, Watch())
    # PYTHONPATH keeps the folder, for processes that this one starts.
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is not loaded yet
    sys.path[:] = [path for path in sys.path if os.path.abspath(path) != here]  # noqa: PTH100
    ours = sys.modules.pop(__name__)
    try:
        __import__(__name__)  # the one that we stand before
    except ModuleNotFoundError as error:
        if error.name != __name__:
            raise
        sys.modules[__name__] = ours


if __name__ == "sitecustomize":
    _start()
