"""Changes that are told or seen in the spans are events, each once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from drift_support import LEAF, MINUTE, T0, spans
from driftline.errors import StoreError
from driftline_alerts.drift.events import events, told, write
from driftline_alerts.drift.news import News
from driftline_alerts.drift.notice import Noticer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from driftline_alerts.drift.events import Event
    from driftline_store.client import Client

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def changes(found: Iterable[Event]) -> set[tuple[str, str, str]]:
    return {(event.kind, event.before, event.after) for event in found}


def known(client: Client, at: datetime = T0) -> Noticer:
    """A noticer that has seen the feature in use."""
    spans(client, [{"arrived": at - DAY / 2}, {"arrived": at - MINUTE}])
    noticer = Noticer.starting(at)
    assert noticer.look(client) == []
    return noticer


def test_a_value_that_a_feature_never_had_is_an_event(client: Client) -> None:
    noticer = known(client)
    fingerprints = {"openai.response.system_fingerprint": "fp_1"}
    new: list[dict[str, Any]] = [
        {"prompt_version": "6"},
        {"request_model": "gpt-6", "response_model": "gpt-6-1"},
        {"response_model": "gpt-5-mini-2"},
        {"release": "8"},
        {"attributes": fingerprints},
    ]
    spans(client, [{"arrived": T0 + number * MINUTE, **row} for number, row in enumerate(new)])
    found = noticer.look(client)
    assert changes(found) == {
        ("prompt_version", "5", "6"),
        ("model", "gpt-5-mini", "gpt-6"),
        ("response_model", "gpt-5-mini-1", "gpt-5-mini-2"),
        ("release", "7", "8"),
    }
    assert [event.at for event in found] == [T0 + number * MINUTE for number in range(4)]
    assert {event.segment for event in found} == {LEAF[:2]}
    assert noticer.look(client) == []


def test_a_feature_that_is_new_is_no_change(client: Client) -> None:
    noticer = known(client)
    spans(client, [{"feature": "search", "prompt_version": "a", "arrived": T0}])
    assert noticer.look(client) == []
    spans(client, [{"feature": "search", "prompt_version": "b", "arrived": T0 + MINUTE}])
    assert noticer.look(client) == []
    spans(client, [{"feature": "search", "prompt_version": "c", "arrived": T0 + 61 * MINUTE}])
    assert changes(noticer.look(client)) == {("prompt_version", "b", "c")}


def test_a_crash_before_the_state_was_saved_makes_no_second_event(client: Client) -> None:
    noticer = known(client)
    before = noticer.dump()
    spans(client, [{"prompt_version": "6", "arrived": T0 + MINUTE}])
    write(client, noticer.look(client))
    spans(client, [{"prompt_version": "6", "arrived": T0 + MINUTE / 2}])  # was inserted later
    again = Noticer.load(before)
    write(client, again.look(client))
    assert changes(events(client, T0, T0 + DAY)) == {("prompt_version", "5", "6")}
    assert len(events(client, T0, T0 + DAY)) == 1
    assert Noticer.load(again.dump()).look(client) == []


def test_versions_that_are_ids_are_no_events(client: Client) -> None:
    noticer = known(client)
    spans(client, [{"prompt_version": f"id-{number}", "arrived": T0 + MINUTE} for number in range(120)])
    assert noticer.look(client) == []
    spans(client, [{"prompt_version": "one more", "arrived": T0 + 2 * MINUTE}])
    assert noticer.look(client) == []


def test_what_was_told_is_kept_with_its_place_and_time(client: Client) -> None:
    event = told("new retriever", T0, segment=(("feature", "support"),))
    write(client, [event, told("elsewhere", T0 + DAY)])
    write(client, [event])
    assert events(client, T0, T0 + DAY) == [event]
    assert (event.source, event.kind, event.text) == ("told", "deploy", "new retriever")


def test_an_event_concerns_what_it_may_have_changed() -> None:
    event = told("x", T0, segment=(("feature", "support"),))
    assert all(event.concerns(LEAF[:length]) for length in range(6))
    assert not event.concerns((("environment", "production"), ("feature", "search")))
    assert told("x", T0).concerns(LEAF)


def test_news_are_given_once_whoever_is_killed_meanwhile(client: Client) -> None:
    write(client, [told("long known", T0 - MINUTE)])
    known(client)
    news = News.starting(client, T0)
    assert news.take(client, T0) == []
    saved = news.dump()
    spans(client, [{"prompt_version": "6", "arrived": T0 + MINUTE}])
    write(client, [told("rebuilt", T0 - HOUR), told("not yet", T0 + HOUR)])
    for survivor in (news, News.load(saved)):
        given = survivor.take(client, T0 + 2 * MINUTE)
        assert [(event.kind, event.text) for event in given] == [("deploy", "rebuilt"), ("prompt_version", "")]
        assert survivor.take(client, T0 + 2 * MINUTE) == []
    assert [event.text for event in News.load(news.dump()).take(client, T0 + 2 * HOUR)] == ["not yet"]


def test_news_that_could_not_be_stored_are_not_lost(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    known(client)
    news = News.starting(client, T0)
    news.take(client, T0)
    spans(client, [{"prompt_version": "6", "arrived": T0 + MINUTE}])
    with monkeypatch.context() as away:
        away.setattr(client, "insert", lambda *_, **__: (_ for _ in ()).throw(ConnectionError("refused")))
        with pytest.raises(StoreError):
            news.take(client, T0 + 2 * MINUTE)
    assert changes(news.take(client, T0 + 2 * MINUTE)) == {("prompt_version", "5", "6")}
