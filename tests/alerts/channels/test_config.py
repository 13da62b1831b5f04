"""Channels as they stand in alerts.yaml: what is refused, and that no secret is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from driftline.errors import SettingsError
from driftline_alerts.channels import CONFIGS
from driftline_processors import yaml_model

if TYPE_CHECKING:
    from driftline_alerts.channels.config import ChannelConfig

WEBHOOK = "https://hooks.example/SECRET"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", f" {WEBHOOK}\n")
    monkeypatch.setenv("TOKEN", "xoxb-SECRET")
    monkeypatch.setenv("WORDS", "not an address SECRET")
    monkeypatch.setenv("LOGIN", "https://user:SECRET@hooks.example/")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("KEY", "SECRET that is long enough to sign")


def read(text: str) -> ChannelConfig:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(node, yaml.MappingNode)
    kind = str(yaml.safe_load(text)["kind"])
    return yaml_model.build(CONFIGS[kind], node, "alerts.yaml", "channel 'support'")


GOOD = [
    "{kind: slack, webhook_url: '${HOOK}'}",
    "{kind: slack, token: '${TOKEN}', channel: C0123456789, app_token: '${TOKEN}'}",
    "{kind: webhook, url: 'https://hooks.example/x', secret: '${KEY}'}",
    "{kind: webhook, url: '${HOOK}', secret: '${KEY}'}",
    "{kind: pagerduty, routing_key: '${TOKEN}', region: eu}",
    "{kind: email, host: mail.example, from: a@b.example, to: [c@d.example], username: u, password: '${TOKEN}'}",
]


@pytest.mark.parametrize("text", GOOD)
def test_no_secret_and_no_address_is_shown(text: str) -> None:
    config = read(text)
    built = config.build("support", "https://drift.example")
    assert built.channel == "support"
    shown: list[Any] = [repr(config), str(config), config.model_dump_json(), repr(built), repr(vars(built))]
    assert not any("SECRET" in str(one) or "hooks.example" in str(one) for one in shown)
    assert ".example" not in repr(config)


def test_what_surrounds_a_secret_in_the_environment_is_no_part_of_it() -> None:
    config = read(GOOD[0])
    assert config.webhook_url.get_secret_value() == WEBHOOK  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"{{kind: slack, webhook_url: '{WEBHOOK}'}}", "'webhook_url' must name a variable of the environment"),
        ("{kind: slack, webhook_url: 5}", "'webhook_url' must name a variable of the environment"),
        ("{kind: slack, webhook_url: '${NOT_SET}'}", "'webhook_url' names the variable NOT_SET, which is not set"),
        ("{kind: slack, webhook_url: '${EMPTY}'}", "'webhook_url' names the variable EMPTY, which is not set or empty"),
        ("{kind: slack, webhook_url: '${WORDS}'}", "'webhook_url' must be an https:// address without blanks"),
        ("{kind: slack, webhook_url: '${LOGIN}'}", "'webhook_url' must be an https:// address without blanks"),
        ("{kind: slack}", "needs exactly one of 'webhook_url' and 'token'"),
        ("{kind: slack, webhook_url: '${HOOK}', token: '${TOKEN}'}", "needs exactly one of 'webhook_url' and 'token'"),
        ("{kind: slack, token: '${TOKEN}'}", "needs 'channel', the id of a Slack channel, with 'token'"),
        ("{kind: slack, token: '${TOKEN}', channel: '#support'}", "'channel' is '#support'"),
        ("{kind: slack, webhook_url: '${HOOK}', channel: C0123456789}", "needs 'channel'"),
        ("{kind: slack, webhook_url: '${HOOK}', app_token: '${TOKEN}'}", "has an 'app_token', which needs 'token'"),
        ("{kind: slack, webhook: '${HOOK}'}", "'webhook' is unknown; did you mean 'webhook_url'?"),
        ("{kind: webhook, url: ftp://x, secret: '${KEY}'}", "'url' must be an https:// address"),
        ("{kind: webhook, url: 'https://x', secret: '${TOKEN}'}", "'secret' names a variable that does not hold"),
        ("{kind: pagerduty, routing_key: '${TOKEN}', region: mars}", "'region' is 'mars'"),
        ("{kind: email, host: m, from: a@b.c, to: []}", "'to' is []"),
        ("{kind: email, host: m, from: a, to: [a@b.c]}", "'from' is 'a'"),
        ("{kind: email, host: m, from: a@b.c, to: [a@b.c], username: u}", "needs 'username' and 'password' together"),
        ("{kind: slack, webhook_url: '${HOOK}', api_url: 'https://u:SECRET@x/'}", "'api_url' must not hold a user"),
    ],
)
def test_a_mistake_is_told_without_the_secret(text: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(text)
    assert str(caught.value).startswith("alerts.yaml line 1, column ")
    assert "channel 'support': " in str(caught.value)
    assert says in str(caught.value)
    assert "SECRET" not in str(caught.value)
