"""A mail server of a test's own, on a real socket: it keeps what arrives, asks for a password, fails when told to."""

import base64
import email
import email.policy
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage

USER, PASSWORD = "broker", "p@ss:canary/1"


@dataclass
class MailHouse:
    """What the server has taken, and how it behaves. `refuses` maps a command to the answer that it gets."""

    port: int = 0
    asks_for_password: bool = False
    hangs_up_after_mail: bool = False
    refuses: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def subjects(self) -> list[str]:
        return [str(message["Subject"]) for _, message in self.taken]

    def text(self, place: int = -1) -> str:
        return str(self.taken[place][1].get_content())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    house: MailHouse


class _Line(socketserver.StreamRequestHandler):
    timeout = 10
    disable_nagle_algorithm = True
    server: _Server

    def handle(self) -> None:
        house, to, is_in = self.server.house, "", False
        self._say("220 test")
        while line := self.rfile.readline():
            text = line.decode().strip()
            house.said.append(text)
            verb = text.partition(" ")[0].upper()
            if verb in house.refuses:
                self._say(house.refuses[verb])
            elif verb == "EHLO":
                self._say("250-test")
                self._say("250 AUTH PLAIN" if house.asks_for_password else "250 8BITMIME")
            elif verb == "AUTH":
                is_in = base64.b64decode(text.split()[2]).decode().split("\0")[1:] == [USER, PASSWORD]
                self._say("235 in" if is_in else "535 no")
            elif verb == "MAIL" and house.asks_for_password and not is_in:
                self._say("530 who are you")
            elif verb == "RCPT":
                to = text.partition("<")[2].partition(">")[0]
                self._say("250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                house.taken.append((to, self._mail()))
                if house.hangs_up_after_mail:
                    return
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _mail(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b"."))
        return email.message_from_bytes(b"".join(lines), policy=email.policy.default)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def listening(house: MailHouse) -> Iterator[MailHouse]:
    """Let the server listen, on the port that it had before if it had one, until the block ends."""
    with _Server(("127.0.0.1", house.port), _Line) as server:
        server.house, house.port = house, server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=[0.02], daemon=True)
        thread.start()
        yield house
        server.shutdown()
        thread.join()
