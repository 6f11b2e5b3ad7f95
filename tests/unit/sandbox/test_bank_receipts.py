"""No receipt, no data: what a sandbox bank checks, offline and by itself, before it answers the broker."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import bank_world
import pytest
import receipt_world
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from receipt_world import ORIGINS, YEAR, Log, base64url, refusal, teller, written

from broker.sandbox.bank.alerts import raised
from broker.sandbox.bank.app import open_bank
from broker.sandbox.bank.config import ConfigError, load_config
from broker.sandbox.bank.models import AccountRow
from broker.sandbox.bank.receipts.trusted import TrustedLog
from broker.tlog.merkle import leaf_hash
from broker.tlog.note import Signer
from broker.tlog.proof import parse_proof
from tests.support.bad_receipts import SIGNER, ambiguous

MICROSECONDS = 1_000_000


@pytest.fixture(scope="module")
def harbor(tmp_path_factory):
    with teller(tmp_path_factory.mktemp("harbor"), "fdx") as opened:
        yield opened


@pytest.fixture(scope="module")
def meridian(tmp_path_factory):
    with teller(tmp_path_factory.mktemp("meridian"), "obie") as opened:
        yield opened


@pytest.fixture(params=["harbor", "meridian"])
def bank(request):
    return request.getfixturevalue(request.param)


def now_us(**ahead):
    return int((datetime.now(UTC) + timedelta(**ahead)).timestamp() * MICROSECONDS)


def test_an_announced_request_is_answered(bank):
    answer = bank.asks(bank.transactions(), bank.announced())
    assert refusal(answer) is None
    assert bank.accounts[0] in answer.text


def test_every_data_endpoint_wants_a_receipt(bank):
    prefix = bank_world.DATA[bank.standard]
    rules = [
        rule.rule.removeprefix(prefix) for rule in bank.http.application.url_map.iter_rules() if prefix in rule.rule
    ]
    assert len(rules) == 5
    for rule in rules:
        answer = bank.asks(rule.replace("<account_id>", bank.accounts[0]).replace("<alert_id>", "fa-1"), {})
        assert refusal(answer) == "receipt-missing", rule


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        pytest.param("receipt-wrong-event", {"event": "access.released"}, id="an entry that announces nothing"),
        pytest.param("receipt-wrong-event", {"event": None}, id="an entry without an event"),
        pytest.param("receipt-wrong-event", {"event": ["access.requested"]}, id="an event that is no text"),
        pytest.param("receipt-wrong-category", {"category": "balances"}, id="another category"),
        pytest.param("receipt-wrong-category", {"category": "accounts"}, id="a list of accounts"),
        pytest.param("receipt-wrong-log", {"number": 999_999}, id="an entry with another's number"),
        pytest.param("receipt-wrong-log", {"log": "broker.example/audit/other/2026"}, id="an entry of another log"),
        pytest.param("receipt-too-old", {"time": now_us(seconds=-75)}, id="more than a minute old"),
        pytest.param("receipt-too-old", {"time": "now"}, id="a time that is none"),
        pytest.param("receipt-too-old", {"time": True}, id="a time that is a truth"),
        pytest.param("receipt-from-the-future", {"time": now_us(hours=2)}, id="from a time to come"),
        pytest.param("receipt-wrong-customer", {"details": {"customer": "somebody else"}}, id="another customer"),
        pytest.param("receipt-wrong-customer", {"details": {"customer": None}}, id="no customer"),
        pytest.param("receipt-wrong-account", {"details": {"accounts": ["another"]}}, id="another account"),
        pytest.param("receipt-wrong-account", {"details": {"accounts": []}}, id="no account"),
        pytest.param("receipt-wrong-account", {"details": {"accounts": {"a": 1}}}, id="accounts that are no list"),
        pytest.param("receipt-wrong-window", {"details": {"window": None}}, id="no window"),
        pytest.param("receipt-wrong-window", {"details": {"window": "always"}}, id="a window that is none"),
        pytest.param(
            "receipt-wrong-window", {"details": {"window": "2026-01-01/2027-01-01"}}, id="days without a zone"
        ),
    ],
)
def test_a_receipt_that_says_something_else_opens_nothing(bank, code, changes):
    assert refusal(bank.asks(bank.transactions(), bank.announced(**changes))) == code


def test_the_interaction_must_be_the_announced_one(bank):
    headers = bank.announced()
    other = headers | {"x-fapi-interaction-id": "11111111-1111-4111-8111-111111111111"}
    assert refusal(bank.asks(bank.transactions(), other)) == "receipt-wrong-interaction"
    del headers["x-fapi-interaction-id"]
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-wrong-interaction"


def test_no_more_time_is_served_than_was_announced(bank):
    now = datetime.now(UTC).replace(microsecond=0)
    announced = {"details": {"window": f"{written(now - timedelta(days=30))}/{written(now - timedelta(days=10))}"}}
    lag = timedelta(days=0 if bank.standard == "fdx" else 3)
    within = (now - timedelta(days=30), now - timedelta(days=10) + lag)
    assert refusal(bank.asks(bank.transactions(within), bank.announced(**announced))) is None
    for wider in (
        (within[0] - timedelta(seconds=1), within[1]),
        (within[0], within[1] + timedelta(seconds=1)),
    ):
        assert refusal(bank.asks(bank.transactions(wider), bank.announced(**announced))) == "receipt-wrong-window"
    endless = bank.transactions(within).partition("?")[0]
    assert refusal(bank.asks(endless, bank.announced(**announced))) == "receipt-wrong-window"


def test_an_account_that_was_not_announced_is_not_served(bank):
    path = bank.transactions(account=bank.accounts[1])
    assert refusal(bank.asks(path, bank.announced())) == "receipt-wrong-account"


def test_an_alert_is_served_for_the_receipt_that_names_it_and_for_no_other(bank):
    with bank.bank.sessions.begin() as session:
        account = session.get(AccountRow, bank.accounts[0])
        alert = raised(session, account, bank.customer, {"merchantName": "Canary", "country": ""})
    path = f"/accounts/{bank.accounts[0]}/fraud-alerts/{alert.alert_id}"
    for named in ("fa-other", None, [alert.alert_id]):
        headers = bank.announced(category="fraud_alerts", details={"alert": named, "window": None})
        assert refusal(bank.asks(path, headers)) == "receipt-wrong-alert"
    assert refusal(bank.asks(path, bank.announced(details={"alert": alert.alert_id}))) == "receipt-wrong-category"
    right = {"category": "fraud_alerts", "details": {"alert": alert.alert_id, "window": None}}
    told = bank.asks(path, bank.announced(**right)).get_json()
    assert (told["alertId"], told["merchantName"]) == (alert.alert_id, "Canary")
    assert "country" not in told
    elsewhere = f"/accounts/{bank.accounts[1]}/fraud-alerts/{alert.alert_id}"
    right["details"]["accounts"] = bank.accounts
    assert bank.asks(elsewhere, bank.announced(**right)).status_code == 404


def test_a_list_for_a_platform_shows_the_announced_accounts_and_one_for_the_person_all(bank):
    for event, details, shown in (
        ("access.requested", {}, bank.accounts[:1]),
        ("accounts.listed", {"accounts": None}, bank.accounts),
        ("access.previewed", {"accounts": None}, bank.accounts),
    ):
        answer = bank.asks("/accounts", bank.announced(event=event, category="accounts", details=details))
        assert refusal(answer) is None
        assert [account for account in bank.accounts if account in answer.text] == shown


def test_a_receipt_of_the_persons_own_list_opens_no_account(bank):
    headers = bank.announced(event="accounts.listed", category="accounts", details={"accounts": None})
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-wrong-category"


def test_a_receipt_serves_each_resource_once(bank):
    headers, path = bank.announced(), bank.transactions()
    assert refusal(bank.asks(path, headers)) is None
    assert refusal(bank.asks(path, headers)) == "receipt-used"
    turned = "&".join(reversed(path.partition("?")[2].split("&")))
    assert refusal(bank.asks(f"{path.partition('?')[0]}?{turned}", headers)) == "receipt-used"
    page = "limit=5" if bank.standard == "fdx" else "page=1"
    assert refusal(bank.asks(f"{path}&{page}", headers)) is None


def test_of_many_requests_at_once_under_one_receipt_one_is_served(bank):
    headers, path = bank.announced(), bank.transactions()
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(lambda _: refusal(bank.asks(path, headers)), range(6)))
    assert sorted(told, key=str) == [None] + ["receipt-used"] * 5


def test_a_refused_request_does_not_use_its_receipt_up(bank):
    headers = bank.announced()
    wrong = headers | {"x-fapi-interaction-id": "11111111-1111-4111-8111-111111111111"}
    assert refusal(bank.asks(bank.transactions(), wrong)) == "receipt-wrong-interaction"
    assert refusal(bank.asks(bank.transactions(), headers)) is None


def test_disclosures_that_the_entry_does_not_commit_to_prove_nothing(bank):
    disclosures = bank.details()
    headers = bank.headers(bank.leaf(disclosures), bank.details())
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-not-disclosed"
    headers = bank.headers(bank.leaf(disclosures), (*disclosures, disclosures[0]))
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-not-disclosed"
    assert refusal(bank.asks(bank.transactions(), headers | {"x-broker-disclosures": "!!"})) == "receipt-not-disclosed"
    del headers["x-broker-disclosures"]
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-without-disclosures"


def test_fewer_disclosures_than_the_entry_commits_to_prove_less(bank):
    disclosures = bank.details()
    headers = bank.headers(bank.leaf(disclosures), [one for one in disclosures if one.name != "window"])
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-wrong-window"


@pytest.mark.parametrize(
    "text", ["!", "AAAA", "A", "A" * 6_000, base64url(b"c2sp.org/tlog-proof@v1\nindex 0\n\nx\n")], ids=lambda t: t[:8]
)
def test_what_is_no_receipt_is_refused_as_that(bank, text):
    assert refusal(bank.asks(bank.transactions(), {"x-broker-receipt": text})) == "receipt-malformed"


@pytest.mark.parametrize("leaf", [b"not JSON", b"[]", b"[" * 3_000, b"\xff"], ids=["text", "list", "deep", "bytes"])
def test_a_signed_entry_that_is_no_entry_is_refused(bank, leaf):
    headers = {"x-broker-receipt": base64url(bank.log.receipt(leaf))}
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-malformed"


def test_another_banks_log_proves_nothing_here_even_under_the_same_key(bank):
    for origin in (
        "broker.example/audit/other/2026",
        "broker.example/audit/operator/2026",
        "evil.example/audit/harbor/2026",
        "broker.example/audit/harbor/2026/../x",
        "broker.example/audit/harbor",
    ):
        strange = Log(origin, [Signer(origin, bank.key)])
        headers = {"x-broker-receipt": base64url(strange.receipt(b"{}"))}
        assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-wrong-log", origin


@pytest.mark.parametrize("name", [f"{YEAR}-2", f"{YEAR}-7", f"{YEAR - 1}", f"{YEAR + 2}", f"0{YEAR}", f"{YEAR}-0"])
def test_a_second_log_beside_the_years_own_is_not_believed_though_the_key_is_right(bank, name):
    origin = f"{bank.log.origin.rpartition('/')[0]}/{name}"
    disclosures, present = bank.details(), bank.log
    bank.log = Log(origin, [Signer(origin, bank.key)])
    try:
        answer = bank.asks(bank.transactions(), bank.headers(bank.leaf(disclosures), disclosures))
    finally:
        bank.log = present
    assert refusal(answer) == "receipt-wrong-log"


def test_a_bank_believes_the_log_of_the_year_that_it_is_and_around_new_year_the_neighbours():
    def names(instant, *recovered):
        return sorted(TrustedLog("harbor", [SIGNER.vkey], recovered).names_at(datetime.fromisoformat(instant)))

    stem = "broker.example/audit/harbor"
    assert names("2026-06-01T00:00:00Z") == [f"{stem}/2026"]
    assert names("2026-12-30T12:00:00Z") == names("2027-01-02T12:00:00Z") == [f"{stem}/2026", f"{stem}/2027"]
    assert names("2026-12-29T12:00:00Z") == [f"{stem}/2026"]
    assert names("2027-01-03T12:00:00Z") == [f"{stem}/2027"]
    # Of a year that was recovered the last log counts alone.
    assert names("2026-12-30T12:00:00Z", "2026-2", "2026-3") == [f"{stem}/2026-3", f"{stem}/2027"]
    for wrong in ("2026", "2026-", "2026-02", "26-2", "2026-2/x"):
        with pytest.raises(ConfigError):
            names("2026-06-01T00:00:00Z", wrong)


def test_a_recovered_log_is_believed_by_a_bank_that_was_told_of_it(tmp_path):
    with teller(tmp_path, "fdx", recovered=[f"{YEAR}-2"], origin=f"broker.example/audit/harbor/{YEAR}-2") as bank:
        assert refusal(bank.asks(bank.transactions(), bank.announced())) is None
        bank.log = Log(ORIGINS["fdx"], [Signer(ORIGINS["fdx"], bank.key)])
        assert refusal(bank.asks(bank.transactions(), bank.announced())) == "receipt-wrong-log"


def test_an_entry_that_not_everybody_reads_alike_is_not_believed(bank):
    disclosures = bank.details()
    plain = bank.leaf(disclosures)
    leaf = json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()
    for name, strange in ambiguous(leaf):
        headers = bank.headers(plain, disclosures, bank.log.receipt(strange))
        assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-malformed", name


def test_a_stranger_who_signs_in_the_logs_name_is_not_believed(bank):
    forged = Log(bank.log.origin, [Signer(bank.log.origin, Ed25519PrivateKey.generate())])
    headers = {"x-broker-receipt": base64url(forged.receipt(b"{}"))}
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-not-signed"


def test_an_entry_that_was_changed_after_it_was_logged_is_not_believed(bank):
    for _ in range(3):
        bank.announced()
    disclosures = bank.details()
    leaf = json.dumps(bank.leaf(disclosures)).encode()
    proof = parse_proof(bank.log.receipt(leaf))
    changed = type(proof)(proof.index, proof.hashes, proof.checkpoint, leaf.replace(b"transactions", b"balances"))
    headers = {"x-broker-receipt": base64url(changed.dump())}
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-not-proven"


def test_a_checkpoint_whose_signature_was_changed_is_not_believed(bank):
    receipt = bank.log.receipt(b"{}")
    size = f"\n{bank.log.range.size}\n".encode()
    assert receipt.count(size) == 1
    headers = {"x-broker-receipt": base64url(receipt.replace(size, b"\n7%s" % size[1:]))}
    assert refusal(bank.asks(bank.transactions(), headers)) == "receipt-not-signed"


def test_a_receipt_without_a_token_is_no_way_in(bank):
    answer = bank.asks(bank.transactions(), bank.announced() | {"Authorization": "Bearer stolen"})
    assert answer.status_code == 401


def test_what_was_served_can_be_held_against_the_log(bank):
    before = len(bank.http.get("/sandbox/served.jsonl").text.splitlines())
    headers, path = bank.announced(), bank.transactions()
    number = bank.log.range.size - 1
    bank.asks(path, headers)
    bank.asks(path, headers)
    answer = bank.http.get("/sandbox/served.jsonl")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.content_type == "application/jsonl"
    assert len(rows) == before + 1
    row = next(row for row in rows if (row["log"], row["number"]) == (bank.log.origin, number))
    assert row["interactionId"] == headers["x-fapi-interaction-id"]
    receipt = base64.urlsafe_b64decode(headers["x-broker-receipt"] + "==")
    assert row["leafHash"] == base64url(leaf_hash(parse_proof(receipt).extra))
    assert row["resource"].startswith(f"GET {bank_world.DATA[bank.standard]}/accounts/{bank.accounts[0]}/transactions?")
    assert abs(datetime.fromisoformat(row["at"]) - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_bank_that_asks_for_no_receipts_gives_data_for_a_token_alone(tmp_path):
    bank = open_bank(load_config(bank_world.prepare(tmp_path, "fdx").config_file), receipt_world.Event())
    assert bank.trusted_log is None
    bank.sessions.kw["bind"].dispose()


def test_a_sandbox_that_was_put_forward_is_judged_by_its_own_clock(tmp_path):
    file = tmp_path / "clock.json"
    with teller(tmp_path, "fdx", clock_file=str(file)) as bank:
        ahead = {"time": now_us(days=40)}
        assert refusal(bank.asks(bank.transactions(), bank.announced(**ahead))) == "receipt-from-the-future"
        file.write_text(json.dumps({"advanced_seconds": 40 * 86_400}), encoding="ascii")
        assert refusal(bank.asks(bank.transactions(), bank.announced(time=now_us(days=40)))) is None
        assert refusal(bank.asks(bank.transactions(), bank.announced())) == "receipt-too-old"
        file.write_text("{", encoding="ascii")
        assert bank.asks(bank.transactions(), bank.announced()).status_code == 503


@pytest.mark.parametrize(
    "receipts",
    [
        True,
        {},
        {"log_keys": []},
        {"log_keys": ["nonsense"]},
        {"log_keys": [Signer("broker.example/audit/meridian/2026", Ed25519PrivateKey.generate()).vkey]},
        {"log_keys": [Signer("evil.example/audit/harbor/2026", Ed25519PrivateKey.generate()).vkey], "clock_file": 1},
    ],
    ids=["no object", "empty", "no keys", "nonsense", "another bank's log", "the clock is no file"],
)
def test_a_bank_that_cannot_tell_whom_to_believe_does_not_start(tmp_path, receipts):
    prepared = bank_world.prepare(tmp_path, "fdx", receipts=receipts)
    with pytest.raises(ConfigError):
        open_bank(load_config(prepared.config_file), receipt_world.Event())
