"""Errors by class: the types, codes and words of the common clients, as those raise them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2
import openai
import pydantic
import pytest
import requests
from openai.types.chat import ChatCompletion

from collector_support import chat_body
from driftline.capture.errors import error_attributes, error_message
from driftline_processors.conventions.errors import SIGNS, UNKNOWN, error_class_sql, error_text_sql
from driftline_processors.conventions.slots import quote
from made_spans import Made, made, request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from driftline_store.client import Client
    from ingest_support import Pipeline


class Error(NamedTuple):
    """What a span can say of one; by default what our own collector knows of any exception."""

    kind: str
    code: str = ""
    status: str = ""
    message: str = ""


def classes(client: Client, errors: Sequence[Error]) -> list[str]:
    """Their classes, by the expressions of the view."""
    told = ", ".join(f"({', '.join(map(quote, error))})" for error in errors)
    columns = "t.1 AS raw_error, t.2 AS provider_error, t.3 AS http_status, t.4 AS error_message"
    rows = f"SELECT {columns} FROM (SELECT arrayJoin([{told}]) AS t)"
    query = f"SELECT {error_class_sql('text')} FROM (SELECT {error_text_sql()} AS text FROM ({rows}))"
    return [str(found) for (found,) in client.query(query).result_rows]


AWS = "An error occurred ({}) when calling the Converse operation: {}"
OPENAI = "Error code: {} - {{'error': {{'message': '{}', 'type': '{}', 'param': None, 'code': {}}}}}"
LONG = "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
FILTERED = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify it."
)
GOOGLE = "{} {}. {{'error': {{'code': {}, 'message': '{}', 'status': '{}'}}}}"


def google(status: int, code: str, message: str, kind: str = "google.ClientError") -> Error:
    """As its text alone, which is all that an instrumentation records that does not know the client."""
    return Error(kind, message=GOOGLE.format(status, code, status, message, code))


EXPECTED: dict[str, list[Error]] = {
    "timeout": [
        Error("openai.APITimeoutError"),
        Error("APITimeoutError"),
        Error("anthropic.GatewayTimeoutError", "timeout_error", "504"),
        Error("anthropic.RequestTimeoutError", status="408"),
        Error("litellm.Timeout", status="408"),
        Error("TimeoutError"),
        Error("asyncio.TimeoutError"),
        *(Error(f"{package}.{name}") for package in ("httpx", "httpx2") for name in (
            "ConnectTimeout", "ReadTimeout", "WriteTimeout", "PoolTimeout", "TimeoutException"
        )),
        *(Error(f"requests.{name}") for name in ("Timeout", "ConnectTimeout", "ReadTimeout")),
        *(Error(f"aiohttp.{name}") for name in ("ServerTimeoutError", "ConnectionTimeoutError", "SocketTimeoutError")),
        *(Error(f"botocore.{name}") for name in ("ConnectTimeoutError", "ReadTimeoutError", "ModelTimeoutException")),
        google(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete.", "google.ServerError"),
        Error("cohere.GatewayTimeoutError"),
        Error("pydantic_ai.ModelTimeoutError"),
        Error("pydantic_ai.RunTimedOut"),
        Error("langchain_core.ModelTimeoutError"),
        Error("billiard.TimeLimitExceeded"),
        Error("Error", message="Request timed out."),
        Error("APIStatusError", status="504"),
    ],
    "rate_limit": [
        Error("openai.RateLimitError", "rate_limit_exceeded", "429"),
        Error("RateLimitError"),
        Error("anthropic.RateLimitError", "rate_limit_error", "429"),
        Error("anthropic.RampLimitExceededError", "ramp_limit_exceeded", "429"),
        Error("groq.APIStatusError", "rate_limit_exceeded", "413", "Request too large for model in tokens per minute"),
        Error("groq.APIStatusError", status="498"),
        Error("litellm.RateLimitError"),
        Error("litellm.RouterRateLimitError"),
        google(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota, please check your plan and billing."),
        Error("google.ResourceExhausted"),
        Error("mistralai.SDKError", message='API error occurred: Status 429. Body: {"type":"rate_limited"}'),
        Error("cohere.TooManyRequestsError"),
        Error("botocore.ThrottlingException", "ThrottlingException", "429", "Too many tokens, please wait"),
        Error("botocore.ClientError", message=AWS.format("TooManyRequestsException", "Slow down")),
        Error("httpx.HTTPStatusError", message="Client error '429 Too Many Requests' for url 'https://x/y'"),
        Error("aiohttp.ClientResponseError", message="429, message='Too Many Requests', url='https://x'"),
        Error("requests.HTTPError", message="429 Client Error: Too Many Requests for url: https://x"),
        Error("AI_APICallError", status="429"),
        Error("429"),
        Error("openai.APIError", "429"),
        Error("pydantic_ai.ConcurrencyLimitExceeded"),
        Error("AI_RetryError", message="Failed after 3 attempts. Last error: Rate limit reached"),
    ],
    "quota": [
        Error("openai.RateLimitError", "insufficient_quota", "429"),
        Error("RateLimitError", "insufficient_quota", message="Error code: 429"),
        Error("openai.BadRequestError", "billing_hard_limit_reached", "400"),
        Error("anthropic.BadRequestError", "invalid_request_error", "400", "Your credit balance is too low"),
        Error("anthropic.PaymentRequiredError", "billing_error", "402"),
        Error("anthropic.EnforcedSpendLimitReachedError", "rate_limit_error", "429"),
        Error("litellm.BudgetExceededError"),
        Error("pydantic_ai.ModelQuotaExceededError"),
        Error("botocore.ServiceQuotaExceededException", status="400"),
        Error("openai.APIStatusError", status="402", message="Insufficient Balance"),
    ],
    "content_policy": [
        Error("openai.BadRequestError", "content_filter", "400"),
        Error("openai.ContentFilterFinishReasonError"),
        Error("openai.BadRequestError", "content_policy_violation", "400"),
        Error("openai.BadRequestError", "invalid_prompt", "400"),
        Error("BadRequestError", message=OPENAI.format(400, FILTERED, "", "'content_filter'")),
        Error("BadRequestError", message=OPENAI.format(400, FILTERED, "", "None")),
        Error("anthropic.BadRequestError", "invalid_request_error", "400", "Blocked by content filtering policy"),
        Error("litellm.ContentPolicyViolationError"),
        Error("litellm.GuardrailRaisedException"),
        Error("google.BlockedPromptException"),
        Error("langchain_openai.OpenAIModerationError"),
        Error("langchain_openai.OpenAIRefusalError"),
        Error("pydantic_ai.ContentFilterError"),
    ],
    "context_length": [
        Error("openai.BadRequestError", "context_length_exceeded", "400"),
        Error("BadRequestError", message=OPENAI.format(400, LONG, "invalid_request_error", "None")),
        Error("openai.BadRequestError", "string_above_max_length", "400", OPENAI.format(
            400, "Invalid 'messages[0].content': string too long. Expected a maximum length of 1048576", "", 0
        )),
        Error("anthropic.BadRequestError", "invalid_request_error", "400", (
            "Error code: 400 - {'type': 'error', 'error': {'type': 'invalid_request_error', 'message': 'prompt is too "
            "long: 210000 tokens > 200000 maximum'}}"
        )),
        Error("anthropic.ContentTooLargeError", "request_too_large", "413"),
        Error("litellm.ContextWindowExceededError"),
        google(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."),
        Error("botocore.ValidationException", "ValidationException", "400", (
            AWS.format("ValidationException", "Input is too long for requested model.")
        )),
        Error("mistralai.SDKError", "3051", "400"),
        Error("mistralai.SDKError", message=(
            'API error occurred: Status 400. Body: {"message":"Prompt contains 40000 tokens, too large for model with '
            '32768 maximum context length"}'
        )),
        Error("cohere.BadRequestError", status="400", message=(
            "headers: None, status_code: 400, body: {'message': 'too many tokens: size limit exceeded by 5 tokens'}"
        )),
        Error("groq.BadRequestError", status="400", message="Please reduce the length of the messages or completion."),
        Error("langchain_openai.OpenAIContextOverflowError"),
        Error("pydantic_ai.ModelContextWindowExceededError"),
    ],
    "authentication": [
        Error("openai.AuthenticationError", "invalid_api_key", "401"),
        Error("openai.PermissionDeniedError", status="403"),
        Error("anthropic.AuthenticationError", "authentication_error", "401"),
        Error("anthropic.PermissionDeniedError", "permission_error", "403"),
        Error("anthropic.IdentityTokenFileError"),
        google(403, "PERMISSION_DENIED", "no"),
        google(401, "UNAUTHENTICATED", "no"),
        google(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
        Error("cohere.UnauthorizedError"),
        Error("cohere.ForbiddenError"),
        Error("cohere.InvalidTokenError", status="498"),
        Error("botocore.NoCredentialsError"),
        Error("botocore.AccessDeniedException"),
        Error("botocore.ClientError", message=AWS.format("ExpiredTokenException", "The security token is expired")),
        Error("botocore.ClientError", message=AWS.format("UnrecognizedClientException", "Unknown")),
        Error("mistralai.SDKError", message='API error occurred: Status 401. Body: {"message":"Unauthorized"}'),
        Error("litellm.AuthenticationError"),
    ],
    "connection": [
        Error("openai.APIConnectionError"),
        Error("anthropic.APIConnectionError"),
        Error("ConnectionResetError"),
        Error("socket.gaierror"),
        Error("BrokenPipeError"),
        *(Error(f"{package}.{name}") for package in ("httpx", "httpx2") for name in (
            "ConnectError", "ReadError", "WriteError", "CloseError", "ProxyError", "RemoteProtocolError", "NetworkError"
        )),
        *(Error(f"requests.{name}") for name in ("ConnectionError", "SSLError", "ProxyError", "ChunkedEncodingError")),
        *(Error(f"aiohttp.{name}") for name in (
            "ClientConnectorError", "ClientConnectorDNSError", "ServerDisconnectedError", "ClientPayloadError",
            "ClientOSError", "ClientConnectionResetError",
        )),
        *(Error(f"botocore.{name}") for name in (
            "EndpointConnectionError", "ConnectionClosedError", "ResponseStreamingError", "IncompleteReadError"
        )),
        Error("urllib3.ProtocolError"),
        Error("urllib3.MaxRetryError"),
        Error("mistralai.NoResponseError"),
        Error("Error", message="connect ECONNREFUSED 127.0.0.1:443"),
    ],
    "server_error": [
        Error("openai.InternalServerError", status="500"),
        Error("openai.APIError", "server_error"),
        Error("openai.InternalServerError", "server_is_overloaded", "503"),
        Error("anthropic.OverloadedError", "overloaded_error", "529"),
        Error("anthropic.APIStatusError", "api_error", "500"),
        Error("anthropic.ServiceUnavailableError"),
        Error("litellm.BadGatewayError"),
        Error("litellm.MidStreamFallbackError", status="503"),
        google(503, "UNAVAILABLE", "The model is overloaded. Please try again later.", "google.ServerError"),
        google(500, "INTERNAL", "An internal error has occurred.", "google.ServerError"),
        *(Error(f"botocore.{name}") for name in (
            "InternalServerException", "ServiceUnavailableException", "ModelNotReadyException", "ModelErrorException",
            "ModelStreamErrorException",
        )),
        Error("mistralai.SDKError", status="502"),
        Error("requests.HTTPError", message="503 Server Error: Service Unavailable for url: https://x"),
        Error("pydantic_ai.ModelOverloadedError"),
        Error("500"),
    ],
    "invalid_output": [
        Error("openai.LengthFinishReasonError"),
        Error("openai.APIResponseValidationError"),
        Error("json.JSONDecodeError"),
        Error("requests.JSONDecodeError"),
        Error("pydantic_core.ValidationError"),
        Error("pydantic_core._pydantic_core.ValidationError", message="1 validation error for Answer\nn\n  Input ..."),
        Error("pydantic_core.ValidationError", message="1 validation error for BookingRequest\nday\n  Field required"),
        Error("ValidationError"),
        Error("jsonschema.ValidationError"),
        Error("instructor.InstructorRetryException"),
        Error("instructor.IncompleteOutputException"),
        Error("instructor.ResponseParsingError"),
        Error("langchain_core.OutputParserException"),
        Error("litellm.JSONSchemaValidationError"),
        Error("groq.BadRequestError", "json_validate_failed", "400"),
        Error("groq.BadRequestError", "tool_use_failed", "400"),
        Error("mistralai.ResponseValidationError", status="200"),
        Error("pydantic_ai.UnexpectedModelBehavior"),
    ],
    "invalid_request": [
        Error("openai.BadRequestError", status="400"),
        Error("openai.BadRequestError", "string_above_max_length", "400", "Invalid 'user': string too long."),
        Error("openai.NotFoundError", "model_not_found", "404"),
        Error("openai.UnprocessableEntityError", status="422"),
        Error("openai.ConflictError", status="409"),
        Error("NotFoundError"),
        Error("anthropic.BadRequestError", "invalid_request_error", "400", "max_tokens: 4290 > 4096"),
        Error("anthropic.APIStatusError", "not_found_error"),
        Error("litellm.UnsupportedParamsError"),
        google(404, "NOT_FOUND", "models/x is not found"),
        google(400, "INVALID_ARGUMENT", "Please use a valid role: user, model."),
        Error("mistralai.HTTPValidationError", status="422"),
        Error("botocore.ParamValidationError"),
        Error("botocore.ValidationException", "ValidationException", "400", AWS.format("ValidationException", "Bad")),
        Error("botocore.ResourceNotFoundException"),
        Error("fastapi.RequestValidationError"),
        Error("pydantic_core.ValidationError", message="2 validation errors for GenerateContentConfig\nseed\n  Input"),
        Error("pydantic_core.ValidationError", message="4 validation errors for ChatCompletionRequest\nmodel\n  Input"),
    ],
    "cancelled": [
        Error("asyncio.CancelledError"),
        Error("KeyboardInterrupt"),
        Error("anthropic.ClientClosedRequestError", status="499"),
        Error("pydantic_ai.RunCancelled"),
    ],
    UNKNOWN: [
        Error(""),
        Error("KeyError", message="429"),
        Error("FileNotFoundError"),
        Error("PermissionError"),
        Error("ModuleNotFoundError"),
        Error("ValueError", message="the quota of 400 is not 429; timed out"),
        Error("threading.ThreadError"),
        Error("shop.OrderError4290"),
        Error("shop.QuotationError"),
        Error("django.ValidationError"),
        Error("botocore.ValidationError"),
        Error("instructor.TokenUsageUnavailableError"),
        Error("Error", "E4040", message="order 50042 has 4299 items"),
        Error("tenacity.RetryError"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("expected", EXPECTED)
def test_errors_of_the_common_clients_are_sorted(prepared: Client, expected: str) -> None:
    errors = EXPECTED[expected]
    found = dict(zip(errors, classes(prepared, errors), strict=True))
    assert found == dict.fromkeys(errors, expected)


def test_every_class_is_held_by_a_case() -> None:
    assert {sign.kind for sign in SIGNS} | {UNKNOWN} == EXPECTED.keys()


def response(status: int) -> Any:
    return httpx2.Response(status, request=httpx2.Request("POST", "https://api.example/v1/chat/completions"))


def raised(action: Any) -> Exception:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever it raises
        return error
    raise AssertionError("it raised nothing")


class Answer(pydantic.BaseModel):
    """What a model was asked for."""

    number: int


REAL: list[tuple[str, BaseException]] = [
    ("timeout", openai.APITimeoutError(request=response(200).request)),
    ("connection", openai.APIConnectionError(request=response(200).request)),
    ("rate_limit", openai.RateLimitError("slow", response=response(429), body={"code": "rate_limit_exceeded"})),
    ("quota", openai.RateLimitError("no money", response=response(429), body={"code": "insufficient_quota"})),
    ("authentication", openai.AuthenticationError("who?", response=response(401), body=None)),
    ("authentication", openai.PermissionDeniedError("no", response=response(403), body=None)),
    ("server_error", openai.InternalServerError("oops", response=response(500), body=None)),
    ("content_policy", openai.BadRequestError("no", response=response(400), body={"code": "content_filter"})),
    ("content_policy", openai.ContentFilterFinishReasonError()),
    ("context_length", openai.BadRequestError("x", response=response(400), body={"code": "context_length_exceeded"})),
    ("context_length", openai.BadRequestError(LONG, response=response(400), body={"code": None})),
    ("invalid_request", openai.BadRequestError("no such role", response=response(400), body=None)),
    ("invalid_request", openai.NotFoundError("no such model", response=response(404), body=None)),
    ("invalid_output", openai.LengthFinishReasonError(completion=ChatCompletion.model_validate(chat_body()))),
    ("invalid_output", raised(lambda: json.loads("{"))),
    ("invalid_output", raised(lambda: Answer.model_validate_json('{"number": "two"}'))),
    ("rate_limit", raised(response(429).raise_for_status)),
    ("timeout", httpx2.ReadTimeout("slow")),
    ("connection", requests.exceptions.ConnectionError("away")),
    ("timeout", requests.exceptions.ReadTimeout("slow")),
    ("timeout", TimeoutError()),
    ("cancelled", asyncio.CancelledError()),
    ("connection", ConnectionRefusedError("away")),
    (UNKNOWN, KeyError("429")),
]


def test_what_our_collector_says_of_real_exceptions_is_sorted(prepared: Client) -> None:
    told = []
    for _, error in REAL:
        known = {key: str(value) for key, value in error_attributes(error)}
        code, status = (known.get(name, "") for name in ("driftline.error.code", "http.response.status_code"))
        told.append(Error(known["error.type"], code, status, error_message(error)))
    found = classes(prepared, told)
    assert [(kind, repr(error)) for kind, (_, error) in zip(found, REAL, strict=True)] == [
        (kind, repr(error)) for kind, error in REAL
    ]


def test_an_error_without_content_is_sorted_by_type_code_and_status(pipeline: Pipeline) -> None:
    values = {"error.type": "openai.BadRequestError", "http.response.status_code": 400}
    pipeline.send(request(values | {"driftline.error.code": "context_length_exceeded"}, failed=True))
    [row] = pipeline.rows("SELECT error_class, error_type, is_error FROM llm_spans")
    assert tuple(row.values()) == ("context_length", "openai.BadRequestError", True)


def ended(reason: str) -> Made:
    return made({"gen_ai.response.finish_reasons": [reason]})


@pytest.mark.parametrize(
    "row",
    [
        ended("content_filter"),
        ended("SAFETY"),
        ended("refusal"),
        ended("guardrail_intervened"),
        ended("PROHIBITED_CONTENT"),
    ],
    indirect=True,
)
def test_an_answer_that_the_provider_filtered_is_a_blocked_request(row: dict[str, Any]) -> None:
    assert (row["error_class"], row["finish_reason"]) == ("content_policy", "content_filter")


@pytest.mark.parametrize(
    ("row", "expected"),
    [(ended("COMPLETE"), "stop"), (ended("model_length"), "length"), (ended("MAX_TOKENS"), "length")],
    indirect=["row"],
)
def test_an_end_has_one_name_whoever_the_provider_is(row: dict[str, Any], expected: str) -> None:
    assert (row["finish_reason"], row["is_error"]) == (expected, False)
