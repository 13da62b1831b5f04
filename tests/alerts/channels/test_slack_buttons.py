"""Buttons: what Slack sends when one is pressed, from the wire to what is asked for and told."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from channel_support import SECRET, Fault
from driftline.errors import StoreError
from driftline_alerts.channels.slack import SlackConfig
from driftline_alerts.channels.slack_buttons import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator

    from channel_support import Services

ASKED = tuple[str, str, str]


def pressed(action: str, **changes: Any) -> dict[str, Any]:
    """An envelope, as Socket Mode brings it."""
    payload = {
        "type": "block_actions",
        "user": {"id": "U1", "username": "mara", "name": "mara", "team_id": "T1"},
        "channel": {"id": "C0123456789", "name": "support"},
        "message": {"ts": "1.2", "thread_ts": "1.0"},
        "actions": [{"action_id": action, "block_id": "b", "type": "button", "value": "3f2a", "action_ts": "1.3"}],
    }
    return {"envelope_id": "e1", "type": "interactive", "accepts_response_payload": True, "payload": payload | changes}


def config(world: Services) -> SlackConfig:
    given = {"token": SecretStr(f"xoxb-{SECRET}"), "app_token": SecretStr(f"xapp-{SECRET}")}
    return SlackConfig(kind="slack", channel="C0123456789", api_url=SecretStr(world.slack_api), **given)


class Client:
    """Stands where the connection to Slack is."""

    def __init__(self) -> None:
        self.answered: list[str] = []

    def send_socket_mode_response(self, response: Any) -> None:
        self.answered.append(response.envelope_id)


def hear(world: Services, envelope: dict[str, Any], ask: Any) -> Client:
    from slack_sdk.socket_mode.request import SocketModeRequest  # noqa: PLC0415

    client, request = Client(), SocketModeRequest.from_dict(envelope)
    assert request is not None
    Listener(config(world), ask).heard(client, request)  # type: ignore[arg-type]
    return client


def told(world: Services) -> list[dict[str, Any]]:
    return [one.json for one in world.of("api") if one.path.endswith("chat.postEphemeral")]


@pytest.mark.parametrize("action", ["acknowledge", "silence", "accept"])
def test_a_button_asks_for_what_it_says_and_who_pressed_is_told(world: Services, action: str) -> None:
    asked: list[ASKED] = []
    client = hear(world, pressed(action), lambda *wish: asked.append(wish))
    assert asked == [(action, "3f2a", "mara")]
    assert client.answered == ["e1"]
    (said,) = told(world)
    assert (said["user"], said["channel"], said["thread_ts"]) == ("U1", "C0123456789", "1.0")
    assert said["text"].startswith("Noted: ")


def test_who_pressed_is_told_what_stands_against_it_as_it_is_written(world: Services) -> None:
    hear(world, pressed("acknowledge"), lambda *_: "<!here> *mara* has acknowledged it already")
    assert told(world)[0]["text"] == "Not noted: &lt;!here&gt; ∗mara∗ has acknowledged it already."


def test_slack_is_answered_before_anything_else(world: Services) -> None:
    answered: list[str] = []
    client = Client()
    client.answered = answered

    def ask(*_: str) -> str:
        assert answered == ["e1"]
        return ""

    from slack_sdk.socket_mode.request import SocketModeRequest  # noqa: PLC0415

    Listener(config(world), ask).heard(client, SocketModeRequest.from_dict(pressed("silence")))  # type: ignore[arg-type]
    assert answered == ["e1"]


@pytest.mark.parametrize(
    "envelope",
    [
        pressed("buy"),
        pressed("accept", type="view_submission"),
        pressed("accept", actions=[]),
        pressed("accept", actions=[{"action_id": "accept"}]),
        {"envelope_id": "e1", "type": "events_api", "payload": {"event": {"type": "message"}}},
        {"envelope_id": "e1", "type": "slash_commands", "payload": {"command": "/x"}},
    ],
)
def test_what_is_no_button_of_ours_is_counted_and_nothing_else(
    world: Services, envelope: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[ASKED] = []
    assert hear(world, envelope, lambda *wish: asked.append(wish)).answered == ["e1"]
    assert (asked, world.received) == ([], [])
    assert "1 so far" in caplog.text


def test_who_pressed_hears_when_it_could_not_be_noted(world: Services, caplog: pytest.LogCaptureFixture) -> None:
    def ask(*_: str) -> None:
        raise StoreError("the store is away")

    hear(world, pressed("acknowledge"), ask)
    assert told(world)[0]["text"] == "That could not be noted now; please press again in a minute."
    assert "the store is away" in caplog.text


def test_what_was_asked_for_holds_though_nobody_can_be_told(world: Services, caplog: pytest.LogCaptureFixture) -> None:
    world.fail("api", Fault(500))
    asked: list[ASKED] = []
    hear(world, pressed("silence"), lambda *wish: asked.append(wish))
    assert len(asked) == 1
    assert "was not told" in caplog.text


def test_only_a_bot_with_an_app_token_can_listen() -> None:
    hook = SlackConfig(kind="slack", webhook_url=SecretStr("https://x"))
    with pytest.raises(ValueError, match="'app_token'"):
        Listener(hook, lambda *_: "")


@contextmanager
def socket_mode(world: Services, envelope: dict[str, Any], answers: list[dict[str, Any]]) -> Iterator[None]:
    """Slack's end of the connection: sends one envelope and keeps what comes back."""

    def talk(connection: ServerConnection) -> None:
        connection.send(json.dumps({"type": "hello", "num_connections": 1}))
        connection.send(json.dumps(envelope))
        with suppress(ConnectionClosed):
            answers.extend(json.loads(raw) for raw in connection)

    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/link/?ticket={SECRET}"
        world.fail("api", Fault(200, text=json.dumps({"ok": True, "url": url}), taken=True))
        yield
        server.shutdown()
        thread.join()


def test_a_press_comes_over_the_wire(world: Services, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    caplog.set_level("WARNING", logger="websockets")  # Slack's end
    asked: list[ASKED] = []
    heard, answers = threading.Event(), list[dict[str, Any]]()

    def ask(*wish: str) -> str:
        asked.append(wish)  # type: ignore[arg-type]
        heard.set()
        return ""

    with socket_mode(world, pressed("silence"), answers):
        listener = Listener(config(world), ask)
        listener.start()
        assert heard.wait(20)
        listener.stop()
    assert asked == [("silence", "3f2a", "mara")]
    assert [one["envelope_id"] for one in answers] == ["e1"]
    assert SECRET not in caplog.text
