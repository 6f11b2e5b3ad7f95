"""Takes mails by SMTP, on loopback and from anybody: as much of RFC 5321 as a sender of plain mails needs."""

import re
import socketserver

from .post import Post

_HOST = "127.0.0.1"
_LONGEST_LINE = 1_000
_LARGEST_MAIL = 256 * 1024
_MOST_RECIPIENTS = 10
_TIMEOUT_S = 30
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>.*", re.IGNORECASE)


class MailServer(socketserver.ThreadingTCPServer):
    """Listens for mails, and gives each to the post."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, post: Post) -> None:
        super().__init__((_HOST, port), _Conversation)
        self.post = post


class _Conversation(socketserver.StreamRequestHandler):
    timeout = _TIMEOUT_S
    disable_nagle_algorithm = True
    server: MailServer

    def setup(self) -> None:
        """Begin without recipients."""
        super().setup()
        self._to: list[str] = []

    def handle(self) -> None:
        """Answer commands until the other side leaves."""
        self._say("220 localhost the sandbox's mailbox")
        while line := self.rfile.readline(_LONGEST_LINE):
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            if not self._answers(verb.upper(), rest):
                return

    def _answers(self, verb: str, rest: str) -> bool:
        """Answer one command; False when it was the last."""
        if verb == "RCPT":
            self._say(self._recipient(rest))
        elif verb == "DATA":
            self._data()
        elif verb == "QUIT":
            self._say("221 goodbye")
            return False
        elif verb in {"HELO", "EHLO", "MAIL", "RSET", "NOOP"}:
            self._to = [] if verb != "NOOP" else self._to
            self._say("250 ok")
        else:
            self._say("502 not known here")
        return True

    def _recipient(self, rest: str) -> str:
        found = _PATH.fullmatch(rest)
        if found is None or not found[1] or len(self._to) >= _MOST_RECIPIENTS:
            return "553 no such address"
        self._to.append(found[1])
        return "250 ok"

    def _data(self) -> None:
        if not self._to:
            self._say("503 to whom?")
            return
        self._say("354 go on, end with a dot")
        lines, size = [], 0
        while (line := self.rfile.readline(_LONGEST_LINE)) not in {b".\r\n", b""}:
            size += len(line)
            if size <= _LARGEST_MAIL:
                lines.append(line.removeprefix(b"."))  # RFC 5321 §4.5.2
        if size > _LARGEST_MAIL:
            self._say("552 too large")
        else:
            self.server.post.put(self._to, b"".join(lines))
            self._say("250 taken")
        self._to = []

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode("ascii"))
