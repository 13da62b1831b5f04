"""Libraries whose calls other people's instrumentations record, and which of these is switched on for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from driftline.errors import SettingsError

ALL: Final = "all"
"""In the setting ``instrument``: whatever is installed."""

GROUP: Final = "opentelemetry_instrumentor"
"""The group of entry points under which instrumentations of every family register."""


@dataclass(frozen=True, slots=True)
class Library:
    """A row of the table.

    Attributes:
        name: in the setting ``instrument``.
        module: its import is when an instrumentation can be switched on.
        packages: distributions that instrument it, in order of preference: OpenTelemetry's own, then OpenLLMetry's,
            which has the same names for things, then OpenInference's.
        own_scope: how the scope of spans begins that the library makes by itself, which repeat an instrumentation's.
    """

    name: str
    module: str
    packages: tuple[str, ...]
    own_scope: str = ""


_OTEL, _OPENLLMETRY, _OPENINFERENCE = (
    "opentelemetry-instrumentation-genai-",
    "opentelemetry-instrumentation-",
    "openinference-instrumentation-",
)

TABLE: Final = (
    # Clients
    Library("openai", "openai", (_OTEL + "openai", _OPENLLMETRY + "openai", _OPENINFERENCE + "openai")),
    Library(
        "anthropic",
        "anthropic",
        (_OTEL + "anthropic", _OPENLLMETRY + "anthropic", _OPENINFERENCE + "anthropic"),
        own_scope="com.anthropic.sdk.python",
    ),
    Library(
        "google_genai",
        "google.genai",
        # The first is OpenTelemetry's own too, from before there was a family of them.
        (
            "opentelemetry-instrumentation-google-genai",
            _OPENLLMETRY + "google-generativeai",
            _OPENINFERENCE + "google-genai",
        ),
    ),
    Library("bedrock", "botocore", (_OTEL + "bedrock", _OPENLLMETRY + "bedrock", _OPENINFERENCE + "bedrock")),
    Library("mistralai", "mistralai", (_OPENLLMETRY + "mistralai", _OPENINFERENCE + "mistralai")),
    Library("cohere", "cohere", (_OPENLLMETRY + "cohere", _OPENINFERENCE + "cohere")),
    Library("groq", "groq", (_OPENLLMETRY + "groq", _OPENINFERENCE + "groq")),
    Library("together", "together", (_OPENLLMETRY + "together", _OPENINFERENCE + "together")),
    Library("ollama", "ollama", (_OPENLLMETRY + "ollama", _OPENINFERENCE + "ollama")),
    # What stands before several clients
    Library("litellm", "litellm", (_OPENLLMETRY + "litellm", _OPENINFERENCE + "litellm")),
    # Frameworks
    # OpenInference's spans of LangChain's calls are not around those of the client, so both would count.
    Library("langchain", "langchain_core", (_OTEL + "langchain", _OPENLLMETRY + "langchain")),
    Library(
        "llama_index",
        "llama_index.core",
        (_OTEL + "llama-index", _OPENLLMETRY + "llamaindex", _OPENINFERENCE + "llama-index"),
    ),
    Library(
        "openai_agents",
        "agents",
        (_OTEL + "openai-agents", _OPENLLMETRY + "openai-agents", _OPENINFERENCE + "openai-agents"),
    ),
    Library("crewai", "crewai", (_OPENLLMETRY + "crewai", _OPENINFERENCE + "crewai")),
    Library("dspy", "dspy", (_OTEL + "dspy", _OPENINFERENCE + "dspy")),
)

muted: Final[set[str]] = set()
"""Scopes of spans that libraries make by themselves while an instrumentation of them is on."""

_BY_NAME: Final = {library.name: library for library in TABLE}


def named(said: str) -> tuple[Library, ...]:
    """The libraries that a value of the setting ``instrument`` names.

    Args:
        said: names with commas between them, ``all``, or nothing.

    Raises:
        SettingsError: a name is unknown.
    """
    names = [name.strip().lower().replace("-", "_") for name in said.split(",") if name.strip()]
    if ALL in names:
        return TABLE
    for name in names:
        if name not in _BY_NAME:
            raise SettingsError(
                f"the setting 'instrument' names {name!r}, which is not known; "
                f"known are: {', '.join(sorted(_BY_NAME))}, and 'all' for whatever is installed"
            )
    return tuple(_BY_NAME[name] for name in dict.fromkeys(names))
