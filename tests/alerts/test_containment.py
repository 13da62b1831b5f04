"""Which alerts contain a feature, what applications read of it, and what a pipeline is told: at least once, signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from channel_support import Fault, services
from driftline.containment.source import FileSource
from driftline.errors import DriftlineError, SettingsError
from driftline_alerts import containment_hook as module
from driftline_alerts.containment import Containment, Webhook, contained
from driftline_alerts.containment_hook import Told, changes, tell
from driftline_alerts.detail import Detail
from driftline_alerts.drift.events import told as told_event
from driftline_alerts.drift.events import write as write_events
from driftline_alerts.guard_file import BEAT, GuardFile
from driftline_alerts.notifier import DeliveryError
from driftline_alerts.signature import headers, key_of
from driftline_alerts.system_metrics import SYSTEM
from driftline_alerts.transition import Transition

if TYPE_CHECKING:
    from pathlib import Path

    from channel_support import Services
    from driftline.containment.state import Contained
    from driftline_store.client import Client

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
BOTH = Containment(features=("support", "search"))


def alert(**changed: Any) -> Transition:
    """Errors of the feature support, with changes."""
    usual: dict[str, Any] = {
        "id": "t1",
        "incident": "i1",
        "rule": "errors",
        "segment": (("environment", "production"), ("feature", "support")),
        "state": "firing",
        "at": NOW,
        "started": NOW,
        "metric": "error_rate",
        "value": 0.31,
        "threshold": 0.05,
        "n": 100,
        "detail": Detail(side="above", window_minutes=15, severity=changed.pop("severity", "critical")),
    }
    return Transition(**(usual | changed))


@pytest.mark.parametrize(
    ("changed", "features"),
    [
        ({}, ["support"]),
        ({"state": "acknowledged"}, ["support"]),
        ({"state": "recovering"}, ["support"]),
        ({"state": "pending"}, []),
        ({"state": "resolved"}, []),
        ({"severity": "warning"}, []),
        ({"segment": (("feature", "other"),)}, []),
        ({"segment": (("environment", "production"),)}, []),
        ({"segment": (("feature", ""),)}, []),
    ],
)
def test_an_open_critical_alert_contains_its_feature(changed: dict[str, Any], features: list[str]) -> None:
    assert [one.feature for one in contained([alert(**changed)], BOTH)] == features


def test_only_named_rules_contain() -> None:
    by_name = Containment(features=("support",), rules=("errors",))
    by_drift = Containment(features=("support",), rules=("drift",))
    errors, drift = alert(), alert(rule="drift: error rate (i2)", incident="i2")
    assert [one.incident for one in contained([errors, drift], by_name)] == ["i1"]
    assert [one.incident for one in contained([errors, drift], by_drift)] == ["i2"]


@pytest.mark.parametrize(
    ("changed", "features"),
    [
        ({"segment": (("environment", "production"),)}, ["support", "search"]),
        ({"segment": (("environment", "production"),), "rule": "drift: error rate (i2)"}, ["support", "search"]),
        ({"segment": (("feature", "search"),)}, ["search"]),
        ({"segment": (("feature", ""),)}, []),
        ({"segment": (), "rule": "daily spend", "metric": "spend"}, []),
    ],
)
def test_an_alert_of_all_features_contains_them_only_if_its_rule_is_named(
    changed: dict[str, Any], features: list[str]
) -> None:
    containment = Containment(features=BOTH.features, rules=("errors", "drift"))
    assert [one.feature for one in contained([alert(**changed)], containment)] == features


@pytest.mark.parametrize("metric", SYSTEM)
def test_trouble_of_driftline_itself_contains_nothing_though_its_rule_is_named(metric: str) -> None:
    containment = Containment(features=BOTH.features, rules=("ours",))
    assert contained([alert(rule="ours", metric=metric, segment=())], containment) == ()


def test_applications_are_told_what_is_wrong_since_when_and_where() -> None:
    containment = Containment.model_validate({"features": ["support"], "let_through": "5%"})
    segment = (("environment", "production"), ("feature", "support"), ("prompt_version", "v5"), ("variant", ""))
    (one,) = contained([alert(segment=segment)], containment)
    assert one.where == {"environment": "production", "prompt_version": "v5"}
    assert one.why == "errors: Error rate 31.0 %"
    assert one.since == "2026-11-26T10:00:00+00:00"
    assert one.let_through == 0.05


def test_a_judge_that_changed_contains_nothing() -> None:
    judges = Detail(side="below", window_minutes=60, severity="critical", is_judges=True)
    assert contained([alert(detail=judges)], BOTH) == ()


def test_what_began_first_comes_first() -> None:
    late = alert(incident="late", started=NOW + timedelta(minutes=1), value=math.nan)
    assert [one.incident for one in contained([late, alert()], BOTH)] == ["i1", "late"]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"features": None}, "a text or a list of texts"),
        ({"let_through": 1}, "less than 1"),
        ({"severity": "high"}, "critical"),
        ({"webhook": {"url": "https://u:p@host/x", "secret": "${TEST_SECRET}"}}, "must not hold a user"),
        ({"webhook": {"url": "https://host/x", "secret": SECRET}}, "must name a variable"),
        ({"webhook": {"url": "https://host/x", "secret": "${TEST_UNSET}"}}, "TEST_UNSET, which is not set"),
        ({"webhook": {"url": "https://host/x", "secret": "${TEST_SHORT}"}}, "at least 24 bytes but has 5"),
    ],
)
def test_a_mistake_says_what_is_wrong_and_no_secret(
    values: dict[str, Any], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECRET", SECRET)
    monkeypatch.setenv("TEST_SHORT", "short")
    with pytest.raises(ValidationError, match=why) as caught:
        Containment.model_validate({"features": ["support"]} | values)
    assert SECRET not in str(caught.value)
    assert "u:p" not in str(caught.value)


def test_a_file_is_written_when_something_changes_and_to_confirm_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "guard.json"
    file, reader = GuardFile(path), FileSource(path)
    reasons = contained([alert()], BOTH)
    file.put(reasons, NOW)
    state = reader.read()
    assert state is not None
    assert (state.at, state.contained) == (NOW, reasons)
    file.put(reasons, NOW + BEAT / 2)
    assert reader.read() is None
    file.put(reasons, NOW + BEAT)
    state = reader.read()
    assert state is not None
    assert state.at == NOW + BEAT
    file.put((), NOW + BEAT)
    state = reader.read()
    assert state is not None
    assert state.contained == ()
    assert [one.name for one in path.parent.iterdir()] == ["guard.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_clock_that_was_set_back_does_not_stop_confirmations(tmp_path: Path) -> None:
    file, reader = GuardFile(tmp_path / "guard.json"), FileSource(tmp_path / "guard.json")
    file.put((), NOW)
    reader.read()
    file.put((), NOW - timedelta(hours=1))
    assert reader.read() is not None


def test_only_what_is_still_as_it_was_written_is_confirmed(tmp_path: Path) -> None:
    path = tmp_path / "guard.json"
    file, other = GuardFile(path), GuardFile(path)
    assert not file.confirm(NOW)
    reasons = contained([alert()], BOTH)
    file.put(reasons, NOW)
    assert file.confirm(NOW + BEAT)
    state = FileSource(path).read()
    assert state is not None
    assert (state.at, state.contained) == (NOW + BEAT, reasons)
    other.put((), NOW + BEAT)
    assert not file.confirm(NOW + 2 * BEAT)
    assert other.confirm(NOW + BEAT)
    path.unlink()
    assert not other.confirm(NOW + 2 * BEAT)
    assert not file.exists()


def test_a_folder_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DriftlineError, match=r"cannot be written to .*'guard'"):
        GuardFile(tmp_path / "file" / "guard.json").put((), NOW)


def test_what_is_due_is_told_once_and_has_the_same_id_until_it_is() -> None:
    reasons = contained([alert(), alert(incident="i2", started=NOW + timedelta(minutes=1))], BOTH)
    (begin,) = changes(reasons, {})
    assert (begin.feature, begin.event, begin.incident) == ("support", "contained", "i1")
    assert changes(reasons, {}) == [begin]
    told = {"support": Told(begin.id, "i1")}
    assert changes(reasons, told) == []
    assert changes(reasons[1:], told) == []  # one of two reasons is over
    (end,) = changes((), told)
    assert (end.event, end.incident) == ("released", "i1")
    told = {"support": Told(end.id)}
    assert changes((), told) == []
    (again,) = changes(reasons, told)
    assert again.id not in {begin.id, end.id}


def test_a_signature_is_that_of_standard_webhooks() -> None:
    """Checked as the standard says, without our code."""
    sent = headers(key_of(SECRET), "c1", NOW, b'{"a": 1}')
    signed = b".".join((b"c1", str(int(NOW.timestamp())).encode(), b'{"a": 1}'))
    expected = base64.b64encode(hmac.new(b"k" * 32, signed, hashlib.sha256).digest()).decode()
    assert sent["webhook-signature"] == f"v1,{expected}"
    assert sent["webhook-id"] == sent["Idempotency-Key"] == "c1"


@pytest.mark.parametrize(
    ("secret", "why"), [("whsec_***", "no base64"), ("short", "has 5"), ("whsec_c2hvcnQ=", "at least 24 bytes")]
)
def test_a_secret_that_is_none_is_refused_without_repeating_it(secret: str, why: str) -> None:
    with pytest.raises(SettingsError, match=why) as caught:
        key_of(secret)
    assert secret.removeprefix("whsec_") not in str(caught.value).replace("the secret", "")


def test_a_secret_may_be_any_long_text() -> None:
    assert key_of("a text of more than 24 bytes") == b"a text of more than 24 bytes"


@pytest.fixture
def webhook(world: Services, monkeypatch: pytest.MonkeyPatch) -> Webhook:
    """Somebody's pipeline, which is played."""
    monkeypatch.setenv("TEST_PIPELINE", SECRET)
    return Webhook.model_validate({"url": world.hook, "secret": "${TEST_PIPELINE}"})


def test_a_pipeline_is_told_of_begin_and_end_with_what_changed(
    client: Client, world: Services, webhook: Webhook
) -> None:
    write_events(client, [told_event("v5 is out", NOW - timedelta(minutes=3), segment=(("feature", "support"),))])
    reasons = contained([alert()], BOTH)
    for now in (reasons, reasons, (), ()):
        tell(client, webhook, now, lambda: NOW)
    begin, end = world.told("hook")
    assert [(one["event"], one["feature"]) for one in (begin, end)] == [
        ("contained", "support"),
        ("released", "support"),
    ]
    assert begin["why"] == "errors: Error rate 31.0 %"
    assert begin["where"] == {"environment": "production"}
    assert [one["text"] for one in begin["changes"]] == ["v5 is out"]
    assert end["incident"] == "i1"


def test_what_was_not_recorded_is_told_again_with_the_same_id(
    client: Client, world: Services, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = contained([alert()], BOTH)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_record", killed)
        with pytest.raises(KeyboardInterrupt):
            tell(client, webhook, reasons, lambda: NOW)
    tell(client, webhook, reasons, lambda: NOW + timedelta(minutes=1))
    ids = [one.headers["idempotency-key"] for one in world.of("hook")]
    assert len(ids) == 2
    assert ids[0] == ids[1]


@pytest.mark.parametrize(
    ("status", "why"), [(500, "is busy or broken now .500."), (307, "points elsewhere"), (404, "refuses us")]
)
def test_what_is_not_taken_is_told_again(
    world: Services, webhook: Webhook, status: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[str] = []
    monkeypatch.setattr(module, "_changed", lambda *_: [])
    monkeypatch.setattr(module, "_record", lambda _client, _change, error="": recorded.append(error))
    world.fail("hook", Fault(status, {"Location": world.hook}))
    reasons = contained([alert()], BOTH)
    with pytest.raises(DriftlineError, match=why) as caught:
        tell(Empty(), webhook, reasons, lambda: NOW)  # type: ignore[arg-type]
    assert "SECRET" not in str(caught.value)
    tell(Empty(), webhook, reasons, lambda: NOW)  # type: ignore[arg-type]
    assert [bool(error) for error in recorded] == [True, False]
    assert len(world.of("hook")) == 2


def of_features(*features: str) -> tuple[Contained, ...]:
    """Each contained for an alert of its own."""
    alerts = [alert(incident=f"of {one}", segment=(("feature", one),)) for one in features]
    return contained(alerts, Containment(features=features))


def refusing(monkeypatch: pytest.MonkeyPatch, refused: set[str]) -> list[str]:
    """The other side takes none of some features; gives the features that were posted."""
    posted: list[str] = []

    def post(_: str, data: bytes, __: object) -> None:
        said = json.loads(data)
        posted.append(said["feature"])
        if said["feature"] in refused:
            raise DeliveryError(f"{said['feature']} is refused", again="later")

    monkeypatch.setattr(module, "_post", post)
    return posted


def test_a_feature_that_is_not_taken_keeps_no_other_from_being_told(
    client: Client, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = {"bad"}
    posted = refusing(monkeypatch, refused)
    reasons = of_features("bad", "good", "new")
    with pytest.raises(DeliveryError, match="bad is refused"):
        tell(client, webhook, reasons[:2], lambda: NOW)
    assert posted == ["bad", "good"]
    with pytest.raises(DeliveryError, match="bad is refused"):
        tell(client, webhook, reasons, lambda: NOW)
    assert posted[2:] == ["new", "bad"], "good was told"
    refused.clear()
    tell(client, webhook, reasons, lambda: NOW)
    tell(client, webhook, reasons, lambda: NOW)
    assert posted[4:] == ["bad"]


def test_many_features_that_are_not_taken_are_no_long_wait_and_all_have_their_turn(
    client: Client, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted = refusing(monkeypatch, {"a", "b", "c", "d"})
    reasons = of_features("a", "b", "c", "d", "good")
    for _ in range(2):
        with pytest.raises(DeliveryError, match="is refused"):
            tell(client, webhook, reasons, lambda: NOW)
    assert posted == ["a", "b", "c", "d", "good", "a", "b"]


def test_an_address_where_nobody_listens_is_not_repeated_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_PIPELINE", SECRET)
    with services() as gone:
        webhook = Webhook.model_validate({"url": gone.hook, "secret": "${TEST_PIPELINE}"})
    monkeypatch.setattr(module, "_changed", lambda *_: [])
    monkeypatch.setattr(module, "_record", lambda *_, **__: None)
    with pytest.raises(DriftlineError, match=r"not reached \(ConnectionRefusedError\)") as caught:
        tell(Empty(), webhook, contained([replace(alert(), value=0.4)], BOTH), lambda: NOW)  # type: ignore[arg-type]
    assert "SECRET" not in str(caught.value)


class Empty:
    """A store in which nobody was told anything."""

    def query(self, *_: object, **__: object) -> Empty:
        return self

    result_rows = ()
