"""Messenger as a receiver of events, over real HTTP: what it takes, what it refuses, what it forgets and says."""

import base64
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import requests
from joserfc.jwk import ECKey, OctKey
from messenger_events_world import (
    BANK,
    DELETION_REQUESTED,
    FRAUD_ALERT,
    GRANT_CHANGED,
    HEADER,
    TellingBroker,
    sees,
)
from test_messenger_chat import Browser, Messenger, spent

from broker.sandbox.messenger import keys
from broker.sandbox.messenger.events.issuer_keys import LIFE_S, PAUSE_S, IssuerKeys, KeysUnavailableError
from broker.sandbox.messenger.events.tokens import LARGEST
from tests.support.waiting import until

ALERT = {
    "accountId": "acc~1",
    "kind": "card_payment",
    "occurredAt": "2026-11-22T12:00:00Z",
    "amount": "84.20",
    "currency": "EUR",
    "merchantName": "Canary Electronics",
    "country": "TR",
}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    fake = TellingBroker()
    with Messenger(tmp_path_factory.mktemp("messenger"), fake) as messenger:
        until(lambda: fake.streams)
        yield messenger
    fake.close()


@pytest.fixture
def messenger(running: Messenger) -> Messenger:
    return running


@pytest.fixture
def broker(running: Messenger) -> TellingBroker:
    assert isinstance(running.fake, TellingBroker)
    running.fake.reset()
    return running.fake


@pytest.fixture
def alice(messenger: Messenger, broker: TellingBroker) -> Browser:  # noqa: ARG001 - the knobs are turned back first
    return Browser(messenger).says_hello().connects()


def held(messenger: Messenger) -> str:
    """All that Messenger holds of the newest person, unsealed by its own key: messages, names, tokens, receipts."""
    seal, told = keys.Seal(keys.load_or_create(messenger.folder / "state.json").seal), list[str]()
    base = sqlite3.connect(messenger.folder / "messenger.sqlite")
    (person,) = base.execute("SELECT id FROM people ORDER BY created_at DESC LIMIT 1").fetchone()
    for (body,) in base.execute("SELECT body FROM messages WHERE person_id = ?", [person]):
        told.append(json.dumps(json.loads(seal.open(body, f"message:{person}")), ensure_ascii=False))
    query = "SELECT id, access_token, refresh_token, account_names, granted FROM connections WHERE person_id = ?"
    for row in base.execute(query, [person]):
        for name, sealed in zip(("access", "refresh", "names"), row[1:4], strict=True):
            told += [seal.open(sealed, f"{name}:{row[0]}")] if sealed else []
        told.append(row[4])
    told += [row[0] for row in base.execute("SELECT text FROM receipts WHERE person_id = ?", [person])]
    base.close()
    return "\n".join(told)


def test_the_stream_leads_to_messenger_with_a_header_nobody_can_guess(broker: TellingBroker) -> None:
    (stream,) = broker.streams
    assert stream["delivery"]["method"] == "urn:ietf:rfc:8935"
    assert stream["delivery"]["endpoint_url"].endswith("/events")
    assert stream["events_requested"] == [GRANT_CHANGED, FRAUD_ALERT, DELETION_REQUESTED]
    assert len(broker.authorization) > 40


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        ("paused", {}, "You paused your sharing from Harbor Bank. I will not ask for anything until you resume it."),
        (
            "category_paused",
            {"category": "card_locations"},
            "You paused sharing where your cards were used from Harbor",
        ),
        ("category_revoked", {"category": "balances"}, "You stopped sharing balances from Harbor Bank."),
        ("account_removed", {"account_id": "acc~2"}, "You stopped sharing one account at Harbor Bank."),
        ("revoked", {}, "You stopped sharing from Harbor Bank. I have deleted my access"),
        ("revoked", {"initiator": "DATA_ACCESS_PLATFORM"}, "The broker ended your sharing from Harbor Bank."),
        ("expired", {"initiator": "DATA_ACCESS_PLATFORM"}, "The time for your sharing from Harbor Bank is over."),
        ("suspended", {"initiator": BANK}, "Harbor Bank switched off sharing for now."),
        (
            "suspended",
            {"initiator": BANK, "category": "balances"},
            "Harbor Bank switched off balances for now.",
        ),
        ("paused", {"initiator": "DATA_ACCESS_PLATFORM"}, "The broker put your sharing from Harbor Bank on hold."),
        ("amended", {}, "Your permission for Harbor Bank has changed. You now share this until 1 Jan 2031:"),
    ],
)
def test_each_change_is_said_in_the_chat(
    alice: Browser, messenger: Messenger, broker: TellingBroker, change: str, more: dict[str, Any], words: str
) -> None:
    broker.tells(messenger, change, **more)
    sees(alice, words)


def test_what_is_paused_is_not_asked_for_and_goes_on_when_it_is_resumed(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    broker.tells(messenger, "category_paused", category="balances")
    sees(alice, "You paused sharing balances")
    broker.calls.clear()
    assert "(category-paused)" in alice.asks("What's my balance?")
    assert broker.calls == []
    broker.tells(messenger, "category_resumed", category="balances")
    sees(alice, "You resumed sharing balances")
    assert "£1,204.35" in alice.asks("What's my balance?")
    broker.tells(messenger, "suspended", initiator=BANK)
    assert "Switched off for now" in sees(alice, "Harbor Bank switched off sharing")
    assert "(grant-suspended)" in alice.asks("What's my balance?")
    broker.tells(messenger, "restored", initiator=BANK)
    sees(alice, "Harbor Bank switched sharing on again.")
    assert "£1,204.35" in alice.asks("What's my balance?")


def test_after_the_end_nothing_of_the_grant_is_held(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    broker.data["transactions"] = [spent("-6.00", "5411", merchantName="Canary Mill")]
    alice.asks("What's my balance?")
    alice.asks("Show my last transactions")
    tokens = [token for token in (*broker.access, *broker.refresh) if not token.startswith("mt.")]
    before = held(messenger)
    for word in ("1,204.35", "Canary Mill", "Everyday", "acc~1", *tokens):
        assert word in before  # the search finds what is there
    broker.tells(messenger, "revoked")
    text = sees(alice, "I have deleted my access, and the 2 answers that showed your data.")
    assert text.count("I deleted this answer when your sharing ended.") == 2
    assert "Ended" in text
    after = held(messenger)
    for word in ("1,204.35", "Canary Mill", "Everyday", "acc~1", *tokens):
        assert word not in after
    assert "I need a bank to ask" in alice.asks("What's my balance?")


def test_a_category_that_is_stopped_takes_its_answers_along_and_leaves_the_others(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    broker.data["transactions"] = [spent("-6.00", "5411", merchantName="Canary Mill")]
    alice.asks("What's my balance?")
    alice.asks("Show my last transactions")
    broker.granted = [name for name in broker.granted if name != "balances"]
    broker.tells(messenger, "category_revoked", category="balances")
    text = sees(alice, "You stopped sharing balances from Harbor Bank. I have deleted the one answer that showed it.")
    assert "£1,204.35" not in text
    assert "Canary Mill" in text


def test_of_several_people_only_the_one_whose_grant_it_is_is_told(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    bobs = broker.grant_id = "grant-of-bob"
    bob = Browser(messenger).says_hello("Bob").connects()
    bob.asks("What's my balance?")
    broker.grant_id = "grant-of-nobody"
    broker.tells(messenger, "revoked")
    broker.grant_id, broker.sequence = bobs, 0
    broker.tells(messenger, "revoked")
    sees(bob, "You stopped sharing from Harbor Bank.")
    alice.page = alice.session.get(alice.at, timeout=10)
    assert "You stopped sharing" not in alice.text


def test_the_same_event_is_taken_again_and_acted_upon_once(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    token = broker.tells(messenger, "paused")
    sees(alice, "You paused your sharing")
    for _ in range(3):
        assert broker.pushes(messenger, token).status_code == 202
    broker.tells(messenger, "resumed")
    assert sees(alice, "You resumed your sharing").count("You paused your sharing") == 1


def test_a_change_that_comes_too_late_is_ignored_and_a_gap_has_the_grant_read_again(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    late = broker.claims(GRANT_CHANGED, change="paused", initiator="INDIVIDUAL")
    broker.tells(messenger, "resumed")
    sees(alice, "You resumed your sharing")
    assert broker.reads_of_grant == 1
    assert broker.pushes(messenger, broker.signed(late)).status_code == 202
    broker.tells(messenger, "category_paused", category="balances")
    text = sees(alice, "You paused sharing balances")
    assert "You paused your sharing" not in text
    assert broker.reads_of_grant == 1


def test_a_grant_that_cannot_be_read_again_now_is_read_later(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    broker.failing[f"/oauth/grants/{broker.grant_id}"] = 1
    broker.granted = ["balances"]
    broker.tells(messenger, "amended")
    assert "Your permission for Harbor Bank has changed. You now share this" in sees(alice, "has changed")


def test_a_request_to_delete_is_acknowledged_done_and_confirmed(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    broker.receipt = "good"
    alice.asks("What's my balance?")
    assert "c2sp.org/tlog-proof" in held(messenger)
    claims = broker.claims(DELETION_REQUESTED, deletion_id="d-1", respond_by="2026-12-22T12:00:00Z")
    broker.failing["/v1/deletions/d-1/completion"] = 1
    assert broker.pushes(messenger, broker.signed(claims)).status_code == 202
    text = sees(alice, "You asked me to delete your data from Harbor Bank.")
    assert "I have told the broker" in text
    assert broker.deleted[0] == ("d-1", "acknowledgement")
    assert broker.deleted[-1] == ("d-1", "completion")
    assert "£1,204.35" not in text
    assert "c2sp.org/tlog-proof" not in held(messenger)
    assert "£1,204.35" in alice.asks("What's my balance?")  # the grant lives on


def test_a_request_to_delete_of_somebody_unknown_is_confirmed_too(messenger: Messenger, broker: TellingBroker) -> None:
    broker.grant_id = "grant-long-gone"
    claims = broker.claims(DELETION_REQUESTED, deletion_id="d-2", respond_by="2026-12-22T12:00:00Z")
    broker.pushes(messenger, broker.signed(claims))
    until(lambda: ("d-2", "completion") in broker.deleted)


def test_a_missed_request_to_delete_is_found_in_the_list_behind_a_gap(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    broker.sequence = 1
    broker.open_deletions = [{"deletionId": "d-3", "grantId": broker.grant_id}]
    broker.tells(messenger, "paused")
    sees(alice, "You asked me to delete your data")
    assert ("d-3", "completion") in broker.deleted


def test_a_broker_without_a_list_of_requests_to_delete_still_tells_of_changes(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    broker.has_deletions, broker.sequence = False, 4
    broker.tells(messenger, "paused")
    sees(alice, "You paused your sharing")


def test_an_alert_is_shown_and_the_person_can_say_whether_it_was_them(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    broker.alert = ALERT
    assert broker.pushes(messenger, broker.signed(broker.claims(FRAUD_ALERT, alert_id="a/1"))).status_code == 202
    text = sees(alice, "Harbor Bank warns you")
    for words in ("Card payment", "€84.20", "Canary Electronics", "Türkiye", "Was it you?"):
        assert words in text
    path, _, headers = broker.calls[-1]
    assert path == "/v1/fraud-alerts/a%2F1"
    assert "x-fapi-customer-ip-address" not in headers
    number = alice.page.text.partition('name="message" value="')[2].partition('"')[0]
    assert "Call Harbor Bank now" in alice.submit("/alert", message=number, said="no")
    assert "I have told nobody" in alice.submit("/alert", message=number, said="yes")
    assert "Yes. Harbor Bank lists a use of your card in Türkiye" in alice.submit(
        "/alert", message=number, said="check"
    )
    assert broker.questions[-1]["place"] == {"country": "TR"}
    broker.answer_given = "unknown"
    assert "Harbor Bank cannot say" in alice.submit("/alert", message=number, said="check")
    broker.refusals["location_answers"] = (403, "category-revoked")
    assert "(category-revoked)" in alice.submit("/alert", message=number, said="check")
    stranger = Browser(messenger).says_hello("Mallory")
    stranger.submit("/alert", message=number, said="check")
    assert stranger.page.status_code == 404


@pytest.mark.parametrize("fewer", [{}, {"kind": "new-kind", "place": {"country": "GB", "townName": "Leeds"}}])
def test_an_alert_that_says_little_is_shown_as_it_is(
    alice: Browser, messenger: Messenger, broker: TellingBroker, fewer: dict[str, Any]
) -> None:
    broker.alert = fewer
    broker.pushes(messenger, broker.signed(broker.claims(FRAUD_ALERT, alert_id="a1")))
    text = sees(alice, "Harbor Bank warns you")
    assert "Something unusual" in text
    assert ("Leeds, United Kingdom" in text) == bool(fewer)
    assert ("Check my card's place" in text) == bool(fewer)


def test_an_alert_that_the_bank_took_back_or_that_makes_no_sense_is_said_so(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    broker.refusals["fraud_alerts"] = (403, "alert-gone")
    broker.pushes(messenger, broker.signed(broker.claims(FRAUD_ALERT, alert_id="a1")))
    sees(alice, "(alert-gone)")
    broker.refusals.clear()
    broker.alert = {"amount": 7}
    broker.pushes(messenger, broker.signed(broker.claims(FRAUD_ALERT, alert_id="a2")))
    sees(alice, "(invalid-answer)")


def test_yes_or_no_about_the_balance_and_about_a_place_can_be_asked(alice: Browser, broker: TellingBroker) -> None:
    assert "has at least £50.00" in alice.asks("Do I have at least 50 pounds?")
    assert broker.questions == [{"accountId": "acc~1", "atLeast": "50", "currency": "GBP"}]
    broker.answer_given = "no"
    assert "No. None of the accounts I asked about at Harbor Bank has 1,000" in alice.asks("at least €1,000?")
    assert "I can ask about these amounts: 10, 20" in alice.asks("Do I have at least 75?")
    assert "No. Harbor Bank lists no use of your card in Leeds, United Kingdom" in alice.asks(
        "Was my card used in Leeds, UK today?"
    )
    assert broker.questions[-1] == {"place": {"country": "GB", "townName": "Leeds"}, "since": "P1D"}
    broker.receipt = "good"
    assert "Receipt kept" in alice.asks("Was my card used in Canada?")
    broker.receipt, broker.answer_given = None, "unknown"
    assert "I asked in EUR: if your account is in another currency, name it" in alice.asks("at least €1,000?")
    assert "Please name the country" in alice.asks("Was my card used in Narnia?")
    broker.refusals["balance_answers"] = (429, "frequency-exceeded")
    assert "I have asked Harbor Bank too often for now." in alice.asks("Do I have at least 50?")


def unsigned(claims: dict[str, Any]) -> str:
    parts = [{"alg": "none", "kid": "s1", "typ": "secevent+jwt"}, claims]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def test_no_forged_event_is_taken_and_none_does_anything(
    alice: Browser, messenger: Messenger, broker: TellingBroker
) -> None:
    good = broker.claims(GRANT_CHANGED, change="revoked", initiator="INDIVIDUAL")
    event = good["events"][GRANT_CHANGED]
    stranger = ECKey.generate_key("P-256", {"alg": "ES256", "kid": "s1"}, private=True)
    token = broker.signed(good)
    secret = OctKey.import_key(json.dumps(broker.published[0]).encode())
    forged = {
        "another's key under a known id": broker.signed(good, key=stranger),
        "no signature": unsigned(good),
        "the signature cut off": token.rpartition(".")[0] + ".",
        "the public key as a secret": broker.signed(good, {**HEADER, "alg": "HS256"}, secret),
        "the claims exchanged": ".".join([*unsigned(good).split(".")[:2], token.split(".")[2]]),
        "a key of its own in the header": broker.signed(
            good, {**HEADER, "jwk": stranger.as_dict(private=False)}, stranger
        ),
        "another kind of token": broker.signed(good, {**HEADER, "typ": "JWT"}),
        "no kind": broker.signed(good, {"alg": "ES256", "kid": "s1"}),
        "no key id": broker.signed(good, {"alg": "ES256", "typ": "secevent+jwt"}),
        "another issuer": broker.signed(good | {"iss": "https://broker.example"}),
        "another receiver": broker.signed(good | {"aud": "pennywise"}),
        "two receivers": broker.signed(good | {"aud": ["messenger", "pennywise"]}),
        "no receiver": broker.signed({name: value for name, value in good.items() if name != "aud"}),
        "a subject of sign-in": broker.signed(good | {"sub": "alice"}),
        "an end": broker.signed(good | {"exp": 9_999_999_999}),
        "no id": broker.signed({name: value for name, value in good.items() if name != "jti"}),
        "another grant inside": broker.signed(good | {"sub_id": {"format": "opaque", "id": "grant-x"}}),
        "two events": broker.signed(good | {"events": {GRANT_CHANGED: event, FRAUD_ALERT: event}}),
        "no sequence": broker.signed(good | {"events": {GRANT_CHANGED: event | {"sequence": "1"}}}),
        "no token": "revoked",
        "nothing": "",
        "too long": broker.signed(good | {"more": "x" * LARGEST}),
    }
    answers = {name: broker.pushes(messenger, body) for name, body in forged.items()}
    assert {name: answer.status_code for name, answer in answers.items() if answer.status_code != 400} == {}
    assert all({"err", "description"} == set(answer.json()) for answer in answers.values())
    assert answers["another's key under a known id"].json()["err"] == "authentication_failed"
    assert answers["another issuer"].json()["err"] == "invalid_issuer"
    assert answers["another receiver"].json()["err"] == "invalid_audience"
    wrong_kind = broker.pushes(messenger, token, **{"Content-Type": "application/jwt"})
    wrong_header = broker.pushes(messenger, token, Authorization="Bearer guessed")
    assert [wrong_kind.status_code, wrong_header.status_code] == [400, 400]
    assert wrong_header.json()["err"] == "authentication_failed"
    bare = requests.post(f"{messenger.url}/events", data=token, timeout=10)
    assert bare.json()["err"] == "authentication_failed"
    assert requests.get(f"{messenger.url}/events", timeout=10).status_code == 405
    assert "£1,204.35" in alice.asks("What's my balance?")
    assert "You stopped sharing" not in alice.text


def test_events_of_the_stream_itself_and_of_kinds_unknown_are_taken(
    messenger: Messenger, broker: TellingBroker
) -> None:
    kinds = ("https://schemas.openid.net/secevent/ssf/event-type/verification", "urn:consent-broker:event:of-tomorrow")
    for kind in kinds:
        claims = broker.claims(GRANT_CHANGED) | {"events": {kind: {"state": "x"}}}
        assert broker.pushes(messenger, broker.signed(claims)).status_code == 202


def test_keys_are_read_again_for_a_new_id_and_not_without_end() -> None:
    broker, now = TellingBroker(), [1_000.0]
    own = IssuerKeys(requests.Session(), lambda: f"{broker.issuer}/jwks", monotonic=lambda: now[0])
    assert own.find("s1") is not None
    for _ in range(20):
        with pytest.raises(KeysUnavailableError):
            own.find("invented")
    assert broker.reads_of_keys == 1
    fresh = ECKey.generate_key("P-256", {"alg": "ES256", "kid": "s2", "use": "sig"}, private=True)
    broker.published = [fresh.as_dict(private=False), {"kty": "new"}]
    now[0] += PAUSE_S
    assert own.find("s2") is not None
    assert broker.reads_of_keys == 2
    now[0] += PAUSE_S
    assert own.find("s1") is None
    now[0] += LIFE_S
    broker.is_up = False
    with pytest.raises(KeysUnavailableError):
        own.find("s2")
    broker.close()


def test_the_stream_is_asked_for_until_the_broker_is_up_and_what_was_missed_is_made_up_for(tmp_path: Path) -> None:
    broker = TellingBroker()
    with Messenger(tmp_path, broker) as messenger:
        until(lambda: broker.streams)
        alice = Browser(messenger).says_hello().connects()
        assert "£1,204.35" in alice.asks("What's my balance?")
        token = broker.signed(broker.claims(GRANT_CHANGED, change="paused", initiator="INDIVIDUAL"))
        messenger.stop()
        broker.is_up, broker.grant_status = False, "REVOKED"
        with messenger:
            assert broker.pushes(messenger, token).status_code == 503  # no key to check it with: to be sent again
            assert "£1,204.35" in alice.text
            header = broker.authorization
            broker.streams.clear()  # nothing was kept for Messenger meanwhile
            broker.is_up = True
            text = sees(alice, "Your sharing from Harbor Bank has ended.")
            assert "£1,204.35" not in text
            assert broker.authorization == header
            assert messenger.stop() == (0, "")
    broker.close()


def test_an_event_outlives_a_stop_also_in_a_database_of_an_earlier_version(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "messenger.sqlite")
    base.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, person_id VARCHAR(32), connection_id VARCHAR(32), "
                 "author VARCHAR(12), body BLOB, said_at DATETIME)")  # fmt: skip
    base.close()
    broker = TellingBroker()
    with Messenger(tmp_path, broker) as messenger:
        until(lambda: broker.streams)
        alice = Browser(messenger).says_hello().connects()
        broker.failing[f"/oauth/grants/{broker.grant_id}"] = 1
        broker.tells(messenger, "amended")
        until(lambda: broker.failing[f"/oauth/grants/{broker.grant_id}"] < 1)
        messenger.stop()
        broker.failing.clear()
        with messenger:
            sees(alice, "Your permission for Harbor Bank has changed.")
    broker.close()
