"""What is read of the errors that clients raise, most of them from a local server's answers."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import anthropic
import httpx
import httpx2
import openai
import pytest
import requests
from google import genai
from google.genai import types

from collector_support import chat_body
from driftline.capture.errors import error_attributes, error_message, failed_call, is_model_error
from provider_bodies import MESSAGE_EVENTS, QUESTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from provider_server import Provider

    Call = Callable[[Provider], None]

ASKED: list[Any] = [{"role": "user", "content": QUESTION}]


def ask_openai(provider: Provider) -> None:
    with openai.OpenAI(base_url=f"{provider.url}/v1", api_key="test", max_retries=0) as client:
        client.chat.completions.create(model="gpt-4o-mini", messages=ASKED)


def ask_anthropic(provider: Provider) -> None:
    with anthropic.Anthropic(base_url=provider.url, api_key="test", max_retries=0) as client:
        client.messages.create(model="claude-sonnet-5-5", max_tokens=10, messages=ASKED)


def ask_google(provider: Provider) -> None:
    with genai.Client(api_key="test", http_options=types.HttpOptions(base_url=provider.url)) as client:
        client.models.generate_content(model="gemini-2.5-flash", contents=QUESTION)


def openai_error(kind: str, code: str | None) -> dict[str, Any]:
    return {"error": {"message": "Refused.", "type": kind, "param": None, "code": code}}


def anthropic_error(kind: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": "Refused."}, "request_id": "req_1"}


def google_error(code: int, status: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "Refused.", "status": status}}


def raised(call: Call, provider: Provider) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which class it is, is what is tested
        call(provider)
    return caught.value


OPENAI_ERRORS = [
    (429, "insufficient_quota", "insufficient_quota", ("openai.RateLimitError", "insufficient_quota")),
    (400, "invalid_request_error", "context_length_exceeded", ("openai.BadRequestError", "context_length_exceeded")),
    (400, "invalid_request_error", "content_filter", ("openai.BadRequestError", "content_filter")),
    (401, "invalid_request_error", "invalid_api_key", ("openai.AuthenticationError", "invalid_api_key")),
    (503, "server_error", None, ("openai.InternalServerError", "server_error")),
]
ANTHROPIC_ERRORS = [
    (529, "overloaded_error", ("anthropic.OverloadedError", "overloaded_error")),
    (429, "rate_limit_error", ("anthropic.RateLimitError", "rate_limit_error")),
    (401, "authentication_error", ("anthropic.AuthenticationError", "authentication_error")),
]
GOOGLE_ERRORS = [
    (429, "RESOURCE_EXHAUSTED", ("google.genai.ClientError", "RESOURCE_EXHAUSTED")),
    (503, "UNAVAILABLE", ("google.genai.ServerError", "UNAVAILABLE")),
]


@pytest.mark.parametrize(
    ("call", "status", "body", "expected"),
    [
        *((ask_openai, status, openai_error(kind, code), found) for status, kind, code, found in OPENAI_ERRORS),
        *((ask_anthropic, status, anthropic_error(kind), found) for status, kind, found in ANTHROPIC_ERRORS),
        *((ask_google, status, google_error(status, code), found) for status, code, found in GOOGLE_ERRORS),
    ],
)
def test_class_status_and_code(
    provider: Provider, call: Call, status: int, body: dict[str, Any], expected: tuple[str, str]
) -> None:
    provider.answers(body, status)
    error = raised(call, provider)
    assert dict(error_attributes(error)) == {
        "error.type": expected[0],
        "http.response.status_code": status,
        "driftline.error.code": expected[1],
    }
    assert is_model_error(error)
    named = {"openai": "openai", "anthropic": "anthropic", "google": "gcp.gemini"}[expected[0].split(".", 1)[0]]
    assert (failed_call(error).operation, failed_call(error).provider) == ("chat", named)


def test_an_error_in_the_middle_of_a_stream(provider: Provider) -> None:
    provider.streams([*MESSAGE_EVENTS[:4], anthropic_error("overloaded_error")], named=True)

    def listen(provider: Provider) -> None:
        with anthropic.Anthropic(base_url=provider.url, api_key="test", max_retries=0) as client:
            list(client.messages.create(model="claude-sonnet-5-5", max_tokens=10, messages=ASKED, stream=True))

    found = dict(error_attributes(raised(listen, provider)))
    assert found["driftline.error.code"] == "overloaded_error"


def test_azure_is_known_by_the_host_that_was_asked() -> None:
    request = httpx2.Request("POST", "https://shop.openai.azure.com/openai/deployments/x/chat/completions")
    error = openai.APITimeoutError(request)
    assert failed_call(error).provider == "azure.ai.openai"


@pytest.mark.parametrize("kind", [openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError])
def test_an_answer_that_was_paid_for_is_the_failed_calls(kind: Any) -> None:
    completion = openai.types.chat.ChatCompletion.model_validate(chat_body())
    assert failed_call(kind(completion=completion)).usage.input == 142


def test_the_last_answer_of_instructors_retries_is_the_failed_calls() -> None:
    class InstructorRetryException(Exception):  # noqa: N818 - its name there
        def __init__(self) -> None:
            self.last_completion = openai.types.chat.ChatCompletion.model_validate(chat_body())
            self.n_attempts = 3

    InstructorRetryException.__module__ = "instructor.core.exceptions"
    error = InstructorRetryException()
    assert is_model_error(error)
    assert failed_call(error).usage.output == 48


def botocore_error(operation: str) -> Exception:
    """An error as botocore raises it, which keeps the answer in a document."""

    class ClientError(Exception):
        def __init__(self) -> None:
            super().__init__(f"An error occurred (ThrottlingException) when calling the {operation} operation")
            self.response = {
                "Error": {"Code": "ThrottlingException", "Message": "Too many requests"},
                "ResponseMetadata": {"HTTPStatusCode": 429},
            }
            self.operation_name = operation

    ClientError.__module__ = "botocore.exceptions"
    kind: type[Exception] = type("ThrottlingException", (ClientError,), {"__module__": "botocore.errorfactory"})
    return kind()


def test_an_error_of_bedrock() -> None:
    error = botocore_error("Converse")
    assert dict(error_attributes(error)) == {
        "error.type": "botocore.ThrottlingException",
        "http.response.status_code": 429,
        "driftline.error.code": "ThrottlingException",
    }
    assert is_model_error(error)
    assert failed_call(error).provider == "aws.bedrock"


def test_an_error_of_another_service_of_amazons_is_no_call() -> None:
    assert not is_model_error(botocore_error("PutObject"))


def aiohttp_error() -> Exception:
    """An error as aiohttp raises it, whose ``code`` warns that it is deprecated."""

    class ClientResponseError(Exception):
        def __init__(self) -> None:
            super().__init__("429, message='Too Many Requests'")
            self.status = 429

        @property
        def code(self) -> int:
            warnings.warn("code property is deprecated", DeprecationWarning, stacklevel=2)
            return self.status

    ClientResponseError.__module__ = "aiohttp.client_exceptions"
    return ClientResponseError()


def requests_error() -> Exception:
    response = requests.Response()
    response.status_code = 429
    return requests.HTTPError("429 Client Error", response=response)


def httpx_error(library: Any) -> Exception:
    request = library.Request("POST", "https://example.org")
    found: Exception = library.HTTPStatusError("429", request=request, response=library.Response(429, request=request))
    return found


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx_error(httpx), "httpx.HTTPStatusError"),
        (httpx_error(httpx2), "httpx2.HTTPStatusError"),
        (requests_error(), "requests.HTTPError"),
        (aiohttp_error(), "aiohttp.ClientResponseError"),
    ],
)
def test_errors_of_http_clients_have_a_status_and_are_no_calls(error: Exception, kind: str) -> None:
    assert dict(error_attributes(error)) == {"error.type": kind, "http.response.status_code": 429}
    assert not is_model_error(error)


@pytest.mark.parametrize(
    "attributes", [{"code": 7}, {"status": "html"}, {"type": "x"}, {"status_code": 9999}, {"body": 7}]
)
def test_attributes_of_other_exceptions_are_not_taken_for_a_status_or_code(attributes: dict[str, Any]) -> None:
    error = ValueError("no")
    vars(error).update(attributes)
    assert dict(error_attributes(error)) == {"error.type": "ValueError"}


def test_no_code_of_an_exception_runs() -> None:
    class Trap(Exception):  # noqa: N818
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"its code ran for {name}")

        @property
        def response(self) -> object:
            raise AssertionError("its code ran")

    assert [key for key, _ in error_attributes(Trap())] == ["error.type"]


def test_a_long_text_is_cut_and_a_broken_one_is_empty() -> None:
    class Broken(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError("even this")

    assert error_message(ValueError("x" * 600)) == "x" * 500 + "…"
    assert error_message(Broken()) == ""
