"""Which forms of URL and address the broker refuses before a single packet leaves."""

import time
from collections.abc import Iterator

import pytest

from broker.errors import BankUnavailable
from broker.outbound import OutboundClient, is_at
from broker.outbound.public import is_public
from broker.outbound.target import parse
from tests.support.private_addresses import LOOPBACK_HOSTS, OTHER_FORMS
from tests.support.raw_server import RawServer, answering, serving


@pytest.fixture(scope="module")
def trap() -> Iterator[RawServer]:
    with serving(answering()) as server:
        yield server


def to_loopback(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


TO_LOOPBACK = OutboundClient(frozenset(), 1.0, 1000, time.monotonic, resolve=to_loopback)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_no_way_of_writing_a_private_address_is_dialled(trap: RawServer, scheme: str, host: str) -> None:
    with pytest.raises(BankUnavailable, match="does not call this address"):
        TO_LOOPBACK.get(f"{scheme}://{host}:{trap.port}/", {}, breaker=host)
    assert trap.connections == 0


TO_NOWHERE = OutboundClient(frozenset(), 1.0, 1000, time.monotonic, resolve=lambda _host, _port: [])


@pytest.mark.parametrize("url", OTHER_FORMS)
def test_no_other_odd_form_of_url_is_even_resolved(url: str) -> None:
    # Were the name resolved, the refusal would be that there is no such name.
    with pytest.raises(BankUnavailable, match="does not call this address"):
        TO_NOWHERE.get(url, {}, breaker="any")


def test_one_private_address_among_public_ones_refuses_the_name(trap: RawServer) -> None:
    def mixed(_host: str, _port: int) -> list[str]:
        return ["8.8.8.8", "127.0.0.1"]

    client = OutboundClient(frozenset(), 1.0, 1000, time.monotonic, resolve=mixed)
    with pytest.raises(BankUnavailable, match="does not call this address"):
        client.get(f"https://bank.example:{trap.port}/", {}, breaker="any")
    assert trap.connections == 0


def test_being_listed_counts_for_exactly_that_host_and_port(trap: RawServer) -> None:
    client = OutboundClient(frozenset({f"localhost:{trap.port}"}), 1.0, 1000, time.monotonic)
    for host, port in (("127.0.0.1", trap.port), ("localhost", trap.port + 1), ("localhost.", trap.port)):
        with pytest.raises(BankUnavailable, match="does not call this address"):
            client.get(f"http://{host}:{port}/", {}, breaker="any")
    assert trap.connections == 0


@pytest.mark.parametrize("address", ["8.8.8.8", "193.0.6.139", "2a00:1450:4001:81b::200e", "64:ff9b::8.8.8.8"])
def test_addresses_of_the_public_internet_are_allowed(address: str) -> None:
    assert is_public(address)


def test_a_public_https_url_passes_and_keeps_its_query() -> None:
    target = parse("https://Bank.Example:8443/fdx/v6/accounts?limit=5", frozenset())
    assert (target.host, target.port, target.path) == ("bank.example", 8443, "/fdx/v6/accounts?limit=5")
    assert target.authority == "bank.example:8443"


def test_the_host_header_leaves_out_the_default_port_and_brackets_ipv6() -> None:
    assert parse("https://bank.example/", frozenset()).authority == "bank.example"
    assert parse("http://[::1]:8080/", frozenset({"[::1]:8080"})).authority == "[::1]:8080"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://bank.example/token", True),
        ("https://api.bank.example:8443/token", True),
        ("https://bank.example:8443/token", False),
        ("http://bank.example/token", False),
        ("https://bank.example.evil.example/token", False),
        ("https://bank.example@evil.example/token", False),
        ("https://[bank.example/token", False),
        ("", False),
        (None, False),
        (["https://bank.example/token"], False),
    ],
)
def test_an_endpoint_is_at_the_bank_or_it_is_not(url: object, *, expected: bool) -> None:
    assert is_at(url, "https://bank.example/oidc", "https://api.bank.example:8443/v1") is expected
