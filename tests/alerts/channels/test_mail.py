"""E-mail: what stands in it, how mails of an incident belong together, and what is made of each answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from channel_messages import OPENED, told
from driftline_alerts.channels.mail import Mail, MailConfig
from driftline_alerts.message import Fact, Link, Quote
from driftline_alerts.notifier import DeliveryError
from mail_support import MailServer, mail_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

SECRET = "SECRET"
SHORT = told(series=None)
HOSTILE = "<script>alert(1)</script>\r\nBcc: x@evil.example\u202e\"' & \x00"


@pytest.fixture(scope="module")
def running_server() -> Iterator[MailServer]:
    with mail_server() as state:
        yield state


@pytest.fixture
def server(running_server: MailServer) -> MailServer:
    running_server.mails.clear()
    running_server.faults.clear()
    running_server.logins.clear()
    running_server.keeps = False
    return running_server


def mail(server: MailServer, **values: Any) -> Mail:
    given = {"kind": "email", "host": "127.0.0.1", "port": server.port, "security": "none"}
    who = {"from": "driftline@drift.example", "to": ["a@shop.example", "b@shop.example"]}
    return Mail("support", MailConfig.model_validate(given | who | values))


def part(sent: EmailMessage, kind: str) -> EmailMessage:
    (found,) = [one for one in sent.walk() if one.get_content_type() == kind]
    return found


def test_a_mail_goes_to_all_as_text_and_as_a_page_with_its_chart(server: MailServer) -> None:
    mail(server).send(OPENED, thread="", repeat=False)
    (one,) = server.mails
    assert (one.sender, one.to) == ("driftline@drift.example", ["a@shop.example", "b@shop.example"])
    assert one.mail["Subject"].startswith("Critical: Quality of feature checkout, prompt_version v2 fell from 0.930")
    assert one.mail["Auto-Submitted"] == "auto-generated"
    text = text_of(one.mail)
    assert "Where: service shop, feature checkout, prompt_version v2\nSince: 2026-03-01 08:00 UTC\n" in text
    assert "0.10 The answer invents a deadline" in text
    assert "Runbook: https://driftline.example/runbook" in text
    page, picture = part(one.mail, "text/html").get_content(), part(one.mail, "image/png")
    assert picture.get_content().startswith(b"\x89PNG")
    assert f"src='cid:{picture['Content-ID'].strip('<>')}'" in page
    assert "alt='Quality from 2026-02-28" in page


def test_of_driftline_itself_it_is_not_said_where(server: MailServer) -> None:
    mail(server).send(told(is_system=True, segment=()), thread="", repeat=False)
    assert "Where: " not in text_of(server.mails[0].mail)


def test_mails_of_an_incident_are_one_conversation(server: MailServer) -> None:
    thread = mail(server).send(SHORT, thread="", repeat=False)
    resolved = told(id="2", phase="resolved", headline="Quality is back", series=None)
    assert mail(server).send(resolved, thread=thread, repeat=False) == thread
    first, second = (one.mail for one in server.mails)
    assert second["References"] == second["In-Reply-To"] == first["Message-ID"]
    assert second["Subject"] == f"Re: {first['Subject']}"
    assert second["Message-ID"] != first["Message-ID"]
    assert text_of(second).startswith("Resolved: Quality is back\n")


def test_a_repeat_has_the_same_id_and_says_so(server: MailServer) -> None:
    for repeat in (False, True):
        mail(server).send(SHORT, thread="", repeat=repeat)
    first, second = (one.mail for one in server.mails)
    assert first["Message-ID"] == second["Message-ID"]
    said = ["may have been sent before" in text_of(one) for one in (first, second)]
    assert said == [False, True]
    assert "may have been sent before" in part(second, "text/html").get_content()


def test_nothing_that_was_written_by_others_becomes_a_header_or_markup(server: MailServer) -> None:
    quote = Quote("javascript:alert(1)", HOSTILE, HOSTILE, HOSTILE, HOSTILE)
    message = told(
        headline=HOSTILE,
        segment=(("feature", HOSTILE),),
        facts=(Fact(HOSTILE, HOSTILE),),
        sentences=(HOSTILE,),
        examples=(quote,),
        links=(Link(HOSTILE, "https://drift.example/'><script>"),),
        series=None,
    )
    mail(server).send(message, thread="", repeat=False)
    (one,) = server.mails
    assert one.mail["Bcc"] is None
    page = part(one.mail, "text/html").get_content()
    assert "<script" not in page
    assert "href='javascript" not in page
    assert "\u202e" not in page + text_of(one.mail)


def text_of(sent: EmailMessage) -> str:
    return str(part(sent, "text/plain").get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("stage", "answers", "meaning", "text"),
    [
        ("connect", ["421 busy"], ("soon", False), "busy or broken now (421)"),
        ("connect", ["554 no"], ("later", False), "refuses us (554); correct 'host'"),
        ("connect", [""], ("soon", False), "was not reached"),
        ("mail", ["451 later"], ("soon", False), "busy or broken now (451)"),
        ("mail", ["550 no"], ("later", False), "correct 'from'"),
        ("rcpt", ["550 a@shop.example?"] * 2, ("later", False), "refuses us (550); correct 'to'"),
        ("rcpt", ["450 greylisted"] * 2, ("soon", False), "busy or broken now (450)"),
        ("data", ["451 later"], ("soon", False), "(451)"),
        ("data", [""], ("soon", True), "was not reached"),
        ("content", ["452 full"], ("soon", False), "(452)"),
        ("content", ["552 large"], ("never", False), "too large (552)"),
        ("content", ["554 spam"], ("later", False), "(554)"),
        ("content", [""], ("soon", True), "was not reached (SMTPServerDisconnected)"),
    ],
)
def test_answers_are_understood_and_tell_no_address(
    server: MailServer, stage: Any, answers: list[str], meaning: tuple[str, bool], text: str
) -> None:
    server.faults[stage] = list(answers)
    with pytest.raises(DeliveryError) as caught:
        mail(server).send(SHORT, thread="", repeat=False)
    assert (caught.value.again, caught.value.unsure) == meaning
    assert text in str(caught.value)
    assert "shop.example" not in str(caught.value)
    assert server.mails == []


def test_an_address_that_is_refused_does_not_keep_the_others_from_knowing(
    server: MailServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.faults["rcpt"] = ["550 unknown"]
    mail(server).send(SHORT, thread="", repeat=False)
    assert [one.to for one in server.mails] == [["b@shop.example"]]
    assert "refuses 1 of 2 addresses; correct 'to'" in caplog.text
    assert "a@shop.example" not in caplog.text


def test_a_line_that_breaks_after_the_mail_makes_its_end_unknown(server: MailServer) -> None:
    server.faults["content"] = [""]
    server.keeps = True
    with pytest.raises(DeliveryError) as caught:
        mail(server).send(SHORT, thread="", repeat=False)
    assert caught.value.unsure
    assert len(server.mails) == 1
    assert mail(server).find(SHORT, thread="") is None


def test_no_password_goes_over_a_line_that_others_can_read(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("MAIL_PASSWORD", SECRET)
    login = {"username": "drift", "password": "${MAIL_PASSWORD}"}
    with pytest.raises(ValueError, match="would send the password for all to read"):
        mail(server, **login)
    with pytest.raises(DeliveryError, match="offers no STARTTLS") as caught:
        mail(server, security="starttls", **login).send(SHORT, thread="", repeat=False)
    assert (caught.value.again, caught.value.unsure) == ("later", False)
    assert server.logins == []
    assert SECRET not in caplog.text + str(caught.value)
