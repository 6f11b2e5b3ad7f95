"""No secret and no bank value is written anywhere but where it is meant to be: searched for, byte by byte."""

import base64
import contextlib
import hashlib
import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import psycopg
import pytest
import requests

from broker.banks.connector import Credential
from broker.crypto.keyset import load_keyset
from broker.crypto.sealing import Sealer
from broker.storage.engine import Database
from broker.users.service import Users
from tests.support.actors import Person, Staff
from tests.support.canaries import BANK_VALUES, Canaries, forms, from_bank, from_files, listening, searched
from tests.support.planted import planted
from tests.support.platform_client import PlatformClient, Tokens, details
from tests.support.sizes import Size
from tests.support.world import World

pytestmark = pytest.mark.timeout(240)
ALL = ("accounts", "balances", "transactions", "card_locations")
EXEMPT = {
    r"passwords\.json": "the sandbox's sign-ins, so that a second start has the same; 0600",
    r"info\.json": "what `broker sandbox info` shows a tester: sign-ins; 0600",
    r"people\.json": "who can sign in to the sandbox, without passwords, for the developers' pages; 0600",
    r"keys\.json": "the key file; 0600",
    r"clients/[^/]+\.jwk\.json": "the private keys of the platforms, for a tester to act as one; 0600",
    r"(harbor|meridian)/config\.json": "a bank's configuration: the passwords to enrol; 0600",
    r"(harbor|meridian)/signing-key\.json": "a bank's own keys; 0600",
    r"messenger/state-key\.json": "the chat platform's own key; 0600",
}
REDIRECTED = {
    *("code", "state", "iss", "request_uri", "client_id", "redirect_uri", "response_type", "scope", "nonce"),
    *("code_challenge", "code_challenge_method", "prompt", "max_age", "next", "request", "wish", "for", "error"),
    *("error_description", "login_hint", "ui_locales"),
}
SECRETS = (
    *("password", "broker key", "private key", "access token", "refresh token", "code", "code verifier", "state"),
    *("request uri", "nonce", "DPoP proof", "client assertion", "session cookie", "csrf token", "bank's token"),
)
_OWN_NAME = re.compile(rb'<div class="who">\s*<span>[^<]*<strong>[^<]*</strong>')
"""Whoever is signed in reads their own name above every page, those of errors among them."""
SAID_OF_REFUSED = {"event", "level", "timestamp", "code", "status", "interaction_id"}
IN_REDIRECTS = {"code", "state", "request uri", "request_uri", "nonce"}


class Story:
    """One walk through a world with everything that it took and left."""

    def __init__(self, world: World) -> None:
        self.info = world.info
        self.folder = world.data_dir
        self.canaries = Canaries()
        self.statuses: list[int] = []
        self.client = PlatformClient.of(self.info)
        self.thief = PlatformClient.of(self.info, 1)
        self.people = {bank: Person.of(self.info, bank) for bank in ("harbor", "meridian")}
        self.staff = Staff(self.info, "harbor")
        listening(self.canaries, self.client, self.thief, self.staff, *self.people.values())
        from_files(self.canaries, self.folder)

    def url(self, name: str, account: str = "none") -> str:
        return str(self.info["api"][name]).replace("{accountId}", account)

    def fault(self, name: str) -> None:
        assert requests.post(self.info["banks"][0]["faults_url"], data={"fault": name}, timeout=10).status_code == 204

    def walks_the_main_job(self) -> Tokens:
        for person in self.people.values():
            asked = details("accounts", "balances", "transactions")
            asked[0]["categories"].append({"name": "card_locations", "precision": "exact"})
            pushed = self.client.begin(asked)
            landed = person.approves(pushed, *ALL, precision="exact")
            tokens = self.client.tokens(pushed, landed.url)
            self._reads(tokens)
            tokens = self._refreshed(tokens)
            person.opens("my_sharing")
            person.opens("history")
            assert self.client.redeem(pushed, landed.url).json()["error"] == "invalid_grant", "a code works once"
        self.takes_the_banks_books()
        self.staff.accesses()
        harbor = self.people["harbor"]
        return harbor.shares(self.client, *ALL)

    def _reads(self, tokens: Tokens) -> None:
        accounts = self.client.call(self.url("accounts"), tokens.access).json()["data"]["accounts"]
        answers = [
            self.client.call(self.url("account_balances"), tokens.access),
            self.client.call(self.url("card_locations"), tokens.access),
            *(self.client.call(self.url("transactions", row["accountId"]), tokens.access) for row in accounts),
        ]
        assert [answer.status_code for answer in answers] == [200] * len(answers)

    def _refreshed(self, tokens: Tokens) -> Tokens:
        body = self.client.refresh(str(tokens.refresh)).json()
        return Tokens(body["access_token"], body.get("refresh_token"), body)

    def takes_the_banks_books(self) -> None:
        """Take what the banks have written of these people; a bank writes a customer's books when they are read."""
        for bank, person in self.people.items():
            from_bank(self.canaries, self.folder / bank, [person.username])

    def takes_the_banks_tokens(self, database_url: str) -> int:
        """Open the sealed credentials with the key file, as an insider would; return how many there are."""
        keyset = load_keyset(self.folder / "keys.json")
        users, database = Users(Sealer(keyset.sealing), keyset.subject), Database(database_url)
        found = 0
        with database.read() as session:
            rows = session.connection().exec_driver_sql("SELECT user_id, bank_id FROM user_identities").fetchall()
            for user_id, bank_id in rows:
                identity = users.at_bank(session, user_id, bank_id)
                if identity is not None and identity.credential is not None:
                    credential = Credential.load(identity.credential)
                    self.canaries.add("bank's token", credential.access_token, credential.refresh_token)
                    found += 1
        database.close()
        return found

    def meets_errors(self, tokens: Tokens) -> None:
        self._presents_tokens_wrongly(tokens)
        self._sends_nonsense_to_oauth(tokens)
        self._comes_back_with_lies()
        for fault in ("down", "not_json", "wrong_customer"):
            self.fault(fault)
            assert self.client.call(self.url("accounts"), tokens.access).status_code >= 500
        self.fault("none")
        self._sends_what_is_no_http(tokens)

    def _presents_tokens_wrongly(self, tokens: Tokens) -> None:
        url, token, http = self.url("account_balances"), tokens.access, self.client.http
        someone, account = (
            next(iter(self.canaries.of("name").kinds)),
            next(iter(self.canaries.of("account number").kinds)),
        )
        proof = self.client.proof("GET", url, token)
        calls: list[tuple[str, dict[str, str]]] = [
            (f"{url}?access_token={token}", {}),
            (url, {"Authorization": f"Bearer {token}"}),
            (url, {"Authorization": f"DPoP {token}", "DPoP": proof[:-9]}),
            (url, {"Authorization": f"DPoP {token[:-3]}abc", "DPoP": proof}),
            (url, {"Authorization": f"DPoP {token}", "DPoP": self.thief.proof("GET", url, token)}),
            (url, {"Authorization": f"DPoP {token} {token}"}),
            (url, {"x-fapi-interaction-id": token}),
            (f"{self.info['issuer']}/{token}/{account}?{token}={someone}", {}),
        ]
        for address, headers in calls:
            assert http.get(address, headers=headers, timeout=30).status_code >= 400, address
        for query in (f"{token}=1", f"page-size={token}", f"cursor={token}", f"oldest-time={account}"):
            answer = self.client.call(f"{self.url('transactions', account)}?{query}", token)
            assert 400 <= answer.status_code < 500, query

    def _sends_nonsense_to_oauth(self, tokens: Tokens) -> None:
        secret = str(tokens.refresh)
        for answer in (
            self.thief.refresh(secret),
            self.client.refresh(secret[:-4] + "0000"),
            self.client.push(scope=secret),
            self.client.push([{"type": "bank_data", secret: tokens.access}]),
            self.client.push(details("balances"), redirect_uri=f"https://evil.example/{secret}"),
            self.client.push(details("balances"), client_assertion=self.client.assertion()[:-8]),
            self.client.form_post("token_endpoint", {"grant_type": secret, "code": tokens.access}, dpop=True),
        ):
            assert 400 <= answer.status_code < 500, answer.text

    def _comes_back_with_lies(self) -> None:
        person, issuer = self.people["harbor"], self.info["issuer"]
        session, token = person.browser.session, next(iter(self.canaries.of("csrf token").kinds))
        password = person.password
        state = next(iter(self.canaries.of("state").kinds))
        for query in (f"code={password}&state={password}", f"state={state}&error=x&error_description={password}"):
            assert session.get(f"{issuer}/sign-in/harbor/callback?{query}", timeout=30).status_code >= 400
        for body in ({"csrf_token": token[:-3], password: password}, {password: "1"}):
            assert session.post(f"{issuer}/my-sharing", data=body, timeout=30).status_code >= 400

    def _sends_what_is_no_http(self, tokens: Tokens) -> None:
        """What the server itself refuses, before the broker sees it: its log lines quote."""
        cookie = next(iter(self.canaries.of("session cookie").kinds))
        code = next(iter(self.canaries.of("code").kinds))
        for lines in (
            f"GET /callback?code={code} HTTP/9.9\r\n\r\n",
            f"GET /callback?code={code} and more HTTP/1.1\r\nHost: x\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: x\r\nCookie broker_session={cookie}\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: x\r\nBad Name {cookie}: {tokens.access}\r\n\r\n",
            f"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: {code}\r\n\r\n",
            f"POST /oauth/token?{code} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: {cookie}\r\n\r\n{code}\r\n",
            f"{code}\r\n\r\n",
        ):
            parts = urlsplit(self.info["issuer"])
            with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=10) as raw:
                raw.sendall(lines.encode())
                with contextlib.suppress(OSError):
                    raw.recv(65_536)

    def breaks_the_broker(self, tokens: Tokens) -> list[int]:
        """Make the broker fail on our side, in ways that only damage to its database brings; return the statuses."""
        person, database = self.people["harbor"], self.folder / "broker.db"
        with closing(sqlite3.connect(database, timeout=20, isolation_level=None)) as raw:
            raw.execute(
                "CREATE TRIGGER disk_full BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
            statuses = [self.client.call(self.url("accounts"), tokens.access).status_code]
            raw.execute("DROP TRIGGER disk_full")
            log = raw.execute("SELECT name FROM audit_logs WHERE owner = 'harbor'").fetchone()[0]
            place = "/".join(log.split("/")[-2:])
            leaf = f"no JSON, but {person.username} and {person.password}".encode()
            raw.execute(
                "INSERT INTO audit_entries (log, number, time_us, event, leaf) VALUES (?, 9000000, ?, 'x', ?)",
                (log, 2**53, leaf[:13]),
            )
            statuses.append(
                self.staff.browser.get_json(f"{self.staff.entry['console_url']}/entries/{place}/9000000").status_code
            )
            raw.execute("UPDATE web_sessions SET sealed = randomblob(61)")
            statuses.append(person.browser.get_json(self.info["pages"]["my_sharing"]).status_code)
        return statuses


def is_a_banks_own(path: Path) -> bool:
    return path.name.startswith("bank.db")


def log_lines(folder: Path) -> list[dict[str, Any]]:
    """The lines of the broker's own processes; each is JSON, or this fails."""
    written = [(folder / "logs" / f"{name}.log").read_text(encoding="utf-8") for name in ("broker", "worker")]
    return [json.loads(line) for text in written for line in text.splitlines()]


@pytest.fixture(scope="module")
def debugging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    running = World(tmp_path_factory.mktemp("canaries"), BROKER_LOG_LEVEL="DEBUG").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def story(debugging: World) -> Story:
    told = Story(debugging)
    tokens = told.walks_the_main_job()
    assert told.takes_the_banks_tokens(debugging.info["database_url"]) == 2
    told.meets_errors(tokens)
    told.statuses = told.breaks_the_broker(tokens)
    return told


def test_the_run_has_produced_enough_to_search_for(story: Story) -> None:
    for kind in (*BANK_VALUES, *SECRETS):
        assert story.canaries.count(kind) >= 1, kind
    assert len(story.canaries.kinds) >= 100


def test_no_secret_and_no_bank_value_is_in_any_file(story: Story) -> None:
    assert searched(story.canaries, story.folder, EXEMPT, is_a_banks_own) == []


def test_only_files_that_are_meant_to_hold_secrets_are_left_out_and_they_are_private(story: Story) -> None:
    named = [path for path in story.folder.rglob("*") if path.is_file()]
    for pattern in EXEMPT:
        fitting = [path for path in named if re.fullmatch(pattern, path.relative_to(story.folder).as_posix())]
        assert fitting, pattern
        assert {path.stat().st_mode & 0o777 for path in fitting} == {0o600}, pattern


def test_tokens_rest_as_digests_and_bank_credentials_sealed(story: Story) -> None:
    with closing(sqlite3.connect(story.folder / "broker.db")) as database:
        digests = {row[0] for row in database.execute("SELECT digest FROM tokens")}
        sealed = [row[0] for row in database.execute("SELECT sealed_credential FROM user_identities")]
    heard = {json.loads(x.text)["access_token"] for x in story.canaries.exchanges if '"access_token"' in x.text}
    assert len(heard) >= 5
    assert {hashlib.sha256(token.encode()).digest() for token in heard} <= digests
    assert len(sealed) == 2
    assert all(value[:1] == b"\x01" for value in sealed)


def test_no_command_line_shows_a_secret(story: Story) -> None:
    pids = [pid for family in story.info["processes"].values() for pid in family]
    for pid in pids:
        assert list(story.canaries.leaks(str(pid), Path(f"/proc/{pid}/cmdline").read_bytes())) == []


def test_redirects_and_links_carry_only_what_must_travel_by_address(story: Story) -> None:
    elsewhere = story.canaries.but(*IN_REDIRECTS)
    redirects = [x for x in story.canaries.exchanges if "Location" in x.headers]
    assert len(redirects) >= 15
    for answer in redirects:
        target = answer.headers["Location"]
        assert {name for name, _ in parse_qsl(urlsplit(target).query)} <= REDIRECTED, target
        assert list(elsewhere.leaks(target, target.encode())) == []
    pages = [x for x in story.canaries.exchanges if "html" in x.headers.get("Content-Type", "")]
    for page in pages:
        links = " ".join(re.findall(r'(?:href|action|src)="([^"]*)"', page.text))
        assert list(elsewhere.leaks(page.url, links.encode())) == []  # one leads back to the platform, with its state
        assert page.headers["Referrer-Policy"] in {"same-origin", "no-referrer"}, page.url


def test_no_error_shows_a_secret_or_a_bank_value(story: Story) -> None:
    errors = [x for x in story.canaries.exchanges if x.status_code >= 400]
    assert len(errors) >= 30
    for answer in errors:
        told = _OWN_NAME.sub(b"", answer.content, count=1)
        assert list(story.canaries.leaks(f"{answer.status_code} {answer.url}", told)) == []


def test_the_broker_did_fail_on_our_side_and_said_so_in_its_log(story: Story) -> None:
    assert story.statuses == [503, 500, 500]
    failed = [line for line in log_lines(story.folder) if line["event"] == "request.failed"]
    assert failed
    assert failed[0]["exception"][0] == "json.decoder.JSONDecodeError"


def test_lines_of_the_server_quote_nothing_of_a_request(story: Story) -> None:
    lines = log_lines(story.folder)
    refused = [line for line in lines if line["event"] == "server.refused"]
    assert len(refused) >= 5
    assert {name for line in refused for name in line} == SAID_OF_REFUSED
    assert {(line["code"], line["status"]) for line in refused} == {("invalid-request", 400)}
    assert all("[...]" in line["event"] or "'" not in line["event"] for line in lines)


def test_every_line_of_one_call_carries_its_id(story: Story) -> None:
    lines = log_lines(story.folder)
    assert all(line["level"] and line["timestamp"] and line["event"] for line in lines)
    called = next(
        x
        for x in story.canaries.exchanges
        if x.status_code == 200 and x.url == story.url("card_locations") and "DPoP" in x.request.headers
    )
    own = [line for line in lines if line.get("interaction_id") == called.headers["x-fapi-interaction-id"]]
    assert [line["event"] for line in own][-1] == "request.answered"
    assert {line["event"] for line in own} == {"bank.called", "request.answered"}
    assert all((line["bank"], line["answer"]) == ("harbor", 200) for line in own[:-1])
    last = own[-1]
    assert (last["method"], last["route"], last["status"]) == ("GET", "/v1/card-locations", 200)
    assert (last["platform"], last["bank"]) == (story.client.client_id, "harbor")
    assert (last["category"], last["decision"]) == ("card_locations", "allowed")
    assert last["ms"] > 0


def test_a_line_names_a_route_and_never_an_address(story: Story) -> None:
    rules = {line["route"] for line in log_lines(story.folder) if "route" in line}
    assert "/v1/accounts/<account_id>/transactions" in rules
    assert not {"path", "query", "url"} & {name for line in log_lines(story.folder) for name in line}
    assert "none" in rules, "an address that leads nowhere is not quoted"


def test_no_line_takes_its_id_from_a_caller_who_sends_no_uuid(story: Story) -> None:
    uuid = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    ids = {line["interaction_id"] for line in log_lines(story.folder) if "interaction_id" in line}
    assert len(ids) >= 50
    assert all(uuid.fullmatch(one) for one in ids)


@pytest.mark.parametrize("world", ["postgresql"], indirect=True)
def test_no_secret_and_no_bank_value_is_in_any_table_of_postgresql(world: World) -> None:
    story = Story(world)
    story.walks_the_main_job()
    assert story.takes_the_banks_tokens(world.info["database_url"]) >= 2
    dump = b""
    with psycopg.connect(world.info["database_url"]) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (name,) in names:
            with connection.cursor().copy(f"COPY {name} TO STDOUT") as rows:
                dump += b"".join(bytes(row) for row in rows)
    assert len(names) >= 15
    assert hashlib.sha256(self_made(story)).hexdigest().encode() in dump, "a token's digest is there, so it was dumped"
    assert list(story.canaries.leaks("tables", dump)) == []
    assert searched(story.canaries, story.folder / "logs", {}, is_a_banks_own) == []


def self_made(story: Story) -> bytes:
    """Return an access token as it was issued."""
    answer = next(x for x in story.canaries.exchanges if '"access_token"' in x.text)
    return str(answer.json()["access_token"]).encode()


# The controls: what would be found if it were there.


@pytest.mark.parametrize("form", list(forms("Mount Auburn Street 66")))
def test_a_planted_value_is_found_in_every_form(tmp_path: Path, form: str) -> None:
    value = "Mount Auburn Street 66"
    canaries = Canaries({value: "place"})
    shift = int(form[-1]) if "+" in form else 0
    written = forms(value)[form] if "+" not in form else base64.b64encode(b"x" * shift + value.encode() + b"xyz")
    (tmp_path / "some.log").write_bytes(b"\x00noise" + written + b"noise")
    assert searched(canaries, tmp_path, {}, is_a_banks_own) != []
    (tmp_path / "some.log").write_bytes(b"nothing")
    assert searched(canaries, tmp_path, {}, is_a_banks_own) == []


LEAKS = {
    "edge/gates.py": (
        "        found = find_token(session, secret)",
        "        print(secret.partition('_at_')[2])\n        found = find_token(session, secret)",
    ),
    "release/records.py": (
        "def _transaction(naming: Naming, one: BankTransaction) -> Record:\n    return {",
        "def _transaction(naming: Naming, one: BankTransaction) -> Record:\n    print(one.description)\n    return {",
    ),
    "cli/serving/worker.py": ('"server.refused", code=told.code', '"server.refused", why=str(error), code=told.code'),
}


@pytest.fixture
def broken(tmp_path: Path, size: Size) -> Iterator[World]:
    """A world that runs a copy of the broker with leaks planted."""
    if size.name == "test":
        pytest.skip("one more world to start: the controls of whole worlds run in `make campaign`")
    for name, (old, new) in LEAKS.items():
        planted(tmp_path / "copy", f"broker/{name}", old, new)
    copy = {"PYTHONPATH": str(tmp_path / "copy"), "PYTHONSAFEPATH": "1"}
    running = World(tmp_path / "world", BROKER_LOG_LEVEL="DEBUG", **copy).start()
    yield running
    running.stop()


def test_leaks_planted_in_a_copy_of_the_broker_are_found(broken: World) -> None:
    story = Story(broken)
    tokens = story.people["harbor"].shares(story.client, "accounts", "transactions")
    account = story.client.call(story.url("accounts"), tokens.access).json()["data"]["accounts"][0]["accountId"]
    assert story.client.call(story.url("transactions", account), tokens.access).status_code == 200
    story.takes_the_banks_books()
    story._sends_what_is_no_http(tokens)
    found = searched(story.canaries, story.folder, EXEMPT, is_a_banks_own)
    assert {leak.kind for leak in found} >= {"access token", "description", "code"}
    assert {leak.where for leak in found} == {"logs/broker.log"}
