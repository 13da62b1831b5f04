"""Slack as a bot: threads, looking up, the chart, and what is made of Slack's errors."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from channel_messages import OPENED, told
from channel_support import CLOSED_BUT_TAKEN, SECRET, Fault
from driftline_alerts.channels import slack_bot
from driftline_alerts.channels.slack_bot import SlackBot
from driftline_alerts.notifier import DeliveryError

if TYPE_CHECKING:
    from channel_support import Services

NOW = datetime.now(UTC)
FIRST = told(at=NOW, series=None)


def bot(world: Services, *, token: str = f"xoxb-{SECRET}", buttons: bool = False) -> SlackBot:
    return SlackBot("support", SecretStr(token), SecretStr(world.slack_api), "C0123456789", buttons=buttons)


def test_later_messages_of_an_incident_go_into_the_thread_of_the_first(world: Services) -> None:
    thread = bot(world).send(FIRST, thread="", repeat=False)
    for phase in ("update", "resolved"):
        assert bot(world).send(told(id=phase, phase=phase, series=None), thread=thread, repeat=False) == thread
    assert [post["thread_ts"] for post in world.posts] == ["", thread, thread]
    assert all(post["channel"] == "C0123456789" for post in world.posts)


def test_the_first_message_shows_how_it_stands(world: Services) -> None:
    thread = bot(world).send(FIRST, thread="", repeat=False)
    for phase in ("acknowledged", "resolved"):
        bot(world).send(told(id=phase, phase=phase, series=None), thread=thread, repeat=False)
    assert world.reactions == [(thread, "eyes"), (thread, "white_check_mark")]


def test_that_it_became_graver_is_shown_in_the_channel_too(world: Services) -> None:
    thread = bot(world).send(FIRST, thread="", repeat=False)
    for id_, is_graver in (("grown", False), ("critical", True)):
        update = told(id=id_, phase="update", series=None, is_graver=is_graver)
        bot(world).send(update, thread=thread, repeat=False)
    assert [post.get("reply_broadcast") for post in world.posts] == [None, None, True]
    world.posts.clear()
    bot(world).send(update, thread=thread, repeat=False)
    assert "reply_broadcast" not in world.posts[0], "it stands there anyway where its thread is gone"


def test_a_sign_that_is_there_already_is_no_failure(world: Services, caplog: pytest.LogCaptureFixture) -> None:
    thread = bot(world).send(FIRST, thread="", repeat=False)
    for id_ in ("mara", "anna"):
        bot(world).send(told(id=id_, phase="acknowledged", series=None), thread=thread, repeat=False)
    assert world.reactions == [(thread, "eyes")]
    assert "was not added" not in caplog.text


def test_a_message_that_arrived_is_found_by_its_id_in_channel_and_thread(world: Services) -> None:
    assert bot(world).find(FIRST, thread="") is None
    thread = bot(world).send(FIRST, thread="", repeat=False)
    update = told(id="update", at=NOW, phase="update", series=None)
    assert bot(world).find(FIRST, thread="") == thread
    assert bot(world).find(update, thread=thread) is None
    bot(world).send(update, thread=thread, repeat=False)
    assert bot(world).find(update, thread=thread) == thread


def test_a_message_is_found_behind_many_others(world: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_bot, "_PAGE", 3)
    thread = bot(world).send(FIRST, thread="", repeat=False)
    for number in range(7):
        bot(world).send(told(id=str(number), series=None), thread="", repeat=False)
    assert bot(world).find(FIRST, thread="") == thread
    monkeypatch.setattr(slack_bot, "_PAGES", 2)
    assert bot(world).find(FIRST, thread="") is None


def test_where_the_thread_was_deleted_a_new_one_begins(world: Services) -> None:
    update = told(id="update", at=NOW, phase="update", series=None)
    thread = bot(world).send(FIRST, thread="", repeat=False)
    world.posts.clear()
    assert bot(world).find(update, thread=thread) is None
    second = bot(world).send(update, thread=thread, repeat=False)
    assert second != thread
    assert [post["thread_ts"] for post in world.posts] == [""]
    assert bot(world).find(update, thread=thread) == second


def test_what_breaks_off_after_slack_took_it_is_unsure_and_then_found(world: Services) -> None:
    world.fail("api", CLOSED_BUT_TAKEN)
    with pytest.raises(DeliveryError) as caught:
        bot(world).send(FIRST, thread="", repeat=False)
    assert (caught.value.again, caught.value.unsure) == ("soon", True)
    assert bot(world).find(FIRST, thread="") == world.posts[0]["ts"]


def test_the_chart_follows_into_the_thread_with_its_words(world: Services) -> None:
    thread = bot(world).send(told(at=NOW), thread="", repeat=False)
    (file,) = world.files.values()
    assert file["bytes"].startswith(b"\x89PNG")
    assert int(file["length"]) == len(file["bytes"])
    assert file["alt_txt"].startswith("Quality from ")
    assert (file["thread_ts"], file["channel"]) == (thread, "C0123456789")
    bot(world).send(told(id="2", at=NOW, phase="update"), thread=thread, repeat=False)
    assert len(world.files) == 1  # the thread has it


def test_a_chart_that_cannot_be_added_does_not_make_the_message_a_failure(
    world: Services, caplog: pytest.LogCaptureFixture
) -> None:
    world.only.add("files.getUploadURLExternal")
    world.fail("api", Fault(200, text='{"ok": false, "error": "missing_scope", "needed": "files:write"}'))
    assert bot(world).send(told(at=NOW), thread="", repeat=False) == world.posts[0]["ts"]
    assert "its chart or sign was not added: channel 'support': Slack refuses us" in caplog.text
    assert "add the scope files:write" in caplog.text


@pytest.mark.parametrize(
    ("said", "meaning", "text"),
    [
        (
            '{"ok": false, "error": "ratelimited"}',
            ("soon", False),
            "busy or broken now (chat.postMessage: ratelimited)",
        ),
        ('{"ok": false, "error": "internal_error"}', ("soon", False), "internal_error"),
        ('{"ok": false, "error": "fatal_error"}', ("soon", True), "gave no clear answer"),
        ("<html>", ("soon", True), "gave no clear answer"),
        ("[]", ("soon", True), "gave no clear answer"),
        ('{"ok": false, "error": "invalid_blocks"}', ("never", False), "refuses this message"),
        ('{"ok": false, "error": "msg_blocks_too_long"}', ("never", False), "refuses this message"),
        ('{"ok": false, "error": "not_in_channel"}', ("later", False), "invite the bot into the channel"),
        (
            '{"ok": false, "error": "missing_scope", "needed": "chat:write"}',
            ("later", False),
            "add the scope chat:write",
        ),
        ('{"ok": false, "error": "token SECRET"}', ("soon", True), "gave no clear answer"),
    ],
)
def test_slacks_errors_are_sorted_by_what_helps(
    world: Services, said: str, meaning: tuple[str, bool], text: str
) -> None:
    world.fail("api", Fault(200, {"Retry-After": "3"}, said))
    with pytest.raises(DeliveryError) as caught:
        bot(world).send(FIRST, thread="", repeat=False)
    assert (caught.value.again, caught.value.unsure) == meaning
    assert text in str(caught.value)
    assert SECRET not in str(caught.value)
    assert world.posts == []


def test_slack_says_how_long_to_wait(world: Services) -> None:
    world.fail("api", Fault(429, {"Retry-After": "30"}, '{"ok": false, "error": "ratelimited"}'))
    with pytest.raises(DeliveryError) as caught:
        bot(world).send(FIRST, thread="", repeat=False)
    assert (caught.value.again, caught.value.retry_after) == ("soon", 30.0)


def test_the_token_is_in_no_log_and_no_error(world: Services, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bot(world).send(OPENED, thread="", repeat=False)
    with pytest.raises(DeliveryError, match="invalid_auth") as caught:
        bot(world, token=f"xoxb-old-{SECRET}").send(FIRST, thread="", repeat=False)
    assert caught.value.again == "later"
    assert SECRET not in caplog.text + str(caught.value) + repr(bot(world)) + repr(vars(bot(world)))


def test_buttons_are_there_only_when_somebody_listens(world: Services) -> None:
    for buttons in (True, False):
        bot(world, buttons=buttons).send(FIRST, thread="", repeat=False)
    kinds: list[Any] = [{block["type"] for block in post["blocks"]} for post in world.posts]
    assert ["actions" in one for one in kinds] == [True, False]
