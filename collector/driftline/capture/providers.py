"""Who answered, as far as an object tells: its own word for it, else the SDK that it belongs to."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from driftline.fields import members, text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_MAX_NAME = 64

NAMES: Final[dict[str, str]] = {
    "azure": "azure.ai.openai",
    "azure_text": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "azure_ai_inference": "azure.ai.inference",
    "amazon_bedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "bedrock_converse": "aws.bedrock",
    "gemini": "gcp.gemini",
    "google_genai": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "vertex_ai_beta": "gcp.vertex_ai",
    "google_vertexai": "gcp.vertex_ai",
    "google_anthropic_vertex": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "moonshot": "moonshot_ai",
    "text-completion-openai": "openai",
    "watsonx": "ibm.watsonx.ai",
    "ibm": "ibm.watsonx.ai",
    "xai": "x_ai",
    "cohere_chat": "cohere",
}
"""Names that LiteLLM and LangChain have for providers, for OpenTelemetry's; what is not here is called the same."""


def named(name: object) -> str | None:
    """A provider by OpenTelemetry's name for it."""
    own = text(name)
    if not own or len(own) > _MAX_NAME or not own.isascii():
        return None
    own = own.lower()
    return NAMES.get(own, own)


def _module_of(kind: type) -> str:
    module = kind.__module__
    if type(module) is not str:
        return ""
    first, _, rest = module.partition(".")
    return first if first != "google" else f"google.{rest.partition('.')[0]}"


module_of: Final[Callable[[type], str]] = lru_cache(maxsize=1024)(_module_of)
"""The package that a class is from; of Google's many, with its second name."""


def is_of(value: object, *classes: tuple[str, str]) -> bool:
    """Whether an object's class, or a base of it, has one of these packages and names."""
    return any((module_of(base), base.__name__) in classes for base in type(value).__mro__)


def provider_of(
    value: object, of: Mapping[str, Any], choices: Sequence[Mapping[str, Any]] = ()
) -> tuple[str | None, str | None]:
    """Provider and model of an answer in OpenAI's shape.

    The OpenAI SDK also talks to other providers' compatible endpoints, which the object does not show.

    Args:
        value: the object or dict.
        of: its members.
        choices: the members of its choices.
    """
    model = text(of.get("model"))
    package = module_of(type(value))
    if package == "litellm":
        return _of_litellm(value, model)
    if "provider" in of:
        return named(of["provider"]), model
    if _is_azures(of) or (choices and _is_azures(choices[0])):
        return "azure.ai.openai", model
    return ("openai" if package == "openai" else None), model


def _of_litellm(value: object, model: str | None) -> tuple[str | None, str | None]:
    """What LiteLLM keeps beside an answer: mostly the provider, and always the model's full name."""
    hidden = members(members(getattr(value, "__pydantic_private__", None)).get("_hidden_params"))
    provider, slash, _ = (text(hidden.get("litellm_model_name")) or "").partition("/")
    own = hidden.get("custom_llm_provider") or (provider if slash else None)
    return named(own), text(hidden.get("provider_response_model")) or model


def _is_azures(of: Mapping[str, Any]) -> bool:
    """Whether Azure added to an answer, or to a choice, what its filters found."""
    return "content_filter_results" in of or "prompt_filter_results" in of or "content_filters" in of


def tier_of(of: Mapping[str, Any]) -> str | None:
    """The service tier that was billed, if the answer says so."""
    if of.get("service_tier") is None:
        return None
    tier = text(of["service_tier"])
    return tier if tier and len(tier) <= _MAX_NAME else None
