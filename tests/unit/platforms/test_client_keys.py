"""Keys at a client's URL: rotation without a failed call, and no address or answer that does harm."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey

from broker.app import build_client_keys
from broker.outbound import OutboundClient
from broker.platforms.client_keys import LARGEST_SET, ClientKeys
from broker.platforms.key_sets import NO_KEYS
from broker.platforms.service import Platform, PlatformKind
from broker.settings import Mode
from tests.support.private_addresses import LOOPBACK_HOSTS, OTHER_FORMS
from tests.support.raw_server import Behaviour, RawServer, answering, serving
from tests.support.sandbox_settings import sandbox_settings

OLD, NEW = (ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True) for _ in range(2))
PUBLIC = {key.kid: key.as_dict(private=False) for key in (OLD, NEW)}


def jwks(*keys: ECKey) -> bytes:
    return json.dumps({"keys": [PUBLIC[key.kid] for key in keys]}).encode()


@dataclass
class Site:
    """A client's server, the broker's memory of its keys, and a clock that stands still until told otherwise."""

    server: RawServer
    now: float = 1_000.0
    keys: ClientKeys = field(init=False)

    def __post_init__(self) -> None:
        http = OutboundClient(self.server.allowed, 0.5, LARGEST_SET, sleep=lambda _: None)
        self.keys = ClientKeys(http, 300.0, lambda: self.now)

    def publishes(self, *keys: ECKey) -> None:
        self.server.behaviour = answering(jwks(*keys))

    def found(self, key: ECKey | None = None, path: str = "/jwks") -> list[Any]:
        platform = Platform("chatty", PlatformKind.PLATFORM, "Chatty", NO_KEYS, jwks_uri=self.server.url(path))
        return [found["kid"] for found in self.keys.of(platform, key.kid if key else None)]


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(answering(jwks(OLD))) as server:
        yield Site(server)


def test_registered_keys_need_no_call(site: Site) -> None:
    here = Platform("chatty", PlatformKind.PLATFORM, "Chatty", {"keys": [PUBLIC[OLD.kid]]})
    assert site.keys.of(here, "any") == [PUBLIC[OLD.kid]]
    assert site.server.connections == 0


def test_keys_are_fetched_once_in_their_life(site: Site) -> None:
    for _ in range(5):
        assert site.found(OLD) == [OLD.kid]
        site.now += 59
    assert site.server.connections == 1
    site.now += 5
    assert site.found(OLD) == [OLD.kid]
    assert site.server.connections == 2


def test_a_new_key_is_accepted_at_once_and_an_old_one_no_longer_than_its_life(site: Site) -> None:
    assert site.found(OLD) == [OLD.kid]
    site.publishes(OLD, NEW)
    site.now += 10
    assert site.found(NEW) == [OLD.kid, NEW.kid]
    site.publishes(NEW)
    site.now += 299
    assert OLD.kid in site.found(OLD)
    site.now += 1
    assert site.found(OLD) == [NEW.kid]


def test_unknown_key_ids_do_not_make_more_calls_than_one_in_ten_seconds(site: Site) -> None:
    for _ in range(20):
        site.found(NEW)
        site.now += 1
    assert site.server.connections == 2


def test_the_last_good_set_counts_for_an_hour_while_the_url_fails(site: Site) -> None:
    assert site.found(OLD) == [OLD.kid]
    site.server.behaviour = answering(b"", "500 Down")
    site.now += 3_599
    assert site.found(OLD) == [OLD.kid]
    site.now += 1
    assert site.found(OLD) == []
    site.publishes(OLD)
    site.now += 10
    assert site.found(OLD) == [OLD.kid]


def test_another_url_has_nothing_of_the_former_ones_keys(site: Site) -> None:
    assert site.found(OLD) == [OLD.kid]
    site.publishes(NEW)
    assert site.found(OLD, "/elsewhere") == [NEW.kid]


def test_callers_of_one_moment_share_one_call(site: Site) -> None:
    begun, go = threading.Event(), threading.Event()

    def slowly(connection: socket.socket, request: bytes) -> None:
        begun.set()
        go.wait(5)
        answering(jwks(OLD))(connection, request)

    site.server.behaviour = slowly
    found: list[list[Any]] = []
    threads = [threading.Thread(target=lambda: found.append(site.found(OLD))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert begun.wait(5)
    go.set()
    for thread in threads:
        thread.join(5)
    assert found == [[OLD.kid]] * 4
    assert site.server.connections == 1


def test_a_slow_url_holds_up_nobody_whose_key_is_known(site: Site) -> None:
    assert site.found(OLD) == [OLD.kid]
    begun, go = threading.Event(), threading.Event()

    def hang(_connection: socket.socket, _request: bytes) -> None:
        begun.set()
        go.wait(5)

    site.server.behaviour = hang
    site.now += 10
    stranger = threading.Thread(target=site.found, args=[NEW])
    stranger.start()
    assert begun.wait(5)
    assert site.found(OLD) == [OLD.kid]
    assert stranger.is_alive()
    go.set()
    stranger.join(5)


def test_no_more_threads_wait_than_there_is_room_for(site: Site) -> None:
    site.keys = ClientKeys(OutboundClient(site.server.allowed, 0.5), 300.0, lambda: site.now, most_waiting=1)
    begun, go = threading.Event(), threading.Event()

    def hang(_connection: socket.socket, _request: bytes) -> None:
        begun.set()
        go.wait(5)

    site.server.behaviour = hang
    first = threading.Thread(target=site.found, args=[OLD])
    first.start()
    assert begun.wait(5)
    assert site.found(OLD) == []
    go.set()
    first.join(5)


def _drip(connection: socket.socket, _request: bytes) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
    while connection.send(b" "):
        threading.Event().wait(0.05)


def _says(value: Any) -> Behaviour:
    return answering(json.dumps(value).encode())


PRIVATE, SECRET = OLD.as_dict(private=True), OctKey.generate_key(256).as_dict()
GZIPPED = ("Content-Encoding: gzip",)
BAD: dict[str, Behaviour] = {
    "not found": answering(jwks(NEW), "404 Not Found"),
    "a redirect": answering(b"", "302 Found", ("Location: http://127.0.0.1/",)),
    "HTML": answering(jwks(NEW), headers=("Content-Type: text/html",)),
    "a megabyte": answering(b'{"keys":[' + b" " * 2**20 + b"]}"),
    "a bomb": answering(gzip.compress(b" " * 10**7), headers=GZIPPED),
    "too slow": _drip,
    "no JSON": answering(b"{"),
    "too deep": answering(b'{"keys":' + b"[" * 30_000),
    "a member twice": answering(b'{"keys":[],' + jwks(NEW)[1:]),
    "NaN": answering(jwks(NEW)[:-1] + b',"x":NaN}'),
    "a list": _says([PUBLIC[NEW.kid]]),
    "no keys": _says({}),
    "an empty set": _says({"keys": []}),
    "too many": _says({"keys": [PUBLIC[NEW.kid]] * 21}),
    "a private key beside a good one": _says({"keys": [PUBLIC[NEW.kid], PRIVATE]}),
    "a symmetric key beside a good one": _says({"keys": [PUBLIC[NEW.kid], SECRET]}),
    "nothing that is read here": _says(
        {"keys": [{"kty": "XYZ"}, 5, ECKey.generate_key("P-384").as_dict(private=False)]}
    ),
}


@pytest.mark.parametrize("name", list(BAD))
def test_an_answer_that_cannot_be_used_leaves_the_last_good_set(site: Site, name: str) -> None:
    assert site.found(OLD) == [OLD.kid]
    site.server.behaviour = BAD[name]
    site.now += 300
    assert site.found(OLD) == [OLD.kid]
    assert site.found(path="/never-good") == []


def test_of_a_set_only_what_is_read_here_counts(site: Site) -> None:
    odd = [{"kty": "XYZ", "kid": "x"}, OKPKey.generate_key("X25519").as_dict(private=False), PUBLIC[NEW.kid]]
    site.server.behaviour = _says({"keys": odd})
    assert site.found() == [NEW.kid]


def test_a_key_that_points_elsewhere_is_not_followed(site: Site) -> None:
    leading = {**PUBLIC[NEW.kid], "x5u": site.server.url("/x5u"), "jku": site.server.url("/jku")}
    site.server.behaviour = _says({"keys": [leading]})
    assert site.found() == [NEW.kid]
    assert site.server.connections == 1


TO_LOOPBACK = ClientKeys(OutboundClient(frozenset(), 1.0, resolve=lambda _host, _port: ["127.0.0.1"]), 300.0)


@pytest.mark.parametrize(
    "url",
    [f"https://{host}:PORT/" for host in [*LOOPBACK_HOSTS, "keys.example"]]
    + [f"http://{host}:PORT/" for host in LOOPBACK_HOSTS]
    + OTHER_FORMS,
)
@pytest.mark.fapi(36)
def test_no_packet_goes_to_an_address_that_is_not_public(trap: RawServer, url: str) -> None:
    at = Platform(url, PlatformKind.PLATFORM, "Chatty", NO_KEYS, jwks_uri=url.replace("PORT", str(trap.port)))
    assert TO_LOOPBACK.of(at, None) == ()
    assert trap.connections == 0


def test_no_client_has_the_broker_call_what_is_listed_for_banks(tmp_path: Path) -> None:
    with serving(answering(jwks(OLD))) as bank:
        settings = sandbox_settings(tmp_path, outbound_allow=bank.allowed)
        there = Platform("chatty", PlatformKind.PLATFORM, "Chatty", NO_KEYS, jwks_uri=bank.url("/customers"))
        assert build_client_keys(replace(settings, mode=Mode.PRODUCTION)).of(there, None) == ()
        assert bank.connections == 0
        assert build_client_keys(settings).of(there, None) == [PUBLIC[OLD.kid]]


@pytest.fixture(scope="module")
def trap() -> Iterator[RawServer]:
    with serving(answering(jwks(OLD))) as server:
        yield server
