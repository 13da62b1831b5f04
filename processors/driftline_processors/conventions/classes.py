"""Tables that sort raw values into a few classes: operations, providers, ends, answers that are no answers."""

from __future__ import annotations

import re
from typing import Final

from driftline_processors.conventions.slots import quote

CALL_OPERATIONS: Final = ("chat", "text_completion", "generate_content", "embeddings")
"""Operations that are billed. Agents and workflows repeat the usage of their calls and are not."""

OPERATIONS: Final[dict[str, str]] = {
    "llm": "chat",
    "embedding": "embeddings",
    "tool": "execute_tool",
    "agent": "invoke_agent",
    "chain": "invoke_workflow",
    "retriever": "retrieval",
    "completion": "text_completion",
    "generation": "chat",
    "span": "invoke_workflow",
    "workflow": "invoke_workflow",
    "task": "invoke_workflow",
    "event": "",
    "unknown": "",
    "ai.generatetext": "invoke_agent",
    "ai.streamtext": "invoke_agent",
    "ai.generateobject": "invoke_agent",
    "ai.streamobject": "invoke_agent",
    "ai.embed": "invoke_workflow",
    "ai.embedmany": "invoke_workflow",
    "ai.generatetext.dogenerate": "chat",
    "ai.streamtext.dostream": "chat",
    "ai.generateobject.dogenerate": "chat",
    "ai.streamobject.dostream": "chat",
    "ai.embed.doembed": "embeddings",
    "ai.embedmany.doembed": "embeddings",
    "ai.toolcall": "execute_tool",
}
"""Names of other conventions, in lower case, for OpenTelemetry's operation names."""

PROVIDERS: Final[dict[str, str]] = {
    "azure": "azure.ai.openai",
    "azure-openai": "azure.ai.openai",
    "amazon-bedrock": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "gemini": "gcp.gemini",
    "vertex": "gcp.vertex_ai",
    "vertexai": "gcp.vertex_ai",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
    "moonshotai": "moonshot_ai",
    # The Vercel AI SDK adds the provider's API; OpenTelemetry's own names have dots too, so each is listed.
    **{f"openai.{api}": "openai" for api in ("chat", "responses", "completion", "embedding")},
    **{f"azure-openai.{api}": "azure.ai.openai" for api in ("chat", "responses", "completion", "embeddings")},
    **{f"azure.{api}": "azure.ai.openai" for api in ("chat", "responses", "completion", "embeddings")},
    "anthropic.messages": "anthropic",
    "google.generative-ai": "gcp.gemini",
    "google.vertex.chat": "gcp.vertex_ai",
    "vertex.anthropic.messages": "gcp.vertex_ai",
    "mistral.chat": "mistral_ai",
    "xai.chat": "x_ai",
    "xai.responses": "x_ai",
    **{f"{name}.chat": name for name in ("groq", "deepseek", "cohere", "perplexity", "togetherai", "fireworks")},
}
"""Names of other conventions, in lower case, for OpenTelemetry's provider names."""

MODEL_PROVIDERS: Final[dict[str, str]] = {
    "gpt-": "openai",
    "chatgpt-": "openai",
    "text-embedding-3": "openai",
    "text-embedding-ada": "openai",
    "o1": "openai",
    "o3": "openai",
    "o4": "openai",
    "claude": "anthropic",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "command": "cohere",
    "deepseek": "deepseek",
    "grok": "x_ai",
    "sonar": "perplexity",
}
"""Starts of model names that one provider alone uses, for instrumentations that do not name the provider."""

FINISH_REASONS: Final[dict[str, str]] = {
    "tool_call": "tool_calls",
    "tool-calls": "tool_calls",
    "completed": "stop",
    "end_turn": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "complete": "stop",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    # Filters of the provider, by the names that Google, Anthropic, Bedrock and Cohere give them.
    **dict.fromkeys(
        (
            *("content-filter", "content_filtered", "guardrail_intervened", "refusal", "error_toxic", "safety"),
            *("blocklist", "prohibited_content", "spii", "recitation", "model_armor"),
            *("image_safety", "image_prohibited_content", "image_recitation"),
        ),
        "content_filter",
    ),
}

FALLBACK_PATTERNS: Final[dict[str, str]] = {
    "dont_know": (
        r"\bi (?:really )?(?:do not|don['’]t) know\b"
        r"|\bi(?:['’]m| am) (?:not sure|unable to (?:find|answer|help))\b"
        r"|\bi (?:do not|don['’]t) have (?:enough |that |any |the )?information\b"
    ),
    "refusal": (
        r"\bi(?:['’]m| am) sorry,? but i (?:can['’]t|cannot|am unable)\b"
        r"|\bi (?:can['’]t|cannot) (?:help|assist) (?:you )?with (?:that|this)\b"
        r"|\bas an ai(?: language model)?,? i\b"
    ),
    "handover": r"\b(?:transfer|connect|escalat)\w* (?:you |this )?to (?:a |our )?(?:human|agent|colleague|specialist)",
}
"""Reason and regular expression (any case) of an answer that is a second choice, for a new store's table of checks."""


def mapped(expression: str, table: dict[str, str]) -> str:
    """SQL that looks a lower-case expression up in a table and keeps it when it is not there."""
    keys = ", ".join(quote(key) for key in table)
    values = ", ".join(quote(value) for value in table.values())
    # Without a fourth argument what is not in the table stays as it is, and the expression is written out once.
    return f"transform({expression}, [{keys}], [{values}])"


def by_start(expression: str, table: dict[str, str]) -> str:
    """SQL that looks up how an expression begins; the first match wins, and '' is for none.

    A pattern and a table, since a lambda over the starts costs many times their planning.
    """
    pattern = f"^(?:{'|'.join(map(re.escape, table))})"
    starts, meanings = (", ".join(map(quote, part)) for part in (table, table.values()))
    return f"transform(extract({expression}, {quote(pattern)}), [{starts}], [{meanings}], '')"


def provider_sql(named: str, model: str) -> str:
    """SQL for a provider by its OpenTelemetry name: as it was named, else the one that has such models."""
    return f"if({named} != '' OR {model} = '', {named}, {by_start(f'lower({model})', MODEL_PROVIDERS)})"
