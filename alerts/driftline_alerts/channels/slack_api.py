"""Slack's Web API: a method is called, and its errors are sorted by what helps.

https://docs.slack.dev/reference/methods and the errors that each page there lists.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from driftline_alerts.channels.sending import failure, post, retry_after
from driftline_alerts.notifier import DeliveryError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from driftline_alerts.channels.sending import Answer

_PASSES: Final = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "service_unavailable", "team_added_to_org", "org_login_required"}
)
"""Errors after which nothing was done, and that pass by themselves."""

_UNKNOWN_END: Final = frozenset({"fatal_error", "request_timeout"})
"""Errors after which something may have been done."""

BROKEN_MESSAGE: Final = re.compile(
    r"invalid_blocks.*|msg_.*too_long|no_text|too_many_attachments|metadata_.*|invalid_metadata.*|"
    r"invalid_(arg_name|array_arg|arguments|attachments|charset|form_data|payload|post_type)"
)
"""Errors that refuse one message for what it is."""

_DONE: Final = frozenset({"already_reacted"})
"""Errors that say that all is as it was asked for."""

_NO_THREAD: Final = frozenset({"thread_not_found", "message_not_found", "invalid_thread_ts", "cannot_reply_to_message"})


class ThreadGoneError(DeliveryError):
    """Somebody has deleted the message that begins the thread."""


class SlackApi:
    """Calls methods with a bot's token."""

    def __init__(self, token: SecretStr, url: SecretStr, who: str) -> None:
        """Take what lets us in, without using it.

        Args:
            token: of the bot.
            url: of the Web API, under which the methods are.
            who: the channel and its service, to begin a message with.
        """
        self._token = token
        self._url = f"{url.get_secret_value().rstrip('/')}/"
        self._who = who

    def call(self, method: str, **fields: object) -> dict[str, Any]:
        """Call one method.

        Args:
            method: such as ``chat.postMessage``.
            fields: its arguments; those that are neither text nor number are sent as JSON.

        Returns:
            What Slack says.

        Raises:
            ThreadGoneError: what it is about is not there any more.
            DeliveryError: it failed otherwise, or it is not known whether it did.
        """
        form = {name: value if isinstance(value, str) else json.dumps(value) for name, value in fields.items()}
        headers = {
            "Authorization": f"Bearer {self._token.get_secret_value()}",
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
        }
        answer = post(f"{self._url}{method}", urlencode(form).encode(), headers, who=self._who, key="api_url")
        if answer.status != 200:
            raise failure(answer, who=self._who, key="api_url", reason=method, broken=frozenset({413}))
        said = _object(answer.text)
        if said.get("ok") is not True and said.get("error") not in _DONE:
            raise self._refused(method, said, answer)
        return said

    def put(self, url: str, data: bytes) -> None:
        """Send a file to where Slack wants it.

        Raises:
            DeliveryError: it failed.
        """
        headers = {"Content-Type": "application/octet-stream"}
        answer = post(url, data, headers, who=f"{self._who}'s place for files", key="api_url")
        if answer.status != 200:
            raise failure(answer, who=self._who, key="api_url", reason="upload", broken=frozenset({400, 413}))

    def _refused(self, method: str, said: dict[str, Any], answer: Answer) -> DeliveryError:
        error = str(said.get("error", ""))
        if not re.fullmatch(r"[a-z_]{1,60}", error) or error in _UNKNOWN_END:
            text = f"{self._who} gave no clear answer to {method}; it will be looked up"
            return DeliveryError(text, again="soon", unsure=True)
        if error in _NO_THREAD:
            return ThreadGoneError(f"{self._who} has no such thread any more ({method}: {error})", again="soon")
        if error in _PASSES:
            text = f"{self._who} is busy or broken now ({method}: {error}); it will be tried again"
            return DeliveryError(text, again="soon", retry_after=retry_after(answer))
        if BROKEN_MESSAGE.fullmatch(error):
            return DeliveryError(f"{self._who} refuses this message ({method}: {error})", again="never")
        needed = f"; add the scope {said['needed']}" if _is_scope(said.get("needed")) else ""
        hint = "correct 'token' or 'channel', or invite the bot into the channel (docs/channels.md)"
        return DeliveryError(f"{self._who} refuses us ({method}: {error}{needed}); {hint}", again="later")


def _object(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _is_scope(raw: object) -> bool:
    return isinstance(raw, str) and re.fullmatch(r"[a-z:._,]{1,100}", raw) is not None
