"""Stories over real HTTP: a browser without JavaScript, Messenger as a process of its own, a broker that checks."""

import html
import json
import re
import signal
import socket
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import pytest
import requests
from test_messenger_world import CLIENT_ID, FakeBroker
from urllib3.util import Retry

from broker.sandbox.messenger import clock
from broker.sandbox.messenger.config import ConfigError, load
from broker.sandbox.messenger.oauth import OAuth, OAuthFailedError
from broker.sandbox.messenger.outbound import Outbound

# As these tests were started themselves: under -P it is another copy of the product than the one in this folder.
COMMAND = (sys.executable, *(["-P"] if sys.flags.safe_path else []), "-m", "broker.sandbox.messenger", "--config")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Messenger:
    """The process, and a browser that looks at it."""

    def __init__(self, folder: Path, fake: FakeBroker, port: int | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self.fake = fake
        (folder / "client.json").write_text(json.dumps(fake.key.as_dict(private=True)))
        self.config = folder / "messenger.json"
        self.config.write_text(
            json.dumps(
                {
                    "name": "Messenger",
                    "base_url": self.url,
                    "port": self.port,
                    "database": str(folder / "messenger.sqlite"),
                    "state_key_file": str(folder / "state.json"),
                    "issuer": fake.issuer,
                    "client_id": CLIENT_ID,
                    "client_jwk_file": str(folder / "client.json"),
                    "api_base": fake.issuer,
                    "dashboard_url": f"{fake.issuer}/my-sharing",
                    "banks": [{"id": "harbor", "name": "Harbor Bank"}, {"id": "meridian", "name": "Meridian Bank"}],
                }
            )
        )
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self.process = subprocess.Popen((*COMMAND, str(self.config)), stderr=subprocess.PIPE, text=True)
        session = requests.Session()
        session.mount(
            "http://",
            requests.adapters.HTTPAdapter(
                max_retries=Retry(total=600, connect=600, backoff_factor=0.05, backoff_max=0.1)
            ),
        )
        try:
            assert session.get(f"http://127.0.0.1:{self.port}/healthz", timeout=10).json() == {"status": "ok"}
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> tuple[int, str]:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=15)
        return self.process.returncode, said


class Browser:
    """A browser without JavaScript: follows redirects, fills in the hidden fields of the page."""

    def __init__(self, messenger: Messenger) -> None:
        self.at = messenger.url
        self.session = requests.Session()
        self.page = self.session.get(self.at, timeout=10)

    def submit(self, action: str, **fields: str) -> str:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.page.text)
        assert token is not None
        form = {"csrf_token": token[1], **fields}
        self.page = self.session.post(f"{self.at}{action}", data=form, timeout=30)
        return self.text

    @property
    def text(self) -> str:
        return words_of(self.page.text)

    def says_hello(self, name: str = "Alice") -> Self:
        self.submit("/hello", name=name)
        return self

    def connects(self, bank: str = "harbor") -> Self:
        self.submit("/connect", bank=bank)
        return self

    def asks(self, question: str) -> str:
        """Ask, and read what stands in the conversation after the question."""
        self.submit("/ask", question=question)
        assert self.page.status_code == 200
        return words_of(self.page.text.rpartition('<li class="person">')[2].partition("</ol>")[0])


def words_of(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory):
    fake = FakeBroker()
    with Messenger(tmp_path_factory.mktemp("messenger"), fake) as running:
        yield running
    fake.close()


@pytest.fixture
def messenger(long_lived: Messenger) -> Messenger:
    return long_lived


@pytest.fixture
def broker(long_lived: Messenger) -> FakeBroker:
    long_lived.fake.reset()
    return long_lived.fake


@pytest.fixture
def short_lived(tmp_path: Path):
    """Messenger and a broker of its own, for stories that stop one of them."""
    fake = FakeBroker()
    with Messenger(tmp_path, fake) as running:
        yield running
    fake.close()


@pytest.fixture
def alice(messenger: Messenger, broker: FakeBroker) -> Browser:  # noqa: ARG001 - the knobs are turned back first
    return Browser(messenger).says_hello()


def spent(amount: str, merchant_category: str, ago: timedelta = timedelta(), **more: str) -> dict[str, str]:
    at = (clock.now() - ago).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = {"accountId": "acc~1", "transactionId": "t", "type": "PAYMENT", "status": "POSTED", "currency": "GBP"}
    return entry | {"amount": amount, "postingDateTime": at, "merchantCategoryCode": merchant_category} | more


def disconnects(alice: Browser) -> str:
    connection = re.search(r'name="connection" value="([^"]+)"', alice.page.text)
    assert connection is not None
    return alice.submit("/disconnect", connection=connection[1])


def test_a_question_before_any_bank_is_connected_is_answered_with_an_offer(alice: Browser) -> None:
    assert "I need a bank to ask" in alice.asks("What's my balance?")


def test_a_sentence_that_is_not_understood_lists_what_can_be_asked(alice: Browser) -> None:
    assert "You can ask me: What's my balance?" in alice.asks("Sing me a song")


def test_connecting_tells_what_was_granted_until_when_and_what_was_not(alice: Browser, broker: FakeBroker) -> None:
    broker.granted = ["balances", "transactions"]
    text = alice.connects().text
    assert "Harbor Bank is connected until" in text
    assert "You did not share your account names, where your cards were used, yes or no about" in text
    assert alice.page.url.endswith("/")


@pytest.mark.fapi(33)
def test_the_pushed_request_asks_for_exactly_what_the_chat_can_answer(alice: Browser, broker: FakeBroker) -> None:
    broker.decision = "access_denied"
    alice.connects("any").connects("meridian")
    anywhere, somewhere = (json.loads(form["authorization_details"])[0] for form in broker.asked)
    assert anywhere == {
        "type": "bank_data",
        "purpose": "chat_banking",
        "categories": [
            {"name": "accounts"},
            {"name": "balances"},
            {"name": "transactions", "detail": "detail"},
            {"name": "card_locations", "precision": "town"},
            {"name": "balance_answers"},
            {"name": "location_answers"},
            {"name": "fraud_alerts"},
        ],
        "duration_days": 90,
        "lookback_days": 90,
    }
    assert somewhere == anywhere | {"bank": "meridian"}
    assert "scope" not in broker.asked[0]


def test_what_the_broker_does_not_know_is_not_asked_for(short_lived: Messenger) -> None:
    short_lived.fake.decision = "access_denied"
    short_lived.fake.other_metadata = {"scopes_supported": ["balances", "ssf.manage"]}
    Browser(short_lived).says_hello().connects()
    (asked,) = json.loads(short_lived.fake.asked[0]["authorization_details"])
    assert asked["categories"] == [{"name": "balances"}]


def test_balances_are_shown_by_account_and_markup_from_the_broker_stays_text(alice: Browser) -> None:
    answer = alice.connects().asks("What's my balance?")
    assert "Balances at Harbor Bank" in answer
    assert "£1,204.35" in answer
    assert "-€12.00" in answer
    assert "&lt;b&gt;Savings&lt;/b&gt;" in alice.page.text


def test_each_call_says_that_the_person_is_there(alice: Browser, broker: FakeBroker) -> None:
    alice.connects().asks("What's my balance?")
    for _, _, headers in broker.calls:
        assert headers["x-fapi-customer-ip-address"] == "127.0.0.1"
        assert headers["x-fapi-auth-date"].endswith("GMT")
        assert re.fullmatch(r"[0-9a-f-]{36}", headers["x-fapi-interaction-id"])


def test_spending_is_summed_over_all_pages_by_kind(alice: Browser, broker: FakeBroker) -> None:
    broker.data["transactions"] = [spent("-0.10", "5411") for _ in range(150)]
    broker.data["transactions"] += [
        spent("-7.25", "5812"),
        spent("900.00", "5812"),
        spent("-3.00", "0742", currency="EUR"),
    ]
    answer = alice.connects().asks("What did I spend this week?")
    assert "£22.25 spent this week at Harbor Bank" in answer
    assert "Groceries £15.00" in answer
    assert "Eating and drinking £7.25" in answer
    assert "€3.00 spent this week" in answer
    assert "Pets €3.00" in answer
    window = next(query for path, query, _ in broker.calls if path.endswith("transactions"))
    assert datetime.fromisoformat(window["oldest-time"]).weekday() == 0


def test_last_transactions_come_newest_first_over_all_accounts(alice: Browser, broker: FakeBroker) -> None:
    older = spent("-5.00", "5411", timedelta(days=3), merchantName="Old Mill")
    newer = spent("-6.00", "5411", timedelta(days=1), merchantName="New Mill", accountId="acc~2", status="PENDING")
    broker.data["transactions"] = [older, newer]
    answer = alice.connects().asks("Show my last transactions")
    assert answer.index("New Mill (pending)") < answer.index("Old Mill")


def test_places_are_listed_as_precisely_as_they_were_released(alice: Browser, broker: FakeBroker) -> None:
    use = {"accountId": "acc~1", "cardTransactionId": "c", "channel": "in_store", "precision": "town"}
    lisbon = use | {"occurredOn": "2026-11-12", "address": {"country": "PT", "townName": "Lisbon"}}
    broker.data["cardLocations"] = [lisbon, lisbon | {"occurredOn": "2026-11-14"}, use | {"occurredOn": "2026-10-01"}]
    answer = alice.connects().asks("Where was my card used?")
    assert "Lisbon, Portugal 14 Nov 2026 2 times" in answer
    assert "You share the town, not the street." in answer


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "category-revoked", "You stopped sharing balances with Messenger."),
        (403, "category-paused", "You paused sharing balances with Messenger."),
        (403, "grant-paused", "You paused your sharing from Harbor Bank with Messenger."),
        (429, "frequency-exceeded", "Please try again in 2 minutes."),
        (503, "bank-unavailable", "Harbor Bank does not answer at the moment."),
        (418, "<script>", "I did not get balances from Harbor Bank. (status-418)"),
    ],
)
def test_a_refusal_is_told_in_plain_words_with_its_code(
    alice: Browser, broker: FakeBroker, status: int, code: str, words: str
) -> None:
    broker.refusals["balances"] = (status, code)
    answer = alice.connects().asks("What's my balance?")
    assert words in answer
    assert f"({code})" in answer or status == 418
    assert ("My sharing" in answer) == (status == 403)
    assert ("You can resume it" in answer) == code.endswith("-paused")


def test_an_answer_without_some_accounts_does_not_pass_for_the_whole(alice: Browser, broker: FakeBroker) -> None:
    assert "did not answer" not in alice.connects().asks("Show my accounts")
    broker.missing = [{"accountId": "acc~1", "code": "account-closed"}]
    said = "One account did not answer, so this is not all: Everyday ••1234 (the bank no longer has it)."
    assert said in alice.asks("What's my balance?")
    broker.missing = [*broker.missing, {"accountId": "acc~9", "code": "account-not-granted"}]
    assert "2 accounts did not answer, so this is not all: " in alice.asks("What's my balance?")
    assert "an account (you do not share it now)" in alice.text
    broker.missing = ["nonsense"]
    assert "made no sense to me" in alice.asks("What's my balance?")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("invalid_authorization_details", "does not allow what I ask for at the moment"),
        ("invalid_client", "does not take requests from me at the moment"),
        ("something_else", "Please try again later."),
    ],
)
def test_a_request_that_the_broker_turns_down_is_told_in_plain_words(
    alice: Browser, broker: FakeBroker, code: str, words: str
) -> None:
    broker.push_error = code
    told = alice.submit("/connect", bank="harbor")
    assert "I could not start connecting a bank." in told
    assert words in told


def test_what_a_bank_does_not_share_is_not_said_to_be_switched_off(alice: Browser, broker: FakeBroker) -> None:
    broker.refusals["balances"] = (403, "category-off")
    assert "has switched off balances for now" in alice.connects().asks("What's my balance?")
    broker.rule = "bank.categories"
    assert "Harbor Bank does not share balances with apps at the moment." in alice.asks("What's my balance?")


@pytest.mark.fapi(32)
def test_the_nonces_of_both_servers_are_put_into_proofs_and_asked_for_once(alice: Browser, broker: FakeBroker) -> None:
    broker.nonces = {"tokens": "first-of-tokens", "api": "first-of-api"}
    assert "Harbor Bank is connected" in alice.connects().text
    assert "£1,204.35" in alice.asks("What's my balance?")
    broker.access.clear()
    assert "£1,204.35" in alice.asks("What's my balance?")
    assert (broker.refreshes, broker.challenges) == (1, ["tokens", "api"])
    broker.nonces = {"tokens": "second-of-tokens", "api": "second-of-api"}
    broker.access.clear()
    assert "£1,204.35" in alice.asks("What's my balance?")
    assert broker.challenges[2:] == ["tokens", "api"]
    assert "I have disconnected Harbor Bank" in disconnects(alice)
    assert len(broker.revoked) == 2


def test_a_grant_that_ended_is_told_where_nonces_are_needed_too(alice: Browser, broker: FakeBroker) -> None:
    broker.nonces = {"tokens": "of-tokens", "api": "of-api"}
    broker.refusals["balances"] = (401, "grant-revoked")
    assert "You ended your sharing from Harbor Bank" in alice.connects().asks("What's my balance?")
    assert broker.refreshes == 0


@pytest.mark.parametrize(
    "told",
    [
        {"issuer": "http://localhost:1"},
        {"issuer": None},
        {"token_endpoint": "http://evil.example/token"},
        {"pushed_authorization_request_endpoint": None},
    ],
    ids=str,
)
@pytest.mark.fapi(32)
def test_metadata_of_another_issuer_or_with_unsafe_addresses_are_not_used(
    messenger: Messenger, broker: FakeBroker, told: dict[str, object]
) -> None:
    broker.other_metadata = told
    key = broker.key.as_dict(private=True)
    with pytest.raises(OAuthFailedError, match="invalid-metadata"):
        OAuth(load(messenger.config), key, Outbound()).push(None)
    assert not broker.asked


def test_the_other_categories_go_on_when_one_is_revoked(alice: Browser, broker: FakeBroker) -> None:
    broker.refusals["balances"] = (403, "category-revoked")
    broker.data["transactions"] = [spent("-5.00", "5411")]
    alice.connects().asks("What's my balance?")
    assert "£5.00 spent this week" in alice.asks("What did I spend this week?")


def test_an_expired_token_is_refreshed_once_and_the_answer_comes(alice: Browser, broker: FakeBroker) -> None:
    alice.connects()
    broker.access.clear()
    assert "£1,204.35" in alice.asks("What's my balance?")
    assert broker.refreshes == 1


def test_a_token_known_to_be_expired_is_not_even_sent(alice: Browser, broker: FakeBroker) -> None:
    broker.lifetime = 1
    alice.connects()
    broker.lifetime = 300
    assert "£1,204.35" in alice.asks("What's my balance?")
    assert broker.refreshes == 1


def test_a_refresh_that_is_refused_ends_the_connection(alice: Browser, broker: FakeBroker) -> None:
    alice.connects()
    broker.access.clear()
    broker.grant_lives = False
    assert "has ended. (grant-ended)" in alice.asks("What's my balance?")
    assert "I need a bank to ask" in alice.asks("What's my balance?")
    assert broker.refreshes == 1


def test_a_revoked_grant_ends_the_connection_without_a_refresh(alice: Browser, broker: FakeBroker) -> None:
    broker.refusals["balances"] = (401, "grant-revoked")
    assert "You ended your sharing from Harbor Bank" in alice.connects().asks("What's my balance?")
    assert broker.refreshes == 0
    assert "I need a bank to ask" in alice.asks("Show my accounts")


def test_a_refused_consent_gets_a_kind_answer(alice: Browser, broker: FakeBroker) -> None:
    broker.decision = "access_denied"
    assert "No problem: nothing was shared" in alice.connects().text


@pytest.mark.fapi(33)
def test_an_answer_from_another_issuer_connects_nothing(alice: Browser, broker: FakeBroker) -> None:
    broker.wrong_issuer = True
    assert "The bank was not connected" in alice.connects().text
    assert broker.codes
    assert not broker.access


@pytest.mark.fapi(33)
def test_a_callback_works_once_and_only_in_the_browser_that_left(
    alice: Browser, messenger: Messenger, broker: FakeBroker
) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', alice.page.text)
    assert token is not None
    form = {"csrf_token": token[1], "bank": "harbor"}
    leaving = alice.session.post(f"{messenger.url}/connect", data=form, allow_redirects=False, timeout=10)
    assert leaving.status_code == 303
    back = requests.get(leaving.headers["Location"], allow_redirects=False, timeout=10).headers["Location"]
    mallory = Browser(messenger).says_hello("Mallory")
    assert mallory.session.get(back, timeout=10).status_code == 400
    assert not broker.access
    assert alice.session.get(back, timeout=10).status_code == 200
    assert alice.session.get(back, timeout=10).status_code == 400
    assert len(broker.access) == 1


@pytest.mark.parametrize(
    "query", ["", "?state=x", "?state=a&state=b&code=c", "?state=x&code_verifier=y&redirect_uri=z"]
)
def test_a_callback_nobody_waits_for_is_refused(alice: Browser, messenger: Messenger, query: str) -> None:
    assert alice.session.get(f"{messenger.url}/callback{query}", timeout=10).status_code == 400


def test_disconnecting_revokes_both_tokens_and_forgets_the_answers(alice: Browser, broker: FakeBroker) -> None:
    alice.connects().asks("What's my balance?")
    text = disconnects(alice)
    assert "I have disconnected Harbor Bank" in text
    assert "Your permission still stands until you stop it in My sharing" in text
    assert "£1,204.35" not in text
    assert sorted(token[:2] for token in broker.revoked) == ["at", "rt"]


def test_another_persons_connection_cannot_be_disconnected(
    alice: Browser, messenger: Messenger, broker: FakeBroker
) -> None:
    alice.connects()
    connection = re.search(r'name="connection" value="([^"]+)"', alice.page.text)
    assert connection is not None
    mallory = Browser(messenger).says_hello("Mallory")
    mallory.submit("/disconnect", connection=connection[1])
    assert mallory.page.status_code == 404
    assert not broker.revoked


def test_two_banks_each_answer_under_their_name(alice: Browser) -> None:
    answer = alice.connects("harbor").connects("meridian").asks("What's my balance?")
    assert "Balances at Harbor Bank" in answer
    assert "Balances at Meridian Bank" in answer


@pytest.mark.parametrize(
    "raw",
    [
        b"not json",
        b"[]",
        b'{"data": {"balances": {}}}',
        b'{"data": {"balances": [7]}}',
        b'{"data": {"balances": [{"accountId": "..", "currentBalance": "1", "currency": "GBP"}]}}',
        b'{"data": {"balances": [{"accountId": "a", "currentBalance": 1.5, "currency": "GBP"}]}}',
        b'{"data": {"balances": [{"accountId": "a", "currentBalance": "NaN", "currency": "GBP"}]}}',
        b'{"data": {"balances": [{"accountId": "a", "currentBalance": "1", "currency": "pounds"}]}}',
        b'{"data": {"balances": [{"accountId": "a", "currentBalance": "1", "currency": "GBP", "asOf": "soon"}]}}',
        b" " * 3_000_000,
    ],
)
def test_an_answer_that_makes_no_sense_is_not_shown(alice: Browser, broker: FakeBroker, raw: bytes) -> None:
    alice.connects()
    broker.raw_answer = raw
    answer = alice.asks("What's my balance?")
    assert "(invalid-answer)" in answer or "(broker-unreachable)" in answer


def test_the_receipt_of_an_answer_is_kept_and_said_so(alice: Browser, broker: FakeBroker) -> None:
    alice.connects()
    assert "Receipt kept" not in alice.asks("Show my accounts")
    broker.receipt = "good"
    answer = alice.asks("Show my accounts")
    assert "Everyday" in answer
    assert "Receipt kept broker.example/audit/harbor/2026, entry" in answer
    answer = alice.asks("Show my last transactions")
    assert answer.count("broker.example/audit/harbor/2026, entry") == 2


@pytest.mark.parametrize("lie", ["other bytes", "uncommitted", "undisclosed", "garbage"])
def test_an_answer_that_its_receipt_does_not_fit_is_not_shown(alice: Browser, broker: FakeBroker, lie: str) -> None:
    alice.connects()
    broker.receipt = lie
    answer = alice.asks("Show my accounts")
    assert "(receipt-wrong)" in answer
    assert "Everyday" not in answer
    assert "Receipt kept" not in answer


def test_a_next_link_to_another_origin_gets_no_token(alice: Browser, broker: FakeBroker) -> None:
    broker.data["transactions"] = [spent("-1.00", "5411") for _ in range(101)]
    elsewhere = FakeBroker()
    broker.next_link = f"{elsewhere.issuer}/v1/steal"
    assert "(invalid-answer)" in alice.connects().asks("What did I spend this week?")
    assert not elsewhere.calls
    elsewhere.close()


def test_a_form_without_its_csrf_token_changes_nothing(alice: Browser, messenger: Messenger) -> None:
    for path in ("/ask", "/connect", "/disconnect", "/leave", "/hello"):
        assert alice.session.post(f"{messenger.url}{path}", data={"bank": "harbor"}, timeout=10).status_code == 400


def test_hostile_forms_are_refused_without_a_server_error(alice: Browser, messenger: Messenger) -> None:
    alice.submit("/connect", bank="nowhere")
    assert alice.page.status_code == 400
    alice.page = alice.session.get(messenger.url, timeout=10)
    assert "<img" in alice.asks("balance <img src=x onerror=alert(1)>")
    assert "<img src=x" not in alice.page.text
    alice.submit("/ask", question="x" * 20_000)
    assert alice.page.status_code == 413
    evil = {"Host": "evil.example"}
    assert alice.session.get(messenger.url, headers=evil, timeout=10).status_code == 400


def test_every_answer_carries_a_strict_policy(alice: Browser, broker: FakeBroker) -> None:
    policy = alice.page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert f"form-action 'self' {broker.issuer}" in policy
    assert "unsafe" not in policy
    cookie = alice.session.post(f"{alice.at}/hello", timeout=10).request.headers["Cookie"]
    assert cookie.startswith("messenger_session=")


def test_leaving_forgets_the_person_and_lets_go_of_the_tokens(alice: Browser, broker: FakeBroker) -> None:
    alice.connects()
    assert "What shall we call you?" in alice.submit("/leave")
    assert len(broker.revoked) == 2


def test_no_token_and_no_balance_stands_in_the_files_in_clear(short_lived: Messenger) -> None:
    Browser(short_lived).says_hello().connects().asks("What's my balance?")
    assert short_lived.stop() == (0, "")
    stored = b"".join(path.read_bytes() for path in short_lived.folder.glob("messenger.sqlite*"))
    for token in (*short_lived.fake.access, *short_lived.fake.refresh):
        assert token.encode() not in stored
    assert b"1,204.35" not in stored
    assert (short_lived.folder / "state.json").stat().st_mode & 0o777 == 0o600


def test_a_second_start_goes_on_with_the_same_conversation(short_lived: Messenger) -> None:
    alice = Browser(short_lived).says_hello().connects()
    short_lived.stop()
    with short_lived:
        alice.page = alice.session.get(short_lived.url, timeout=10)
        assert "£1,204.35" in alice.asks("What's my balance?")


def test_a_broker_that_does_not_answer_is_told_in_the_chat(short_lived: Messenger) -> None:
    alice = Browser(short_lived).says_hello()
    short_lived.fake.close()
    assert "(broker-unreachable)" in alice.connects().text


def test_an_occupied_port_is_said_in_one_line(messenger: Messenger) -> None:
    second = subprocess.run((*COMMAND, str(messenger.config)), capture_output=True, text=True, timeout=20, check=False)
    assert second.returncode == 2
    assert (
        second.stderr == f"messenger: port {messenger.port} is in use; stop what listens there, or give another port\n"
    )


@pytest.mark.parametrize(
    ("member", "value"),
    [("port", 0), ("issuer", "http://example.com"), ("banks", "harbor"), ("name", ""), ("client_jwk_file", "nowhere")],
)
def test_a_wrong_configuration_is_said_in_one_line(
    messenger: Messenger, tmp_path: Path, member: str, value: object
) -> None:
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(json.loads(messenger.config.read_text()) | {member: value}))
    with pytest.raises(ConfigError):
        load(wrong)


def test_a_bank_that_names_its_origin_narrows_where_forms_may_lead(messenger: Messenger, tmp_path: Path) -> None:
    issuer = messenger.fake.issuer
    assert load(messenger.config).onward_origins == (issuer, "http://localhost:*")
    precise = tmp_path / "precise.json"
    banks = [{"id": "harbor", "name": "Harbor Bank", "origin": "http://localhost:8411/"}]
    precise.write_text(json.dumps(json.loads(messenger.config.read_text()) | {"banks": banks}))
    assert load(precise).onward_origins == (issuer, "http://localhost:8411")
