"""The buttons under a bot's messages: Slack says by Socket Mode who pressed which, so that no port has to be open.

Of several listeners of one app Slack tells one, whichever it is: one listener for each app is enough, and it hears of
all channels that the app writes to.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Final, cast

from driftline.errors import DriftlineError
from driftline_alerts.channels.slack_api import SlackApi
from driftline_alerts.channels.slack_blocks import BUTTONS
from driftline_alerts.channels.slack_text import literal
from driftline_alerts.notifier import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slack_sdk.socket_mode.builtin import SocketModeClient
    from slack_sdk.socket_mode.client import BaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

    from driftline_alerts.channels.slack import SlackConfig
    from driftline_alerts.wishes import Wish

logger = logging.getLogger(__name__)

_SAID: Final[dict[Wish, str]] = {
    "acknowledge": "Noted: the incident is acknowledged in your name in a few seconds.",
    "silence": "Noted: nothing more is told of this incident for an hour.",
    "accept": "Noted: the level that it has now becomes the new normal.",
}
_LONGEST: Final = 200
"""Characters of what stands against a wish, which can hold a name."""
_AGAIN_SECONDS: Final = 30.0
"""Pause between attempts to connect at first; later the client sees to it itself."""


class Listener:
    """Hears what people press, in threads of its own."""

    def __init__(self, config: SlackConfig, ask: Callable[[Wish, str, str], str]) -> None:
        """Take what is needed, without using it.

        Args:
            config: of the channel, with an ``app_token``.
            ask: lets what somebody wants be done: what, the incident, and who; called from another thread. It gives
                what stands against it, as a clause, or ''. That is told to who pressed, and if it raises a
                ``DriftlineError``, that it failed.

        Raises:
            ValueError: the channel has no ``app_token``.
        """
        if config.token is None or config.app_token is None:
            raise ValueError("expected a Slack channel with 'token' and 'app_token', got one that lacks them")
        self._app_token = config.app_token
        self._api_url = f"{config.api.get_secret_value().rstrip('/')}/"
        self._api = SlackApi(config.token, config.api, "the buttons: Slack")
        self._ask = ask
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="slack-buttons", daemon=True)
        self._ignored = 0

    def start(self) -> None:
        """Begin to listen; Slack being away delays that."""
        self._thread.start()

    def stop(self) -> None:
        """End, which takes up to 3 s; what is under way is finished."""
        self._stop.set()
        self._thread.join()

    def heard(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Answer one request of Slack: at once, as it waits for 3 s, and then do what it says."""
        from slack_sdk.socket_mode.response import SocketModeResponse  # noqa: PLC0415

        client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
        wishes = list(_wishes(request))
        if not wishes:
            self._ignored += 1
            logger.warning("Slack sent what is no button of ours (%s), %d so far", request.type, self._ignored)
        for wish, incident in wishes:
            self._do(wish, incident, request.payload)

    def _do(self, wish: Wish, incident: str, payload: dict[str, Any]) -> None:
        user = payload.get("user") or {}
        try:
            by = str(user.get("username") or user.get("name") or user.get("id") or "somebody")
            against = self._ask(wish, incident, by)
            said = f"Not noted: {literal(against, _LONGEST)}." if against else _SAID[wish]
        except DriftlineError as error:
            logger.warning("a button of incident %s could not be followed: %s", incident, error)
            said = "That could not be noted now; please press again in a minute."
        try:
            self._tell(said, payload)
        except (DeliveryError, KeyError) as error:
            logger.warning("who pressed a button was not told what comes of it: %s", error)

    def _tell(self, said: str, payload: dict[str, Any]) -> None:
        """Only who pressed sees it."""
        thread = (payload.get("message") or {}).get("thread_ts")
        where = {"channel": payload["channel"]["id"], **({"thread_ts": thread} if thread else {})}
        self._api.call("chat.postEphemeral", user=payload["user"]["id"], text=said, **where)

    def _listen(self) -> None:
        client = self._client()
        try:
            while not self._connected(client) and not self._stop.wait(_AGAIN_SECONDS):
                pass
            self._stop.wait()
        finally:
            client.close()

    def _client(self) -> SocketModeClient:
        from slack_sdk.socket_mode.builtin import SocketModeClient  # noqa: PLC0415  only who has buttons pays for it
        from slack_sdk.web import WebClient  # noqa: PLC0415

        # slack_sdk's own words can hold addresses that let one in, so it gets a log that leads nowhere.
        quiet = logging.Logger("slack", level=logging.CRITICAL + 1)  # noqa: LOG001
        web = WebClient(base_url=self._api_url, logger=quiet, timeout=10)
        client = SocketModeClient(self._app_token.get_secret_value(), logger=quiet, web_client=web)
        client.socket_mode_request_listeners.append(self.heard)
        return client

    def _connected(self, client: SocketModeClient) -> bool:
        try:
            client.connect()
        except Exception as error:  # noqa: BLE001  whatever the network or Slack has; its text can hold an address
            kind = type(error).__name__
            logger.warning("Slack's buttons are not heard yet (%s); check 'app_token' and the network", kind)
            return False
        logger.info("Slack's buttons are heard")
        return True


def _wishes(request: SocketModeRequest) -> Iterator[tuple[Wish, str]]:
    """What was pressed, of ours, and the incident that it is about."""
    if request.type != "interactive" or request.payload.get("type") != "block_actions":
        return
    for action in request.payload.get("actions") or []:
        if action.get("action_id") in BUTTONS and action.get("value"):
            yield cast("Wish", action["action_id"]), str(action["value"])
