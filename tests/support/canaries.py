"""Secrets and bank values as a run itself produces them, and a search for them in everything that is written."""

import base64
import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import requests

from tests.support.actors import Person, Staff
from tests.support.platform_client import PlatformClient

JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*")
_PREFIX = re.compile(r"^bkr_[a-z]{2}_|^urn:ietf:params:oauth:request_uri:(bkr_[a-z]{2}_)?")
_EMPTY = re.compile(rb"\0{17,}")  # no form of a value has so many of them: a reserve of disk, free pages
_LEAST = 6  # characters; what is shorter would be found by chance
_MOST = 8  # of one kind: the next one would be written by the same line
_FORM_SECRETS = ("client_assertion", "code", "code_verifier", "refresh_token", "token", "password", "csrf_token")
_URL_SECRETS = ("code", "state", "request_uri", "nonce")
_CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True)
class Leak:
    """One canary where it must not be."""

    where: str
    kind: str
    form: str


@cache
def forms(value: str) -> dict[str, bytes]:
    """Every way in which a value may be written, each under its name."""
    plain = value.encode()
    written = {
        "plain": plain,
        "utf-16-le": value.encode("utf-16-le"),
        "utf-16-be": value.encode("utf-16-be"),
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
        "url": quote(value, safe="").encode(),
        "json": json.dumps(value)[1:-1].encode(),
    }
    for shift in range(
        3
    ):  # base64 looks different at each place within three bytes; its edges depend on the neighbours
        coded = base64.b64encode(b"\0" * shift + plain).decode()
        core = coded[(4 if shift else 0) : -4].encode()
        if len(core) >= _LEAST:
            written[f"base64+{shift}"] = core
            written[f"base64url+{shift}"] = core.replace(b"+", b"-").replace(b"/", b"_")
    return written


@dataclass
class Canaries:
    """What must not be found, by value; a value keeps the first kind that it was seen as."""

    kinds: dict[str, str] = field(default_factory=dict)
    exchanges: list[requests.Response] = field(default_factory=list)

    def add(self, kind: str, *values: str | None) -> None:
        for value in values:
            # Without our prefix: what redaction recognises by it might be written without it.
            bare = _PREFIX.sub("", value or "")
            if len(bare) >= _LEAST and self.count(kind) < _MOST:
                self.kinds.setdefault(bare, kind)

    def of(self, *kinds: str) -> "Canaries":
        return Canaries({value: kind for value, kind in self.kinds.items() if kind in kinds})

    def but(self, *kinds: str) -> "Canaries":
        return Canaries({value: kind for value, kind in self.kinds.items() if kind not in kinds})

    def count(self, kind: str) -> int:
        return list(self.kinds.values()).count(kind)

    def leaks(self, where: str, content: bytes) -> Iterator[Leak]:
        content = _EMPTY.sub(bytes(16), content)
        for value, kind in self.kinds.items():
            for pattern, form in {pattern: form for form, pattern in reversed(forms(value).items())}.items():
                if pattern in content:
                    yield Leak(where, kind, form)
        if JWT.search(content):
            yield Leak(where, "some JWT", "plain")

    def listens_to(self, *sessions: requests.Session) -> None:
        """Take every secret that goes over these sessions from now on."""
        for session in sessions:
            session.hooks["response"].append(self._heard)

    def _heard(self, response: requests.Response, **_: Any) -> None:
        self.exchanges.append(response)
        sent, headers = response.request, response.request.headers
        self.add("access token", *_after_scheme(headers.get("Authorization")))
        self.add("DPoP proof", headers.get("DPoP"))
        for header in (headers.get("Cookie"), response.headers.get("Set-Cookie")):
            self.add("session cookie", *re.findall(r"[\w-]*session=([^;,\s]+)", header or ""))
        body = sent.body.decode() if isinstance(sent.body, bytes) else sent.body or ""
        for name, value in parse_qsl(body) if isinstance(body, str) else ():
            if name in _FORM_SECRETS:
                self.add(name.replace("_", " "), value)
        for url in (sent.url, response.headers.get("Location")):
            for name, value in parse_qsl(urlsplit(url or "").query):
                if name in _URL_SECRETS:
                    self.add(name, value)
        if "json" in response.headers.get("Content-Type", "") and isinstance(answer := response.json(), dict):
            for name in ("access_token", "refresh_token", "request_uri"):
                self.add(name.replace("_", " "), answer.get(name))
        self.add("csrf token", *_CSRF.findall(response.text))


def _after_scheme(header: str | bytes | None) -> list[str]:
    text = header.decode() if isinstance(header, bytes) else header or ""
    return text.split()[1:]


def listening(canaries: Canaries, *actors: Person | Staff | PlatformClient) -> None:
    """Listen to all that these actors send and get."""
    canaries.listens_to(*(one.http if isinstance(one, PlatformClient) else one.browser.session for one in actors))


def from_files(canaries: Canaries, folder: Path) -> None:
    """Take the secrets that stand in the sandbox's own secret files."""
    canaries.add("password", *_json(folder / "passwords.json").values())
    keys = _json(folder / "keys.json")
    canaries.add("broker key", *(keys[name] for name in ("sealing", "pairwise", "subject", "cookie")))
    canaries.add("private key", keys["assertion"]["d"], *(key["jwk"]["d"] for key in keys["signing"]))
    for path in (*folder.glob("clients/*.json"), *folder.glob("*/signing-key.json"), *folder.glob("*/state-key.json")):
        found = list(_private_parts(_json(path)))
        assert found, path
        canaries.add("private key", *found)


def _private_parts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (part for name, part in value.items() if name in {"d", "k", "secret", "cookie_secret"})
        for part in value.values():
            yield from _private_parts(part)
    if isinstance(value, list):
        for part in value:
            yield from _private_parts(part)


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def from_bank(canaries: Canaries, folder: Path, usernames: Iterable[str]) -> None:
    """Take what one bank knows of these customers, from the bank's own books."""
    with closing(sqlite3.connect(f"file:{folder / 'bank.db'}?mode=ro", uri=True)) as books:
        for username in usernames:
            subject, first, last = books.execute(
                "SELECT subject, first_name, last_name FROM login WHERE username = ?", (username,)
            ).fetchone()
            canaries.add("name", f"{first} {last}")
            canaries.add("customer number", subject)
            for account in books.execute(
                "SELECT account_id, number, nickname FROM account WHERE subject = ?", (subject,)
            ).fetchall():
                canaries.add("account number", account[0], account[1])
                canaries.add("account name", account[2])
                _from_entries(canaries, books, account[0])


def _from_entries(canaries: Canaries, books: sqlite3.Connection, account: str) -> None:
    query = "SELECT entry_id, description, amount_cents, card_json FROM entry WHERE account_id = ?"
    newest = books.execute(f"{query} ORDER BY occurred_at DESC LIMIT 12", (account,)).fetchall()
    largest = books.execute(f"{query} ORDER BY abs(amount_cents) DESC LIMIT 8", (account,)).fetchall()
    for number, description, cents, card in [*newest, *largest]:
        canaries.add("transaction", number)
        canaries.add("description", description)
        canaries.add("amount", f"{abs(cents) / 100:.2f}")
        place = json.loads(card or "{}").get("place") or {}
        canaries.add("place", *(place.get(name) for name in ("street", "town", "lat", "lon")))


def searched(
    canaries: Canaries, folder: Path, exempt: dict[str, str], is_a_banks_own: Callable[[Path], bool]
) -> list[Leak]:
    """Search every file below the folder, but for those that are meant to hold secrets.

    A bank's own books may hold bank values and the nonces of its sign-ins, and nothing else of this.
    """
    secrets = canaries.but(*BANK_VALUES, "nonce")
    found: list[Leak] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if not any(re.fullmatch(pattern, name) for pattern in exempt):
            wanted = secrets if is_a_banks_own(path) else canaries
            found += wanted.leaks(name, path.read_bytes())
    return found


BANK_VALUES = (
    "name",
    "customer number",
    "account number",
    "account name",
    "transaction",
    "description",
    "amount",
    "place",
)
