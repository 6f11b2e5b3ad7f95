"""A bank's fraud alert reaches an app under a grant, nothing of it without, and nothing of it stays: real processes."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import MetaData, create_engine, insert, select, update

from broker.clock import system_clock
from broker.events.delivery_models import EventDeliveryRow
from broker.events.stream_models import EventStreamRow
from broker.events.vocabulary import EventType, StreamStatus
from broker.storage.base import new_id, table_of
from tests.support.actors import Person, Staff
from tests.support.platform_client import PlatformClient, Pushed, Tokens
from tests.support.world import World

pytestmark = pytest.mark.timeout(180)
on_sqlite = pytest.mark.parametrize("world", ["sqlite"], indirect=True)
CANARY = "Kanarienvogel Elektronik"
CANARY_AMOUNT = "7391.57"
SCOPE = "fraud_alerts.push"
APP = 1  # Messenger, the first, has a stream of its own


@pytest.fixture
def app(world: World) -> Iterator[PlatformClient]:
    """An app that listens; what it was given in a story it gives back."""
    client = PlatformClient.of(world.info, APP)
    listens(world, client.client_id)
    given: list[str] = []
    client.redeem = _noted(client, given)  # type: ignore[method-assign]  # a client of this test alone
    yield client
    for grant_id in given:
        gives_back(world, client, grant_id)


def _noted(client: PlatformClient, given: list[str]) -> Callable[..., requests.Response]:
    redeem = client.redeem

    def noting(pushed: Pushed, landed: str, **fields: Any) -> requests.Response:
        answer = redeem(pushed, landed, **fields)
        given.append(answer.json()["grant_id"])
        return answer

    return noting


def gives_back(world: World, client: PlatformClient, grant_id: str) -> None:
    token = token_of(client, "grant_management_revoke")
    url = f"{world.info['issuer']}/oauth/grants/{grant_id}"
    headers = {"Authorization": f"DPoP {token}", "DPoP": client.proof("DELETE", url, token)}
    assert client.http.delete(url, headers=headers, timeout=30).status_code == 204


def token_of(client: PlatformClient, scope: str) -> str:
    answer = client.form_post("token_endpoint", {"grant_type": "client_credentials", "scope": scope}, dpop=True)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


def listens(world: World, client_id: str) -> None:
    """Let a platform have a stream that it polls; another test may have made it."""
    streams, now = table_of(EventStreamRow), system_clock()
    requested = [EventType.GRANT_CHANGED.value, EventType.FRAUD_ALERT.value]
    engine = create_engine(world.info["database_url"])
    with engine.begin() as connection:
        wanted = update(streams).where(streams.c.receiver == client_id).values(requested=requested)
        if connection.execute(wanted).rowcount == 0:
            row = {"id": new_id(now), "receiver": client_id, "method": "urn:ietf:rfc:8936", "failures": 0}
            row |= {"requested": requested, "status": StreamStatus.ENABLED.value}
            connection.execute(insert(streams).values(**row, created_at=now, updated_at=now))
    engine.dispose()


def announced(world: World, grant_id: str) -> list[str]:
    """Return the ids that wait for a platform, oldest first."""
    rows = table_of(EventDeliveryRow)
    engine = create_engine(world.info["database_url"])
    with engine.connect() as connection:
        alerts = (rows.c.grant_id == grant_id, rows.c.event_type == EventType.FRAUD_ALERT.value)
        query = select(rows.c.claims).where(*alerts).order_by(rows.c.sequence)
        found = [claims["alert_id"] for claims in connection.scalars(query)]
    engine.dispose()
    return found


def raises(world: World, person: Person, *said: str) -> dict[str, Any]:
    """Have the person's bank raise an alert that holds the canaries; return what it and the broker said."""
    canaries = ("--merchant", CANARY, "--amount", CANARY_AMOUNT)
    done = world.command("sandbox", "alert", person.username, "--json", *canaries, *said)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def fetches(world: World, app: PlatformClient, tokens: Tokens, alert_id: str) -> requests.Response:
    return app.call(world.info["api"]["fraud_alert"].format(alertId=alert_id), tokens.access)


def the_bank(world: World, number: int = 0) -> tuple[PlatformClient, str]:
    """Return a bank's own client with a token that may push alerts."""
    own = world.info["banks"][number]["client"]
    jwk = json.loads(Path(own["jwk_file"]).read_text(encoding="utf-8"))
    client = PlatformClient(world.info["issuer"], own["client_id"], jwk)
    return client, token_of(client, SCOPE)


def posts(world: World, body: Any, *, number: int = 0) -> tuple[int, str]:
    """Post a body as a bank; return the status, and the code of a refusal."""
    client, token = the_bank(world, number)
    url = f"{world.info['issuer']}/v1/bank/fraud-alerts"
    headers = {"Authorization": f"DPoP {token}", "DPoP": client.proof("POST", url, token)}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = client.http.post(url, data=data, headers=headers | {"Content-Type": "application/json"}, timeout=30)
    return answer.status_code, answer.json().get("code", "")


def stored(world: World) -> Iterator[str]:
    """Return every row of every table, and the bytes of the files of the broker's database."""
    engine, found = create_engine(world.info["database_url"]), MetaData()
    found.reflect(engine)
    with engine.connect() as connection:
        for table in found.sorted_tables:
            yield from (repr(tuple(row)) for row in connection.execute(select(table)))
    engine.dispose()
    for file in Path(world.data_dir).glob("broker.db*"):
        yield file.read_bytes().decode("latin-1")


def forms(word: str) -> set[str]:
    """Return how a word would stand there: as it is, and as base64 begins with it."""
    return {word, base64.b64encode(word.encode()).decode()[:16], word.encode().hex()}


@pytest.mark.parametrize("bank", ["harbor", "meridian"])
def test_an_alert_reaches_an_app_under_a_grant_and_nothing_of_it_stays(
    world: World, app: PlatformClient, bank: str
) -> None:
    person = Person.of(world.info, bank)
    tokens = person.shares(app, "fraud_alerts")
    told = raises(world, person)
    assert (told["status"], told["answer"]["announced"] >= 1) == (202, True)
    (alert_id,) = announced(world, tokens.answer["grant_id"])
    answer = fetches(world, app, tokens, alert_id)
    assert answer.status_code == 200, answer.text
    assert {"x-broker-receipt", "x-broker-disclosures"} <= set(answer.headers)
    record = answer.json()["data"]
    assert (record["merchantName"], record["amount"], record["country"]) == (CANARY, CANARY_AMOUNT, "TR")
    assert (record["alertId"], record["kind"]) == (alert_id, "card_payment")
    assert told["accountId"] != record["accountId"]
    hidden = {*forms(CANARY), CANARY_AMOUNT, told["alertId"]}
    everything = list(stored(world))
    assert any(alert_id in row for row in everything)  # what is stored is searched
    assert [word for word in hidden for row in everything if word in row] == []


@on_sqlite
def test_without_a_grant_nothing_of_an_alert_leaves(world: World, app: PlatformClient) -> None:
    person = Person.of(world.info, "harbor", 1)
    tokens = person.shares(app, "balances")
    told = raises(world, person)
    assert (told["status"], told["answer"]["code"]) == (403, "alert-not-granted")
    assert announced(world, tokens.answer["grant_id"]) == []
    assert fetches(world, app, tokens, told["alertId"]).json()["code"] == "alert-unknown"
    assert not [row for row in stored(world) if CANARY in row or told["alertId"] in row]


@on_sqlite
def test_what_the_person_stops_is_told_to_nobody_and_an_id_opens_nothing_any_more(
    world: World, app: PlatformClient
) -> None:
    person = Person.of(world.info, "meridian", 1)
    tokens = person.shares(app, "fraud_alerts", "balances")
    assert raises(world, person)["status"] == 202
    person.acts("pause", tokens.answer["grant_id"])
    assert raises(world, person)["answer"]["code"] == "grant-paused"
    (alert_id,) = announced(world, tokens.answer["grant_id"])
    assert fetches(world, app, tokens, alert_id).json()["code"] == "grant-paused"
    person.acts("revoke", tokens.answer["grant_id"])
    assert raises(world, person)["answer"]["code"] == "alert-not-granted"
    assert fetches(world, app, tokens, alert_id).json()["code"] == "grant-revoked"


@on_sqlite
def test_one_apps_id_is_worth_nothing_to_another_and_is_read_three_times(world: World, app: PlatformClient) -> None:
    person, rival = Person.of(world.info, "harbor", 2), PlatformClient.of(world.info)
    tokens, others = person.shares(app, "fraud_alerts"), person.shares(rival, "fraud_alerts")
    raises(world, person)
    (alert_id,) = announced(world, tokens.answer["grant_id"])
    forged = alert_id[:-6] + "AAAAAA"
    assert {fetches(world, rival, others, one).json()["code"] for one in (alert_id, forged)} == {"alert-unknown"}
    assert [fetches(world, app, tokens, alert_id).status_code for _ in range(4)] == [200, 200, 200, 403]
    gives_back(world, rival, others.answer["grant_id"])


@on_sqlite
def test_a_person_and_their_bank_see_what_became_of_an_alert(world: World, app: PlatformClient) -> None:
    person = Person.of(world.info, "harbor")
    tokens = person.shares(app, "fraud_alerts")
    told = raises(world, person)
    (alert_id,) = announced(world, tokens.answer["grant_id"])
    fetches(world, app, tokens, alert_id)
    mine = [row["event"] for row in person.rows("history") if row["grant_id"] == tokens.answer["grant_id"]]
    assert mine[:3] == ["access.released", "access.requested", "alert.announced"]
    seen = [row for row in Staff(world.info, "harbor").accesses() if row["grant_id"] == tokens.answer["grant_id"]]
    assert "alert.announced" in {row["event"] for row in seen}
    assert not [word for word in (alert_id, told["alertId"], CANARY) if word in json.dumps(seen)]


GOOD = {"subject": "hb-1", "accountId": "acc", "alertId": "fa-1", "occurredAt": "2026-11-22T12:00:00Z"}


BAD: tuple[Any, ...] = (
    b"",
    b"{",
    b"[]",
    b'{"subject": "a", "subject": "b"}',
    b'{"a":' * 2_000,
    {**GOOD, "merchantName": "x"},
    {**GOOD, "alertId": "<script>alert(1)</script>"},
    {**GOOD, "alertId": "a" * 65},
    {**GOOD, "alertId": "fa-1\n"},
    {**GOOD, "alertId": "\u202efa"},
    {**GOOD, "subject": "s" * 256},
    {**GOOD, "subject": None},
    {**GOOD, "accountId": "x" * 129},
    {**GOOD, "occurredAt": "yesterday"},
    {**GOOD, "occurredAt": "2026-11-22T12:00:00"},
    {**GOOD, "occurredAt": "9999-12-31T23:59:59Z"},
    {**GOOD, "subject": "'; DROP TABLE grants; --", "occurredAt": "now"},
)


@on_sqlite
def test_a_bad_post_is_refused_by_its_code(world: World) -> None:
    assert {posts(world, body) for body in BAD} == {(400, "invalid-request")}
    assert posts(world, b'{"subject": "' + b"x" * 200_000 + b'"}') == (413, "body-too-large")


@on_sqlite
def test_strange_customers_and_accounts_are_answered_alike(world: World, app: PlatformClient) -> None:
    person = Person.of(world.info, "harbor")
    person.shares(app, "fraud_alerts")
    told = raises(world, person)
    good = {**GOOD, "subject": told["subject"], "accountId": told["accountId"], "occurredAt": _now()}
    strangers = [
        {**good, "subject": "'; DROP TABLE grants; --"},
        {**good, "subject": "\u202e<b>"},
        {**good, "accountId": "hb-00000000"},
    ]
    assert {posts(world, one) for one in strangers} == {(403, "alert-not-granted")}
    assert posts(world, good, number=1) == (403, "alert-not-granted")  # another bank's word for somebody else


@on_sqlite
def test_only_a_banks_client_gets_a_token_to_post_alerts(app: PlatformClient) -> None:
    answer = app.form_post("token_endpoint", {"grant_type": "client_credentials", "scope": SCOPE}, dpop=True)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def _now() -> str:
    return system_clock().strftime("%Y-%m-%dT%H:%M:%SZ")
