"""The routes of streams (SSF 1.0 §8.1) and of polling (RFC 8936), as a receiver calls them."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from broker.events.vocabulary import SUPPORTED, EventType
from broker.grants.service import Part
from broker.policy.vocabulary import MachineScope
from broker.storage.base import new_id
from broker.tokens.machine import issue_machine
from tests.support.core import House, registered
from tests.support.edge import BASE, Platform, app_of, problem

pytestmark = pytest.mark.any_database
STREAMS, STATUS, VERIFY = "/ssf/streams", "/ssf/streams/status", "/ssf/streams/verify"
POLL = {"method": "urn:ietf:rfc:8936"}
PUSH = {"method": "urn:ietf:rfc:8935", "endpoint_url": "https://messenger.example/events"}
HEADER = "Bearer stream-canary"
NO_ID = "00000000-0000-7000-8000-000000000000"
BOTH = (MachineScope.SSF_READ, MachineScope.SSF_MANAGE)


@dataclass
class Receiver(Platform):
    """A client with a token for its streams alone."""

    scopes: tuple[str, ...] = BOTH

    def __post_init__(self) -> None:
        self.signs_in()

    def signs_in(self) -> None:
        with self.house.database.write() as session:
            facts = {"platform_id": self.platform_id, "jkt": self.key.thumbprint(), "scopes": self.scopes}
            self.token = issue_machine(session, **facts, requires_nonce=False, now=self.house.watch())[0]

    def asks(self, method: str, path: str, body: Any = None, query: str = "") -> TestResponse:
        given = {"Authorization": f"DPoP {self.token}", "DPoP": self.proof(path, method=method)}
        data = None if body is None else json.dumps(body)
        kind = None if body is None else "application/json"
        return self.http.open(path + query, method=method, data=data, content_type=kind, headers=given)

    def makes(self, **asked: Any) -> dict[str, Any]:
        answer = self.asks("POST", STREAMS, asked)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json or {}
        return told

    def polls(self, stream: str, **asked: Any) -> dict[str, Any]:
        answer = self.asks("POST", f"{STREAMS}/{stream}/poll", {"returnImmediately": True, **asked})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json or {}
        return told


@pytest.fixture
def receiver(house: House) -> Receiver:
    return client(house)


def client(house: House, client_id: str = "messenger", *, bank_id: str | None = None, **more: Any) -> Receiver:
    with house.database.write() as session:
        row = session.merge(registered(client_id))
        row.options = {"machine_scopes": [scope.value for scope in BOTH]}
        row.kind, row.bank_id = more.pop("kind", "bank" if bank_id else "platform"), bank_id
    return Receiver(house, app_of(house).test_client(), "", platform_id=client_id, **more)


def test_the_metadata_says_where_everything_is(receiver: Receiver) -> None:
    told = receiver.http.get("/.well-known/ssf-configuration").json
    assert told == {
        "spec_version": "1_0",
        "issuer": BASE,
        "jwks_uri": f"{BASE}/.well-known/jwks.json",
        "delivery_methods_supported": ["urn:ietf:rfc:8935", "urn:ietf:rfc:8936"],
        "configuration_endpoint": f"{BASE}/ssf/streams",
        "status_endpoint": f"{BASE}/ssf/streams/status",
        "verification_endpoint": f"{BASE}/ssf/streams/verify",
        "authorization_schemes": [{"spec_urn": "urn:ietf:rfc:6749"}],
        "default_subjects": "ALL",
    }
    assert receiver.http.post("/ssf/subjects:add").status_code == 404


def test_a_stream_is_made_read_changed_replaced_and_deleted(receiver: Receiver) -> None:
    made = receiver.makes(delivery={**PUSH, "authorization_header": HEADER}, description="ours")
    assert made == {
        "stream_id": made["stream_id"],
        "iss": BASE,
        "aud": "messenger",
        "events_supported": list(SUPPORTED),
        "events_requested": list(SUPPORTED),
        "events_delivered": list(SUPPORTED),
        "delivery": PUSH,
        "min_verification_interval": 10,
        "description": "ours",
    }
    query = f"?stream_id={made['stream_id']}"
    assert receiver.asks("GET", STREAMS, query=query).json == made
    assert receiver.asks("GET", STREAMS).json == [made]
    wanted = {"stream_id": made["stream_id"], "events_requested": [EventType.FRAUD_ALERT.value, "urn:other"]}
    changed = receiver.asks("PATCH", STREAMS, wanted).json or {}
    assert (changed["events_delivered"], changed["description"]) == ([EventType.FRAUD_ALERT.value], "ours")
    assert changed["delivery"] == PUSH
    replaced = receiver.asks("PUT", STREAMS, {"stream_id": made["stream_id"]}).json or {}
    assert replaced["delivery"] == {**POLL, "endpoint_url": f"{BASE}/ssf/streams/{made['stream_id']}/poll"}
    assert "description" not in replaced
    assert receiver.asks("PUT", STREAMS, replaced).json == replaced
    assert receiver.asks("DELETE", STREAMS, query=query).status_code == 204
    assert receiver.asks("GET", STREAMS).json == []
    assert problem(receiver.asks("DELETE", STREAMS, query=query)) == (404, "not-found")


def test_the_header_of_a_stream_is_shown_to_nobody_and_kept_over_a_change(receiver: Receiver, house: House) -> None:
    made = receiver.makes(delivery={**PUSH, "authorization_header": HEADER})
    receiver.asks("PATCH", STREAMS, {"stream_id": made["stream_id"], "description": "still ours"})
    assert HEADER not in json.dumps(made) + receiver.asks("GET", STREAMS).text
    assert HEADER.encode() not in house.stored_bytes()
    assert house.store.rows("SELECT count(sealed_authorization) FROM event_streams")[0][0] == 1
    receiver.asks("PATCH", STREAMS, {"stream_id": made["stream_id"], "delivery": PUSH})
    assert house.store.rows("SELECT count(sealed_authorization) FROM event_streams")[0][0] == 1
    receiver.asks("PUT", STREAMS, {"stream_id": made["stream_id"], "delivery": PUSH})
    assert house.store.rows("SELECT count(sealed_authorization) FROM event_streams")[0][0] == 0


def test_a_second_stream_is_a_conflict(receiver: Receiver) -> None:
    receiver.makes()
    assert problem(receiver.asks("POST", STREAMS, {})) == (409, "stream-exists")


def test_nobody_sees_or_touches_the_stream_of_another(receiver: Receiver, house: House) -> None:
    made, rival = receiver.makes(), client(house, "rival")
    query, named = f"?stream_id={made['stream_id']}", {"stream_id": made["stream_id"]}
    answers = [
        rival.asks("GET", STREAMS, query=query),
        rival.asks("PATCH", STREAMS, named),
        rival.asks("PUT", STREAMS, named),
        rival.asks("DELETE", STREAMS, query=query),
        rival.asks("GET", STATUS, query=query),
        rival.asks("POST", STATUS, {**named, "status": "disabled"}),
        rival.asks("POST", VERIFY, named),
        rival.asks("POST", f"{STREAMS}/{made['stream_id']}/poll", {}),
    ]
    assert {problem(answer) for answer in answers} == {(404, "not-found")}
    assert receiver.asks("GET", STREAMS).json == [made]


def test_a_token_that_may_only_read_changes_nothing(house: House) -> None:
    made = client(house).makes()
    reader = client(house, scopes=(MachineScope.SSF_READ,))
    assert reader.asks("GET", STREAMS).json == [made]
    query, named = f"?stream_id={made['stream_id']}", {"stream_id": made["stream_id"]}
    for answer in (
        reader.asks("POST", STREAMS, {}),
        reader.asks("PATCH", STREAMS, named),
        reader.asks("PUT", STREAMS, named),
        reader.asks("DELETE", STREAMS, query=query),
        reader.asks("POST", STATUS, {**named, "status": "paused"}),
    ):
        assert problem(answer) == (403, "scope-missing")


@pytest.mark.parametrize(
    "asked",
    [
        {"stream_id": NO_ID},
        {"aud": "messenger"},
        {"unknown": 1},
        {"delivery": {"method": "urn:other"}},
        {"delivery": {"endpoint_url": "https://messenger.example/"}},
        {"delivery": {**POLL, "endpoint_url": "https://messenger.example/"}},
        {"delivery": {**POLL, "authorization_header": HEADER}},
        {"delivery": {**PUSH, "authorization_header": "a\r\nHost: b"}},
        {"delivery": {**PUSH, "authorization_header": "x" * 2_100}},
        {"events_requested": []},
        {"events_requested": "all"},
        {"description": "a\x00b"},
        {"description": "x" * 301},
        [],
    ],
)
def test_a_stream_that_makes_no_sense_is_refused(receiver: Receiver, asked: Any) -> None:
    status, code = problem(receiver.asks("POST", STREAMS, asked))
    assert (status, code) in {(400, "invalid-request"), (413, "body-too-large")}
    assert receiver.asks("GET", STREAMS).json == []


@pytest.mark.parametrize(
    "url",
    [
        "http://messenger.example/events",
        "https://localhost:9520/events",
        "https://127.0.0.1/events",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://user@messenger.example/",
        "ftp://messenger.example/",
        "messenger",
        "https://intranet/events",
    ],
)
def test_events_are_not_pushed_to_private_places(receiver: Receiver, url: str) -> None:
    answer = receiver.asks("POST", STREAMS, {"delivery": {**PUSH, "endpoint_url": url}})
    assert problem(answer) == (400, "endpoint-refused")


def test_a_push_needs_an_address(receiver: Receiver) -> None:
    answer = receiver.asks("POST", STREAMS, {"delivery": {"method": PUSH["method"]}})
    assert problem(answer) == (400, "endpoint-refused")


@pytest.mark.parametrize("member", [{"iss": "https://other.example"}, {"aud": "rival"}, {"events_delivered": []}])
def test_what_only_we_say_is_not_changed(receiver: Receiver, member: dict[str, Any]) -> None:
    made = receiver.makes()
    for method in ("PATCH", "PUT"):
        answer = receiver.asks(method, STREAMS, {"stream_id": made["stream_id"], **member})
        assert problem(answer) == (400, "invalid-request")
        assert problem(receiver.asks(method, STREAMS, {})) == (400, "invalid-request")


def test_a_resource_server_is_told_of_nothing(house: House) -> None:
    server = client(house, "the-api", kind="resource_server")
    assert problem(server.asks("POST", STREAMS, {})) == (403, "stream-not-permitted")


def test_a_bank_has_a_stream_of_its_own(house: House) -> None:
    bank = client(house, "harbor-client", bank_id="harbor")
    made = bank.makes()
    house.approved()
    ((_, token),) = bank.polls(made["stream_id"])["sets"].items()
    assert claims(bank, token)["aud"] == "harbor-client"


def test_the_status_is_read_and_set_and_each_change_is_an_event(receiver: Receiver) -> None:
    made = receiver.makes()
    query, named = f"?stream_id={made['stream_id']}", {"stream_id": made["stream_id"]}
    assert receiver.asks("GET", STATUS, query=query).json == {**named, "status": "enabled"}
    for status in ("paused", "disabled", "enabled"):
        told = receiver.asks("POST", STATUS, {**named, "status": status, "reason": "a wish"}).json
        assert told == {**named, "status": status, "reason": "a wish"}
        ((jti, token),) = receiver.polls(made["stream_id"])["sets"].items()
        assert event_of(receiver, token) == (EventType.STREAM_UPDATED.value, {"status": status, "reason": "a wish"})
        receiver.polls(made["stream_id"], ack=[jti])
    assert problem(receiver.asks("POST", STATUS, {**named, "status": "gone"})) == (400, "invalid-request")


def test_a_verification_comes_back_with_its_state_and_not_too_often(receiver: Receiver, house: House) -> None:
    made = receiver.makes()
    named = {"stream_id": made["stream_id"]}
    assert receiver.asks("POST", VERIFY, {**named, "state": "abc"}).status_code == 204
    again = receiver.asks("POST", VERIFY, named)
    assert (problem(again), again.headers["Retry-After"]) == ((429, "verification-too-often"), "10")
    ((jti, token),) = receiver.polls(made["stream_id"])["sets"].items()
    assert event_of(receiver, token) == (EventType.VERIFICATION.value, {"state": "abc"})
    assert claims(receiver, token)["sub_id"] == {"format": "opaque", "id": made["stream_id"]}
    assert receiver.polls(made["stream_id"], ack=[jti]) == {"sets": {}, "moreAvailable": False}
    house.watch.passes(seconds=10)
    assert receiver.asks("POST", VERIFY, named).status_code == 204


def test_however_often_a_receiver_asks_of_its_stream_one_event_of_each_kind_lies_about(
    receiver: Receiver, house: House
) -> None:
    named = {"stream_id": receiver.makes()["stream_id"]}
    for status in ("paused", "enabled", "paused", "enabled"):
        house.watch.passes(seconds=10)
        assert receiver.asks("POST", STATUS, {**named, "status": status}).status_code == 200
        assert receiver.asks("POST", VERIFY, {**named, "state": status}).status_code == 204
    events = [event_of(receiver, token) for token in receiver.polls(named["stream_id"])["sets"].values()]
    assert sorted(events) == [
        (EventType.STREAM_UPDATED.value, {"status": "enabled"}),
        (EventType.VERIFICATION.value, {"state": "enabled"}),
    ]


def test_a_disabled_stream_sends_no_sign_of_life(receiver: Receiver) -> None:
    named = {"stream_id": receiver.makes()["stream_id"]}
    receiver.asks("POST", STATUS, {**named, "status": "disabled"})
    assert problem(receiver.asks("POST", VERIFY, named)) == (400, "stream-disabled")


def test_events_are_polled_in_order_until_they_are_acknowledged(receiver: Receiver, house: House) -> None:
    made, numbers = receiver.makes(), []
    grant = house.approved()
    house.grants.pause(house.alice, grant, Part())
    house.grants.resume(house.alice, grant, Part())
    first = receiver.polls(made["stream_id"])
    assert list(first["sets"]) == list(receiver.polls(made["stream_id"])["sets"])  # until it is acknowledged
    acknowledged: list[str] = []
    while sets := receiver.polls(made["stream_id"], ack=acknowledged)["sets"]:
        numbers += [event_of(receiver, token)[1]["sequence"] for token in sets.values()]
        acknowledged = list(sets)
    assert numbers == [1, 2, 3]
    assert house.store.rows("SELECT DISTINCT state FROM event_deliveries") == [("taken",)]


def test_as_many_come_as_are_wanted_and_more_is_announced(receiver: Receiver, house: House) -> None:
    made = receiver.makes()
    for _ in range(3):
        house.approved()
    some = receiver.polls(made["stream_id"], maxEvents=2)
    assert (len(some["sets"]), some["moreAvailable"]) == (2, True)
    assert receiver.polls(made["stream_id"], maxEvents=0) == {"sets": {}, "moreAvailable": True}
    rest = receiver.polls(made["stream_id"], ack=list(some["sets"]))
    assert (len(rest["sets"]), rest["moreAvailable"]) == (1, False)


def test_a_poll_waits_a_moment_for_an_event(receiver: Receiver, house: House) -> None:
    made = receiver.makes()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(receiver.polls, made["stream_id"], returnImmediately=False)
        grant = house.approved()
        ((_, token),) = waiting.result()["sets"].items()
    assert event_of(receiver, token)[1]["grant_id"] == grant


def test_what_a_receiver_refuses_comes_again_later_and_is_given_up_in_the_end(receiver: Receiver, house: House) -> None:
    made = receiver.makes()
    house.approved()
    for _ in range(8):
        ((jti, _),) = receiver.polls(made["stream_id"])["sets"].items()
        refused = {jti: {"err": "invalid_key", "description": "who are you?"}}
        assert receiver.polls(made["stream_id"], setErrs=refused)["sets"] == {}
        house.watch.passes(seconds=60)
        receiver.signs_in()
    assert house.store.rows("SELECT state, error FROM event_deliveries") == [("dead", "invalid_key: who are you?")]


def test_a_forged_acknowledgement_acknowledges_nothing(receiver: Receiver, house: House) -> None:
    made, rival = receiver.makes(), client(house, "rival")
    house.approved()
    jti = house.store.rows("SELECT jti FROM event_deliveries")[0][0]
    rivals = rival.makes()
    rival.polls(rivals["stream_id"], ack=[jti, NO_ID], setErrs={})
    receiver.polls(made["stream_id"], ack=[new_id(house.watch())], maxEvents=0)
    receiver.polls(made["stream_id"], ack=[jti], maxEvents=0)  # guessed: it was never given
    assert house.store.rows("SELECT state FROM event_deliveries") == [("waiting",)]
    assert list(receiver.polls(made["stream_id"])["sets"]) == [jti]
    rival.polls(rivals["stream_id"], ack=[jti])  # given, but not to it
    assert house.store.rows("SELECT state FROM event_deliveries") == [("waiting",)]


def test_a_pushed_stream_is_not_polled(receiver: Receiver) -> None:
    made = receiver.makes(delivery=PUSH)
    answer = receiver.asks("POST", f"{STREAMS}/{made['stream_id']}/poll", {})
    assert problem(answer) == (400, "stream-not-polled")


@pytest.mark.parametrize(
    "asked",
    [
        {"maxEvents": -1},
        {"maxEvents": "3"},
        {"ack": "x"},
        {"ack": [1]},
        {"setErrs": {"x": "no"}},
        {"setErrs": {"x": {}}},
        {"returnImmediately": "yes"},
        {"other": 1},
    ],
)
def test_a_poll_that_makes_no_sense_is_refused(receiver: Receiver, asked: Any) -> None:
    made = receiver.makes()
    answer = receiver.asks("POST", f"{STREAMS}/{made['stream_id']}/poll", asked)
    assert problem(answer) == (400, "invalid-request")


def claims(receiver: Receiver, token: str) -> dict[str, Any]:
    """Verify a token with the published keys, and return what it says."""
    keys = KeySet.import_key_set(receiver.http.get("/.well-known/jwks.json").json)  # type: ignore[arg-type]  # a key set
    found = jwt.decode(token, keys, algorithms=["ES256"])
    assert found.header["typ"] == "secevent+jwt"
    return found.claims


def event_of(receiver: Receiver, token: str) -> tuple[str, dict[str, Any]]:
    ((kind, event),) = claims(receiver, token)["events"].items()
    return kind, event
