"""Delivery: nothing lost, at most one repeat a kill, and every attempt on record."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from alert_support import MINUTE, NOW, step_of
from driftline_alerts import deliver as module
from driftline_alerts.actions import Action
from driftline_alerts.deliver import Courier
from driftline_alerts.delivery import Delivery
from driftline_alerts.message import Message
from driftline_alerts.notifier import DeliveryError
from driftline_alerts.outbox import Plan, read
from driftline_alerts.transition import write
from driftline_store.client import StoreUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from driftline_alerts.outbox import Parcel
    from driftline_alerts.patience import Round
    from driftline_alerts.transition import State
    from driftline_store.client import Client


@dataclass
class Fake:
    """A channel that remembers what it was told, and does as it is bid.

    Attributes:
        sent: message, thread and whether it was marked as a repeat.
        errors: raised by the next attempts; None: all is well.
        takes_it_first: whether a message has arrived although an error is raised.
        looks_up: whether it can find what it was told.
        is_repeat_harmless: as it says.
    """

    channel: str = "fake"
    sent: list[tuple[Message, str, bool]] = field(default_factory=list)
    errors: list[BaseException | None] = field(default_factory=list)
    takes_it_first: bool = False
    looks_up: bool = False
    is_repeat_harmless: bool = False
    times: list[float] = field(default_factory=list)

    def send(self, message: Message, *, thread: str, repeat: bool) -> str:
        error = self.errors.pop(0) if self.errors else None
        self.times.append(time.monotonic())
        if error is None or self.takes_it_first:
            self.sent.append((message, thread, repeat))
        if error:
            raise error
        return thread or f"ref {message.id}"

    def find(self, message: Message, *, thread: str) -> str | None:  # noqa: ARG002
        found = self.looks_up and any(one.id == message.id for one, *_ in self.sent)
        return f"ref {message.id}" if found else None

    @property
    def told(self) -> list[tuple[str, str]]:
        """What, and whether it was a repeat."""
        return [(message.headline, "again" if repeat else "") for message, _, repeat in self.sent]


A_YEAR = 24 * 365.0
"""In hours: attempts are dated by the clock."""


def fire(client: Client, *incidents: str, state: State = "firing", after: float = 0) -> None:
    write(
        client,
        [
            replace(step_of(feature=name, state=state, at=NOW + (n + 1) * MINUTE + after * MINUTE), incident=name)
            for n, name in enumerate(incidents)
        ],
    )


def compose(parcel: Parcel) -> Message:
    first = parcel.steps[0]
    headline = f"{parcel.phase} {' '.join(step.segment[0][1] for step in parcel.steps)}"
    nothing: tuple[()] = ()
    return Message(
        id=parcel.id,
        incident=first.incident,
        phase=parcel.phase,
        severity="warning",
        headline=headline,
        segment=first.segment,
        facts=nothing,
        sentences=nothing,
        examples=nothing,
        series=None,
        links=nothing,
        at=first.at,
    )


def send(
    client: Client,
    *fakes: Fake,
    later: float = 1,
    may_act: Callable[[], bool] = lambda: True,
    stop: threading.Event | None = None,
    silences: tuple[Action, ...] = (),
) -> list[Round]:
    now = NOW + timedelta(hours=later)
    plan = Plan((), [fake.channel for fake in fakes], silences, now)
    return [
        Courier(client, fake, compose, stop or threading.Event(), may_act).deliver(
            read(client, now, fake.channel), plan
        )
        for fake in fakes
    ]


def attempts(client: Client) -> list[tuple[bool, str]]:
    return [tuple(row) for row in client.query("SELECT delivered, error FROM alert_deliveries ORDER BY at").result_rows]


def busy(**values: float) -> DeliveryError:
    return DeliveryError("busy", again="soon", **values)  # type: ignore[arg-type]


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_wait", lambda _: 0.0)


def test_each_incident_is_told_once_in_each_channel(client: Client) -> None:
    fire(client, "a", "b")
    one, other = Fake(), Fake("other")
    for _ in range(3):
        send(client, one, other)
    assert one.told == other.told == [("opened a", ""), ("opened b", "")]
    assert sorted(attempts(client)) == [(False, "")] * 4 + [(True, "")] * 4


def test_what_follows_goes_to_the_thread_of_the_first_message(client: Client) -> None:
    fake = Fake()
    fire(client, "a")
    send(client, fake)
    fire(client, "a", state="acknowledged", after=1)
    send(client, fake)
    fire(client, "a", state="resolved", after=2)
    send(client, fake)
    first = fake.sent[0][0]
    assert [(message.phase, thread) for message, thread, _ in fake.sent] == [
        ("opened", ""),
        ("acknowledged", f"ref {first.id}"),
        ("resolved", f"ref {first.id}"),
    ]


@pytest.mark.usefixtures("hurried")
def test_a_failure_that_passes_is_tried_again_at_once(client: Client) -> None:
    fire(client, "a")
    fake = Fake(errors=[busy(), busy()])
    send(client, fake)
    send(client, fake)
    assert fake.told == [("opened a", "")], "the channel said that it did not take the first two"
    assert [error for _, error in attempts(client) if error] == ["busy", "busy"]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("looks_up", [False, True])
def test_a_message_that_may_have_arrived_is_looked_up_or_marked(client: Client, looks_up: bool) -> None:
    fire(client, "a")
    fake = Fake(errors=[busy(unsure=True)], takes_it_first=True, looks_up=looks_up)
    send(client, fake)
    send(client, fake)
    assert len(fake.sent) == 1, "not at once, as people may have it"
    send(client, fake, later=A_YEAR)
    assert fake.told == [("opened a", "")] + ([] if looks_up else [("opened a", "again")])


def test_the_channel_says_how_long_to_wait(client: Client) -> None:
    fire(client, "a")
    fake = Fake(errors=[busy(retry_after=1.0)])
    send(client, fake)
    assert fake.times[1] - fake.times[0] >= 1


@pytest.mark.usefixtures("hurried")
def test_an_incident_that_cannot_be_told_does_not_keep_the_others_from_it(client: Client) -> None:
    fire(client, "a", "b")
    fake = Fake(errors=[busy()] * 4)
    send(client, fake)
    assert fake.told == [("opened b", "")]
    send(client, fake)
    assert fake.told == [("opened b", ""), ("opened a", "")]


@pytest.mark.usefixtures("hurried")
def test_a_channel_that_fails_is_left_alone_until_the_next_round(client: Client) -> None:
    fire(client, *"abcde")
    fake = Fake(errors=[DeliveryError("no such channel", again="later")] * 3)
    send(client, fake)
    assert (len(fake.times), fake.told) == (3, [])
    send(client, fake)
    assert [told for told, _ in fake.told] == [f"opened {name}" for name in "abcde"]


def test_a_channel_that_asks_for_a_long_pause_gets_it(client: Client) -> None:
    fire(client, "a", "b")
    fake = Fake(errors=[busy(retry_after=120.0)])
    (came,) = send(client, fake)
    assert (came.pause, len(fake.times)) == (120, 1)


@pytest.mark.usefixtures("hurried")
def test_a_round_says_whether_the_channel_took_anything_and_what_it_may_take_later(client: Client) -> None:
    fire(client, "a", "b", "c")
    later = DeliveryError("no such channel", again="later")
    (came,) = send(client, Fake(errors=[later, DeliveryError("malformed", again="never"), None]))
    assert (came.has_told, [one.id for one in came.failed]) == (True, ["a"])


def test_a_refused_message_does_not_block_the_others(client: Client) -> None:
    fire(client, "a", "b")
    fake = Fake(errors=[DeliveryError("malformed", again="never")])
    send(client, fake)
    send(client, fake)
    assert fake.told == [("opened b", "")]


def test_what_needs_mending_is_tried_once_a_round(client: Client) -> None:
    fire(client, "a", "b")
    fake = Fake(errors=[DeliveryError("no such channel", again="later")] * 2)
    for tried in (2, 4, 4):
        send(client, fake)
        assert len(fake.times) == tried


def test_who_does_not_lead_does_not_speak(client: Client) -> None:
    fire(client, "a")
    fake = Fake()
    send(client, fake, may_act=lambda: False)
    assert fake.told == []


@pytest.mark.usefixtures("hurried")
def test_who_loses_the_lead_while_waiting_leaves_it_to_the_next(client: Client) -> None:
    fire(client, "a")
    leads = iter([True, True, False])
    fake = Fake(errors=[busy()])
    (came,) = send(client, fake, may_act=lambda: next(leads))
    assert (len(fake.times), came.failed) == (1, []), "which is no failure of the channel"
    send(client, fake)
    assert fake.told == [("opened a", "")]


def test_who_loses_the_lead_while_making_a_message_tells_it_at_once_when_leading_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, leads = Fake(), threading.Event()
    (errand,) = Delivery([fake], (), "http://localhost", threading.Event(), leads.is_set).errands()

    def composed(_: Client, parcel: Parcel, **__: object) -> Message:
        leads.clear()
        return compose(parcel)

    fire(client, "a")
    leads.set()
    with monkeypatch.context() as patch:
        patch.setattr("driftline_alerts.delivery.composed", composed)
        errand.do(client)
    assert (fake.times, attempts(client)) == ([], []), "nothing was sent"
    leads.set()
    errand.do(client)
    assert [message.incident for message, *_ in fake.sent] == ["a"], "the channel did not fail, so it gets no pause"


@pytest.mark.parametrize("looks_up", [False, True])
def test_an_attempt_whose_end_nobody_knows_is_made_of_the_same_steps_again(client: Client, looks_up: bool) -> None:
    fire(client, "a")
    fake = Fake(errors=[KeyboardInterrupt()], takes_it_first=True, looks_up=looks_up)
    with pytest.raises(KeyboardInterrupt):
        send(client, fake)
    fire(client, "a", state="resolved", after=5)
    send(client, fake)
    send(client, fake)
    again = [] if looks_up else [("opened a", "again")]
    assert fake.told == [("opened a", ""), *again, ("resolved a", "")]


def test_a_look_up_that_fails_leaves_it_unknown(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fire(client, "a")
    fake = Fake(errors=[KeyboardInterrupt()], takes_it_first=True, looks_up=True)
    with pytest.raises(KeyboardInterrupt):
        send(client, fake)

    def away(*_: object, **__: object) -> str | None:
        raise DeliveryError("no answer", again="later")

    with monkeypatch.context() as patch:
        patch.setattr(fake, "find", away)
        send(client, fake)
        send(client, fake)
    send(client, fake)
    assert fake.told == [("opened a", "")], "found at last, so not sent again"


def test_nothing_is_sent_whose_attempt_cannot_be_recorded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fire(client, "a")
    fake = Fake()

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailableError("away")

    with monkeypatch.context() as patch:
        patch.setattr(module, "record", away)
        with pytest.raises(StoreUnavailableError):
            send(client, fake)
    assert fake.told == []
    send(client, fake)
    assert fake.told == [("opened a", "")]


def test_what_was_silenced_and_is_over_is_never_told(client: Client) -> None:
    fire(client, "a")
    fire(client, "a", state="resolved", after=1)
    silence = Action("silence", "anna", rule="slow", until=NOW + timedelta(hours=2))
    fake = Fake()
    send(client, fake, silences=(silence,))
    send(client, fake)
    assert fake.told == []


def test_who_was_told_the_beginning_is_told_the_end_however_late(client: Client) -> None:
    fire(client, "a", "b")
    fake, late = Fake(), Fake("late")
    send(client, fake)
    fire(client, "a", "b", state="resolved", after=5)
    for _ in range(2):
        send(client, fake, late, later=24 * 30)
    assert [what for what, _ in fake.told] == ["opened a", "opened b", "resolved a", "resolved b"]
    assert late.told == [], "nobody there knows of it"


def test_between_rounds_a_channel_that_fails_is_left_alone_but_for_what_is_new(client: Client) -> None:
    fake = Fake(errors=[DeliveryError("no such channel", again="later")] * 2)
    (errand,) = Delivery([fake], (), "http://localhost", threading.Event(), lambda: True).errands()
    for names, tried in (("a", 1), ("a", 1), ("b", 2), ("b", 2), ("c", 3)):
        fire(client, names)
        errand.do(client)
        assert len(fake.times) == tried
    errand.do(client)
    assert [message.incident for message, *_ in fake.sent] == ["c", "a", "b"], "it works again"


def test_waiting_ends_with_the_worker(client: Client) -> None:
    fire(client, "a")
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    send(client, Fake(errors=[busy(retry_after=29.0)]), stop=stop)
    assert time.monotonic() - began < 5
