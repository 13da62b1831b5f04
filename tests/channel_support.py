"""A server that plays the services behind channels: it records what comes, fails when told to, de-duplicates nothing.

/slack/…        an incoming webhook of Slack
/api/<method>   Slack's Web API, with one channel, its threads, reactions and files
/pagerduty      PagerDuty's Events API v2
/hook           a webhook of one's own
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl, urlsplit

from alert_support import wait_until
from played import Handler, played

if TYPE_CHECKING:
    from collections.abc import Iterator

Service = Literal["slack", "api", "pagerduty", "hook"]

SECRET = "SECRET"
"""Stands in all addresses and tokens, so that a test can look for it where it must not be."""


@dataclass(frozen=True)
class Fault:
    """How one request ends.

    Attributes:
        status: of the answer; 0: the connection is closed without one; -1: it hangs until the server ends.
        headers: of the answer.
        text: of the answer.
        taken: whether the service has done what was asked all the same.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    text: str = ""
    taken: bool = False


CLOSED = Fault(0)
CLOSED_BUT_TAKEN = Fault(0, taken=True)
HANGS = Fault(-1)
HANGS_BUT_TAKEN = Fault(-1, taken=True)


@dataclass(frozen=True)
class Received:
    """One request, as it came.

    Attributes:
        taken: whether the service has done what was asked, so that people know of it.
        at: monotonic seconds.
    """

    service: Service
    path: str
    headers: dict[str, str]
    body: bytes
    taken: bool
    at: float

    @property
    def json(self) -> dict[str, Any]:
        """The body, of whatever form."""
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return {name: _value(raw) for name, raw in parse_qsl(self.body.decode())}
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Services:
    """The server's state.

    Attributes:
        url: of its root.
        received: all requests, in the order of their arrival.
        faults: of the next requests to each service; then all is well.
        only: methods of Slack's Web API that faults are for; empty: all.
        posts: messages in the Slack channel, oldest first, as ``conversations.history`` gives them.
        files: uploaded to Slack, by id: where each was shared, and its bytes.
        reactions: time stamp and name.
    """

    url: str = ""
    received: list[Received] = field(default_factory=list)
    faults: dict[Service, list[Fault]] = field(default_factory=dict)
    only: set[str] = field(default_factory=set)
    posts: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    reactions: list[tuple[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def slack_webhook(self) -> str:
        return f"{self.url}/slack/T0/B0/{SECRET}"

    @property
    def slack_api(self) -> str:
        return f"{self.url}/api/"

    @property
    def pagerduty(self) -> str:
        return f"{self.url}/pagerduty"

    @property
    def hook(self) -> str:
        return f"{self.url}/hook?key={SECRET}"

    def of(self, service: Service) -> list[Received]:
        """All requests to a service."""
        return [one for one in self.received if one.service == service]

    def told(self, service: Service) -> list[dict[str, Any]]:
        """What people got to know, repeats and all."""
        if service == "api":
            return list(self.posts)
        return [one.json for one in self.of(service) if one.taken]

    def wait_for(self, service: Service, n: int) -> None:
        """Until so many requests came to a service."""
        wait_until(lambda: len(self.of(service)) >= n)

    def fail(self, service: Service, *faults: Fault) -> None:
        """Let the next requests end so."""
        self.faults.setdefault(service, []).extend(faults)

    def handle(self, path: str, headers: dict[str, str], body: bytes) -> Fault:
        """What comes of one request."""
        first, _, rest = urlsplit(path).path.lstrip("/").partition("/")
        service: Service = first  # type: ignore[assignment]
        with self.lock:
            queue = self.faults.get(service, [])
            fault = queue.pop(0) if queue and (not self.only or rest in self.only) else None
            taken = fault is None or fault.taken
            one = Received(service, path, headers, body, taken, time.monotonic())
            self.received.append(one)
            said = self._do(service, rest, one) if taken else Fault(404)
        return said if fault is None else fault

    def _do(self, service: Service, rest: str, one: Received) -> Fault:
        if service == "pagerduty":
            return Fault(202, text=json.dumps({"status": "success", "dedup_key": one.json.get("dedup_key")}))
        if service != "api":
            return Fault(200, text="ok")
        if rest.startswith("upload/"):
            self.files[rest.removeprefix("upload/")]["bytes"] = one.body
            return Fault(200, text="OK")
        if one.headers.get("authorization") != f"Bearer xoxb-{SECRET}":
            return Fault(200, text=json.dumps({"ok": False, "error": "invalid_auth"}))
        return Fault(200, text=json.dumps({"ok": True, **self._method(rest, one.json)}))

    def _method(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        if (begin := asked.get("thread_ts", asked.get("ts"))) and begin not in {one["ts"] for one in self.posts}:
            return {"ok": False, "error": "thread_not_found"}
        if method == "chat.postMessage":
            ts = f"{time.time():.6f}"
            self.posts.append({"ts": ts, "thread_ts": asked.get("thread_ts", ""), **asked})
            return {"ts": ts}
        if method in {"conversations.history", "conversations.replies"}:
            return self._page(asked, asked.get("ts", ""))
        if method == "reactions.add":
            sign = (asked["timestamp"], asked["name"])
            if sign in self.reactions:
                return {"ok": False, "error": "already_reacted"}
            self.reactions.append(sign)
        if method == "files.getUploadURLExternal":
            name = f"F{len(self.files)}"
            self.files[name] = {"alt_txt": asked.get("alt_txt"), "length": asked["length"]}
            return {"file_id": name, "upload_url": f"{self.url}/api/upload/{name}"}
        if method == "files.completeUploadExternal":
            for one in asked["files"]:
                self.files[one["id"]] |= {"thread_ts": asked.get("thread_ts"), "channel": asked.get("channel_id")}
        return {}

    def _page(self, asked: dict[str, Any], thread: str) -> dict[str, Any]:
        """Newest first in a channel, oldest first in a thread, as Slack has it."""
        since, most, start = float(asked.get("oldest", 0)), int(asked.get("limit", 100)), int(asked.get("cursor", 0))
        found = [one for one in self.posts if thread in (one["ts"], one["thread_ts"])] if thread else None
        shown = [one for one in self.posts if not one["thread_ts"]][::-1] if found is None else found
        shown = [one for one in shown if float(one["ts"]) >= since or one["ts"] == thread]
        page = [dict(one) for one in shown[start : start + most]]
        if not asked.get("include_all_metadata"):
            page = [{name: value for name, value in one.items() if name != "metadata"} for one in page]
        cursor = str(start + most) if start + most < len(shown) else ""
        return {"messages": page, "has_more": bool(cursor), "response_metadata": {"next_cursor": cursor}}


def _value(raw: str) -> Any:
    """Of a form's field: Slack takes lists and objects as JSON, and time stamps as they are."""
    return json.loads(raw) if raw[:1] in {"{", "["} or raw in {"true", "false"} else raw


@contextmanager
def services() -> Iterator[Services]:
    """Run them on loopback."""
    state = Services()

    def answer(handler: Handler) -> None:
        headers = {name.lower(): value for name, value in handler.headers.items()}
        end = state.handle(handler.path, headers, handler.body())
        if end.status < 0:
            state.ended.wait(60)
        if end.status <= 0:
            handler.close_connection = True
        else:
            handler.send(end.status, end.text.encode(), **end.headers)

    with played(answer) as state.url:
        try:
            yield state
        finally:
            state.ended.set()
