import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import bank_world
import pytest
import requests
from bank_world import Client


@pytest.fixture(scope="module")
def harbor(tmp_path_factory):
    with bank_world.running(tmp_path_factory.mktemp("harbor"), "fdx") as bank:
        yield bank


@pytest.fixture(scope="module")
def meridian(tmp_path_factory):
    with bank_world.running(tmp_path_factory.mktemp("meridian"), "obie") as bank:
        yield bank


@pytest.fixture(scope="module")
def elena(harbor):
    return Client(harbor).signs_in("elena")


@pytest.fixture(scope="module")
def tomas(meridian):
    return Client(meridian).signs_in("tomas")


def days_ago(days):
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def fdx_accounts(client):
    return client.reads("/accounts").json()["accounts"]


def obie_accounts(client):
    return client.reads("/accounts").json()["Data"]["Account"]


def test_fdx_names_the_customer(elena):
    answer = elena.reads("/customers/current").json()
    assert answer == {"customerId": elena.claims()["sub"], "name": {"first": "Elena", "last": "Vasquez"}}


def test_fdx_lists_accounts_without_balances(elena):
    answer = elena.reads("/accounts").json()
    assert answer["page"] == {"totalElements": 3}
    assert [account["accountType"] for account in answer["accounts"]] == ["CHECKING", "SAVINGS", "CREDITCARD"]
    assert not any("Balance" in name for account in answer["accounts"] for name in account)
    assert all(re.fullmatch(r"\d{4}", account["accountNumberDisplay"]) for account in answer["accounts"])


def test_fdx_pages_its_accounts(elena):
    first = elena.reads("/accounts", limit="2").json()
    assert first["page"] == {"nextOffset": "2", "totalElements": 3}
    rest = elena.reads("/accounts", limit="2", offset=first["page"]["nextOffset"]).json()
    assert rest["page"] == {"totalElements": 3}
    assert len(first["accounts"]) + len(rest["accounts"]) == 3


def test_fdx_balances_are_numbers_with_two_decimals(elena):
    for account in fdx_accounts(elena):
        text = elena.reads(f"/accounts/{account['accountId']}", "balances").text
        assert re.search(r'"currentBalance":-?\d+\.\d\d[,}]', text)
        if account["accountCategory"] == "LOC_ACCOUNT":
            assert re.search(r'"availableCredit":\d+\.\d\d,"creditLine":15000\.00', text)
        else:
            assert re.search(r'"availableBalance":-?\d+\.\d\d[,}]', text)


def test_fdx_transactions_come_newest_first_and_in_pages(elena):
    card = fdx_accounts(elena)[2]["accountId"]
    path, window = f"/accounts/{card}/transactions", {"startTime": days_ago(90)}
    whole = elena.reads(path, "transactions", limit="1000", **window).json()
    times = [line["transactionTimestamp"] for line in whole["transactions"]]
    assert times == sorted(times, reverse=True)
    assert len(times) == whole["page"]["totalElements"] > 100
    first = elena.reads(path, "transactions", **window).json()
    rest = elena.reads(path, "transactions", offset=first["page"]["nextOffset"], **window).json()
    assert first["transactions"] + rest["transactions"] == whole["transactions"][:200]


def test_fdx_recent_card_uses_are_pending_and_say_where(elena):
    card = fdx_accounts(elena)[2]["accountId"]
    lines = elena.reads(f"/accounts/{card}/transactions", "transactions", startTime=days_ago(90), limit="1000").json()
    pending = [line for line in lines["transactions"] if line["status"] == "PENDING"]
    assert pending
    assert all("postedTimestamp" not in line for line in pending)
    places = [line["cardAcceptor"] for line in lines["transactions"] if "cardAcceptor" in line]
    assert len({place["cardAcceptorAddress"]["country"] for place in places if "geo" in place}) >= 3
    assert all(re.fullmatch(r"\d{4}", place["merchantCategoryCode"]) for place in places)
    online = [place for place in places if place["channel"] == "online"]
    assert not any("geo" in place or "cardAcceptorAddress" in place for place in online)


def test_fdx_asks_for_the_right_scope(harbor):
    narrow = Client(harbor).signs_in("maya", scope="openid fdx:accountdetailed:read")
    account = fdx_accounts(narrow)[0]["accountId"]
    answer = narrow.reads(f"/accounts/{account}/transactions")
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_fdx_does_not_tell_a_foreign_account_from_an_unknown_one(harbor, elena):
    foreign = fdx_accounts(Client(harbor).signs_in("maya"))[0]["accountId"]
    for path in (f"/accounts/{foreign}", f"/accounts/{foreign}/transactions", "/accounts/none"):
        answer = elena.reads(path)
        assert (answer.status_code, answer.json()) == (404, {"code": "701", "message": "Account not found"})


def test_obie_names_the_party(tomas):
    party = tomas.reads("/party").json()["Data"]["Party"]
    assert party == {"PartyId": tomas.claims()["sub"], "Name": "Tomás Ferreira"}


def test_obie_lists_accounts_in_two_currencies(tomas):
    accounts = obie_accounts(tomas)
    assert [(each["AccountTypeCode"], each["Currency"]) for each in accounts] == [
        ("CACC", "GBP"),
        ("CACC", "EUR"),
        ("CARD", "GBP"),
    ]
    assert re.fullmatch(r"\d{14}", accounts[0]["Account"][0]["Identification"])
    assert re.fullmatch(r"\*{12}\d{4}", accounts[2]["Account"][0]["Identification"])


def test_obie_marks_a_joint_account(meridian):
    accounts = obie_accounts(Client(meridian).signs_in("margaret"))
    assert [each.get("SupplementaryData") for each in accounts] == [{"Ownership": "JOINT"}, None, None]


def test_obie_balances_are_texts_and_a_card_owes(tomas):
    current, _, card = (each["AccountId"] for each in obie_accounts(tomas))
    held = tomas.reads(f"/accounts/{current}/balances", "balances").json()["Data"]["Balance"]
    assert {each["Type"] for each in held} == {"ITAV", "ITBD"}
    assert all(re.fullmatch(r"\d+\.\d\d", each["Amount"]["Amount"]) for each in held)
    owed = {b["Type"]: b for b in tomas.reads(f"/accounts/{card}/balances", "balances").json()["Data"]["Balance"]}
    assert owed["ITBD"]["CreditDebitIndicator"] == "Debit"
    line = Decimal(owed["ITAV"]["CreditLine"][0]["Amount"]["Amount"])
    assert owed["ITAV"]["CreditDebitIndicator"] == "Credit"
    assert Decimal(owed["ITAV"]["Amount"]["Amount"]) <= line - Decimal(owed["ITBD"]["Amount"]["Amount"])


def test_obie_pages_are_linked_to_the_end(tomas, meridian):
    current = obie_accounts(tomas)[0]["AccountId"]
    answer = tomas.reads(f"/accounts/{current}/transactions", fromBookingDateTime=days_ago(300)).json()
    pages, total, seen = (
        1,
        answer["Meta"]["TotalPages"],
        [line["TransactionId"] for line in answer["Data"]["Transaction"]],
    )
    while "Next" in answer["Links"]:
        assert answer["Links"]["Next"].startswith(meridian.url)
        answer = tomas.reads(answer["Links"]["Next"]).json()
        seen += [line["TransactionId"] for line in answer["Data"]["Transaction"]]
        pages += 1
    assert pages == total > 2
    assert len(set(seen)) == len(seen)


def test_obie_transactions_say_where_a_card_was_used(tomas):
    euro = obie_accounts(tomas)[1]["AccountId"]
    answer = tomas.reads(f"/accounts/{euro}/transactions", fromBookingDateTime=days_ago(90)).json()
    lines = answer["Data"]["Transaction"]
    used = [line["SupplementaryData"]["CardAcceptor"] for line in lines if "CardInstrument" in line]
    assert len({place["Address"]["Country"] for place in used if "Address" in place}) >= 3
    assert {line["Status"] for line in lines} <= {"BOOK", "PDNG"}
    paid = [line for line in lines if "CardInstrument" not in line]
    assert all("DebtorAccount" in line for line in paid if line["CreditDebitIndicator"] == "Credit")


def test_obie_does_not_tell_a_foreign_account_from_an_unknown_one(meridian, tomas):
    foreign = obie_accounts(Client(meridian).signs_in("priya"))[0]["AccountId"]
    for account in (foreign, "none"):
        for what in ("balances", "transactions"):
            answer = tomas.reads(f"/accounts/{account}/{what}")
            assert answer.status_code == 400
            assert answer.json()["Errors"][0]["ErrorCode"] == "UK.OBIE.Resource.NotFound"


@pytest.mark.parametrize("query", [{"page": "0"}, {"page": "x"}, {"page": "9" * 30}, {"fromBookingDateTime": "soon"}])
def test_obie_refuses_a_query_it_cannot_read(tomas, query):
    account = obie_accounts(tomas)[0]["AccountId"]
    answer = tomas.reads(f"/accounts/{account}/transactions", **query)
    assert (answer.status_code, set(answer.json())) == (400, {"Code", "Id", "Message", "Errors"})


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "1001"},
        {"limit": "-1"},
        {"limit": "²"},
        {"offset": "x"},
        {"offset": "9" * 40},
        {"startTime": "yesterday"},
        {"endTime": "2026-13-01T00:00:00Z"},
    ],
)
def test_fdx_refuses_a_query_it_cannot_read(elena, query):
    account = fdx_accounts(elena)[0]["accountId"]
    answer = elena.reads(f"/accounts/{account}/transactions", **query)
    assert (answer.status_code, set(answer.json())) == (400, {"code", "message"})


@pytest.mark.parametrize("start", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01"])
def test_fdx_copes_with_dates_at_the_edge_of_the_calendar(elena, start):
    account = fdx_accounts(elena)[0]["accountId"]
    assert elena.reads(f"/accounts/{account}/transactions", startTime=start).status_code in (200, 400)


@pytest.mark.parametrize("who", ["elena", "tomas"])
def test_no_wrong_or_missing_token_reads_anything(request, who):
    client = request.getfixturevalue(who)
    url = client.bank.url + bank_world.DATA[client.bank.standard] + "/accounts"
    for header in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer nothing"},
        {"Authorization": "Basic YTpi"},
    ):
        answer = requests.get(url, headers=header, timeout=5)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert client.reads("/accounts", token=client.tokens["refresh_token"]).status_code == 401


def test_staff_read_no_data_even_with_the_scope(harbor, meridian):
    assert Client(harbor).signs_in("ada").reads("/accounts").status_code == 403
    assert Client(meridian).signs_in("ada").reads("/accounts").status_code == 403
    assert Client(harbor).signs_in("ada", scope="openid profile").reads("/accounts").status_code == 403


@pytest.mark.parametrize("who", ["elena", "tomas"])
def test_each_request_served_is_on_record_and_refusals_are_not(request, who):
    client = request.getfixturevalue(who)
    before = len(client.bank.served())
    interaction = str(uuid4())
    answer = client.reads("/accounts", "accounts", interaction=interaction)
    assert answer.headers["x-fapi-interaction-id"] == interaction
    client.reads("/accounts/none/transactions")
    client.reads("/accounts", token="wrong")
    record = client.bank.served()[before:]
    accounts = fdx_accounts(client) if who == "elena" else obie_accounts(client)
    ids = [each.get("accountId") or each["AccountId"] for each in accounts]
    assert [(r["interaction_id"], r["customer"], r["category"], r["accounts"]) for r in record] == [
        (interaction, client.claims()["sub"], "accounts", ids)
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record[0]["time"])


def test_a_made_up_interaction_id_or_category_is_not_repeated(elena):
    answer = elena.reads("/accounts", "<b>", interaction="<script>")
    assert "<" not in answer.headers["x-fapi-interaction-id"]
    assert elena.bank.served()[-1]["category"] == "unspecified"
