"""A mail server that keeps what it gets, fails when told to, and drops no repeat."""

from __future__ import annotations

import base64
import email
import email.policy
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

Stage = Literal["connect", "auth", "mail", "rcpt", "data", "content"]


@dataclass(frozen=True)
class Mailed:
    """One mail.

    Attributes:
        to: addresses that the server took.
    """

    sender: str
    to: list[str]
    mail: EmailMessage


@dataclass
class MailServer:
    """Its state.

    Attributes:
        port: on loopback.
        mails: that were taken.
        faults: answers of the next time that a stage is reached; '': the connection is closed; then all is well.
        keeps: take mails also where the answer to their content is a fault.
        logins: user and password, with a NUL before each.
    """

    port: int = 0
    mails: list[Mailed] = field(default_factory=list)
    faults: dict[Stage, list[str]] = field(default_factory=dict)
    keeps: bool = False
    logins: list[str] = field(default_factory=list)

    def answer(self, stage: Stage, good: str) -> str:
        queue = self.faults.get(stage, [])
        return queue.pop(0) if queue else good


class _Session(socketserver.StreamRequestHandler):
    """One connection: a method for each verb of SMTP, which says whether it goes on."""

    server: _Server

    def handle(self) -> None:
        self.sender, self.to = "", list[str]()
        going = self.say(self.state.answer("connect", "220 here"))
        while going and (line := self.rfile.readline().decode().strip()):
            verb, _, rest = line.partition(" ")
            going = getattr(self, f"do_{verb.lower()}")(rest)

    @property
    def state(self) -> MailServer:
        return self.server.state

    def do_ehlo(self, _: str) -> bool:
        return self.say("250-here\r\n250 AUTH PLAIN")

    def do_auth(self, rest: str) -> bool:
        self.state.logins.append(base64.b64decode(rest.partition(" ")[2]).decode())
        return self.say(self.state.answer("auth", "235 welcome"))

    def do_mail(self, rest: str) -> bool:
        self.sender, self.to = _address(rest), []
        return self.say(self.state.answer("mail", "250 ok"))

    def do_rcpt(self, rest: str) -> bool:
        said = self.state.answer("rcpt", "250 ok")
        self.to += [_address(rest)] if said.startswith("250") else []
        return self.say(said)

    def do_rset(self, _: str) -> bool:
        return self.say("250 ok")

    def do_data(self, _: str) -> bool:
        said = self.state.answer("data", "354 go on")
        if not self.say(said) or not said.startswith("354"):
            return bool(said)
        lines = [line.removeprefix(b".") for line in iter(self.rfile.readline, b".\r\n")]
        said = self.state.answer("content", "250 taken")
        if said.startswith("250") or self.state.keeps:
            mail = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
            self.state.mails.append(Mailed(self.sender, self.to, mail))
        return self.say(said)

    def do_quit(self, _: str) -> bool:
        self.say("221 bye")
        return False

    def say(self, answer: str) -> bool:
        if answer:
            self.wfile.write(f"{answer}\r\n".encode())
        return bool(answer)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, state: MailServer) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.state = state

    def handle_error(self, *_: object) -> None:
        pass  # a client that is gone


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Run one on loopback, without TLS."""
    server = _Server(MailServer())
    server.state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _address(argument: str) -> str:
    """From ``FROM:<a@b>``."""
    return argument.partition("<")[2].partition(">")[0]
