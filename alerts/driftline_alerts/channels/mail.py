"""E-mail, by SMTP. A mail cannot be looked up: it is told **at least once**, and what may be a repeat says so.

A repeat has the ``Message-ID`` of the first, by which some servers and programs drop it. Later mails of an incident
name the first in ``References`` and have its subject, so that mail programs show them as one conversation.
"""

from __future__ import annotations

import contextlib
import email.policy
import logging
import smtplib
import ssl
from email.message import EmailMessage
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from driftline_alerts.channels import mail_text
from driftline_alerts.channels.chart import chart
from driftline_alerts.channels.config import ChannelConfig, Secret
from driftline_alerts.channels.sending import SECONDS, not_reached
from driftline_alerts.channels.words import title
from driftline_alerts.digest import digest
from driftline_alerts.notifier import DeliveryError
from driftline_alerts.plain import short

if TYPE_CHECKING:
    from driftline_alerts.message import Message
    from driftline_alerts.notifier import Notifier

logger = logging.getLogger(__name__)

Security = Literal["starttls", "tls", "none"]
MailAddress = Annotated[str, Field(pattern=r"^[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}$")]

_PORTS: Final[dict[Security, int]] = {"starttls": 587, "tls": 465, "none": 25}
_LONGEST_SUBJECT: Final = 200
_TOO_LARGE: Final = 552
"""This one mail is refused for its size (RFC 1870)."""


class MailConfig(ChannelConfig):
    """People with mailboxes."""

    kind: Literal["email"]
    host: str = Field(repr=False, pattern=r"^[A-Za-z0-9.-]{1,253}$", description="Of the mail server.")
    port: int | None = Field(
        default=None, ge=1, le=65535, description="587 with `starttls`, 465 with `tls`, 25 with `none`."
    )
    security: Security = Field(default="starttls", description="`none` is for a relay in one's own network.")
    username: str = Field(default="", repr=False, max_length=200, description="Without one, nobody logs in.")
    password: Secret | None = Field(default=None, description="Of that user.")
    sender: MailAddress = Field(alias="from", repr=False, description="Address that mails come from.")
    to: tuple[MailAddress, ...] = Field(
        repr=False, min_length=1, max_length=50, description="Addresses that they go to."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.username) != (self.password is not None):
            raise ValueError("needs 'username' and 'password' together, or neither")
        if self.password is not None and self.security == "none":
            raise ValueError("would send the password for all to read; choose 'security: starttls' or 'tls'")
        return self

    def build(self, name: str, dashboard_url: str) -> Notifier:  # noqa: ARG002  messages bring their links along
        """What sends mails."""
        return Mail(name, self)


class Mail:
    """Sends mails through one server: at least once, repeats marked."""

    is_repeat_harmless = False

    def __init__(self, channel: str, config: MailConfig) -> None:
        self.channel = channel
        self._config = config
        self._who = f"channel {channel!r}: the mail server"

    def send(self, message: Message, *, thread: str, repeat: bool) -> str:
        """Send one mail to all.

        Returns:
            Of the incident's first mail the ``Message-ID`` and the subject, with a blank between.

        Raises:
            DeliveryError: the server did not take it for anybody, or did not say whether it did.
        """
        mail = self._mail(message, thread, repeat=repeat)
        with contextlib.closing(self._connected()) as server:
            self._envelope(server)
            self._content(server, mail.as_bytes(policy=email.policy.SMTP))
        return thread or f"{mail['Message-ID']} {mail['Subject']}"

    def find(self, message: Message, *, thread: str) -> str | None:  # noqa: ARG002
        """None: sent mail cannot be looked up."""
        return None

    def _mail(self, message: Message, thread: str, *, repeat: bool) -> EmailMessage:
        first, _, subject = thread.partition(" ")
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"] = self._config.sender, ", ".join(self._config.to)
        mail["Subject"] = f"Re: {subject}" if subject else short(title(message), _LONGEST_SUBJECT)
        mail["Date"] = message.at
        domain = self._config.sender.partition("@")[2]
        mail["Message-ID"] = f"<{digest('mail', self.channel, message.id)}@{domain}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: so that nobody's absence is answered
        if first:
            mail["In-Reply-To"] = mail["References"] = first
        self._fill(mail, message, repeat=repeat)
        return mail

    def _fill(self, mail: EmailMessage, message: Message, *, repeat: bool) -> None:
        picture = chart(message.series) if message.series is not None else None
        mail.set_content(mail_text.plain(message, repeat=repeat))
        name = "chart@driftline" if picture else ""
        mail.add_alternative(mail_text.html(message, repeat=repeat, picture=name), subtype="html")
        if picture:
            page = mail.get_payload(1)
            assert isinstance(page, EmailMessage)  # noqa: S101  add_alternative has made it
            page.add_related(picture, "image", "png", cid=f"<{name}>", filename="chart.png", disposition="inline")

    def _connected(self) -> smtplib.SMTP:
        """A server that knows us."""
        config, trusted = self._config, ssl.create_default_context()
        port = config.port or _PORTS[config.security]
        try:
            if config.security == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(config.host, port, timeout=SECONDS, context=trusted)
            else:
                server = smtplib.SMTP(config.host, port, timeout=SECONDS)
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code, "'host'") from None
        except OSError as error:
            raise self._away(error, unsure=False) from None
        try:
            self._log_in(server, trusted)
        except DeliveryError:
            server.close()
            raise
        return server

    def _log_in(self, server: smtplib.SMTP, trusted: ssl.SSLContext) -> None:
        config = self._config
        try:
            if config.security == "starttls":
                server.starttls(context=trusted)
            if config.password is not None:
                server.login(config.username, config.password.get_secret_value())
        except smtplib.SMTPNotSupportedError:
            text = f"{self._who} offers no STARTTLS or no login that we know; correct 'security' or 'port'"
            raise DeliveryError(text, again="later") from None
        except smtplib.SMTPResponseException as error:
            raise self._refused(error.smtp_code, "'username' or 'password'") from None
        except OSError as error:
            raise self._away(error, unsure=False) from None

    def _envelope(self, server: smtplib.SMTP) -> None:
        try:
            server.ehlo_or_helo_if_needed()
            code, _ = server.mail(self._config.sender)
            if code != 250:
                raise self._refused(code, "'from'")
            codes = [server.rcpt(one)[0] for one in self._config.to]
        except OSError as error:
            raise self._away(error, unsure=False) from None
        refused = [code for code in codes if code not in {250, 251}]
        if len(refused) == len(codes):
            raise self._refused(refused[0], "'to'")
        if refused:
            logger.warning("%s refuses %d of %d addresses; correct 'to'", self._who, len(refused), len(codes))

    def _content(self, server: smtplib.SMTP, mail: bytes) -> None:
        try:
            code, _ = server.data(mail)
        except smtplib.SMTPDataError as error:
            raise self._refused(error.smtp_code, "'from'") from None
        except OSError as error:
            raise self._away(error, unsure=True) from None
        if code != 250:
            raise self._refused(code, "'from'")
        # It is taken, whatever becomes of the farewell.
        with contextlib.suppress(OSError):
            server.quit()

    def _refused(self, code: int, correct: str) -> DeliveryError:
        if code < 500:
            return DeliveryError(f"{self._who} is busy or broken now ({code}); it will be tried again", again="soon")
        if code == _TOO_LARGE:
            return DeliveryError(f"{self._who} refuses this mail as too large ({code})", again="never")
        return DeliveryError(f"{self._who} refuses us ({code}); correct {correct}", again="later")

    def _away(self, error: Exception, *, unsure: bool) -> DeliveryError:
        failed = not_reached(error, who=self._who, key="host")
        return DeliveryError(str(failed), again="soon", unsure=unsure)
