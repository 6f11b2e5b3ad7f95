"""The pages of the mailbox: who has mail, and the mails of one address."""

import json
import re
from dataclasses import asdict
from html import escape, unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

from .post import Mail, Post

_HOST = "127.0.0.1"
_LINK = re.compile(r"https?://[^\s<>\"]+")
_STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere; }
article { margin: 1rem 0; padding: 1rem; border: 1px solid; border-radius: 12px; }
article h2 { margin: 0; font-size: 1.1rem; } article p { margin: .2rem 0; font-size: .9rem; }
pre { margin: .8rem 0 0; white-space: pre-wrap; font: inherit; }
"""


class PageServer(ThreadingHTTPServer):
    """Serves the pages. `links_to` is the address whose links in mails can be followed."""

    daemon_threads = True

    def __init__(self, port: int, post: Post, links_to: str) -> None:
        super().__init__((_HOST, port), _Visit)
        self.post = post
        self.links_to = links_to


class _Visit(BaseHTTPRequestHandler):
    server: PageServer

    def do_GET(self) -> None:
        """Show who has mail or, with `?to=`, the mails of one address; `/mails.json` is for programs."""
        asked = urlsplit(self.path)
        to = parse_qs(asked.query).get("to", [""])[0]
        if asked.path == "/healthz":
            self._answer("text/plain; charset=utf-8", "ok")
        elif asked.path == "/mails.json":
            self._answer("application/json", json.dumps([asdict(mail) for mail in self.server.post.of(to)]))
        elif asked.path == "/":
            self._answer("text/html; charset=utf-8", self._mails(to) if to else self._addresses())
        else:
            self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is the library's
        """Say nothing of each visit."""

    def _answer(self, kind: str, content: str) -> None:
        body = content.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def _addresses(self) -> str:
        known = sorted(self.server.post.addresses().items())
        rows = [f'<li><a href="/?to={quote(to)}">{escape(to)}</a> ({count})</li>' for to, count in known]
        shown = f"<ul>{''.join(rows)}</ul>" if rows else "<p>No mail has arrived yet. Reload to look again.</p>"
        return _page("Mailbox", f"<p>Every mail of this sandbox ends here. Nobody outside gets one.</p>{shown}")

    def _mails(self, to: str) -> str:
        mails = self.server.post.of(to)
        shown = "".join(map(self._mail, mails)) or "<p>No mail.</p>"
        return _page(f"Mails to {to}", f'<p><a href="/">All addresses</a></p>{shown}')

    def _mail(self, mail: Mail) -> str:
        text = _LINK.sub(self._link, escape(mail.text, quote=False))
        facts = f"<p>{escape(mail.sender)} · {escape(mail.date)}</p>"
        lang = re.sub("[^A-Za-z-]", "", mail.language) or "en"
        return f'<article lang="{lang}"><h2>{escape(mail.subject)}</h2>{facts}<pre>{text}</pre></article>'

    def _link(self, found: re.Match[str]) -> str:
        url = unescape(found.group())
        is_ours = url.startswith((f"{self.server.links_to}/", f"{self.server.links_to}?"))
        return f'<a href="{escape(url)}">{escape(url)}</a>' if is_ours else escape(url)


def _page(title: str, content: str) -> str:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    body = f"<main><h1>{escape(title)}</h1>{content}</main>"
    return f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head><body>{body}</body></html>'
