import socket
import time

import bank_world
import pytest
import requests
from bank_world import Client


@pytest.fixture(scope="module", params=["fdx", "obie"])
def client(request, tmp_path_factory):
    with bank_world.running(tmp_path_factory.mktemp(request.param), request.param) as bank:
        yield Client(bank).signs_in(bank_world.PEOPLE[request.param][0])


@pytest.fixture
def playing(client):
    yield client.bank.plays
    client.bank.plays("none")


def accounts(answer):
    body = answer.json()
    return body.get("accounts") or body["Data"]["Account"]


def ids(answer):
    return [account.get("accountId") or account["AccountId"] for account in accounts(answer)]


def test_an_unknown_fault_is_refused_and_the_present_one_shown(client, playing):
    assert playing("earthquake").status_code == 400
    assert playing("down").status_code == 204
    assert requests.get(f"{client.bank.url}/sandbox/faults", timeout=5).json() == {"fault": "down"}


def test_a_page_of_another_site_cannot_play_faults(client):
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = requests.post(f"{client.bank.url}/sandbox/faults", data={"fault": "down"}, headers=headers, timeout=5)
    assert answer.status_code == 403


def test_down_answers_503_and_serves_nothing_but_sign_in(client, playing):
    playing("down")
    before = len(client.bank.served())
    assert client.reads("/accounts").status_code == 503
    assert len(client.bank.served()) == before
    Client(client.bank).signs_in(bank_world.PEOPLE[client.bank.standard][1])


def test_slow_answers_late_but_rightly(client, playing):
    playing("slow")
    started = time.monotonic()
    assert len(ids(client.reads("/accounts"))) >= 2
    assert time.monotonic() - started >= 0.3


def test_not_json_is_a_page_with_status_200(client, playing):
    playing("not_json")
    answer = client.reads("/accounts")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")


def test_huge_streams_on_and_on_and_the_bank_survives_the_hanging_up(client, playing):
    playing("huge")
    url = client.bank.url + bank_world.DATA[client.bank.standard] + "/accounts"
    with requests.get(url, stream=True, timeout=10) as answer:
        received = 0
        for piece in answer.iter_content(1 << 16):
            received += len(piece)
            if received > 8_000_000:
                break
    assert received > 8_000_000
    playing("none")
    assert client.reads("/accounts").status_code == 200


def test_wrong_customer_serves_somebody_elses_data_and_the_record_says_whose(client, playing):
    own = ids(client.reads("/accounts"))
    playing("wrong_customer")
    foreign = client.reads("/accounts")
    assert not set(ids(foreign)) & set(own)
    person = client.reads("/customers/current" if client.bank.standard == "fdx" else "/party").json()
    subject = person.get("customerId") or person["Data"]["Party"]["PartyId"]
    assert subject != client.claims()["sub"]
    lines = client.reads(f"/accounts/{own[0]}/transactions", "transactions")
    assert lines.status_code == 200
    assert own[0] not in lines.text.split("Links")[0]
    assert client.bank.served()[-1]["customer"] == subject


def test_a_bank_that_plays_slow_still_stops_at_once(tmp_path):
    bank = bank_world.prepare(tmp_path, "fdx", slow_seconds=60)
    bank.start()
    token = Client(bank).signs_in("maya").tokens["access_token"]
    bank.plays("slow")
    request = f"GET /fdx/v6/accounts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", int(bank.url.rsplit(":", 1)[1])), timeout=5) as caller:
        caller.sendall(request.encode())
        requests.get(f"{bank.url}/healthz", timeout=5)
        started = time.monotonic()
        code, _ = bank.stop()
    assert code == 0
    assert time.monotonic() - started < 10
