"""Which forms of URL and address the broker refuses before a single packet leaves."""

import time
from collections.abc import Iterator

import pytest
from raw_server import RawServer, answering, serving

from broker.errors import BankUnavailable
from broker.outbound import OutboundClient, is_at
from broker.outbound.public import is_public
from broker.outbound.target import parse

LOOPBACK_HOSTS = [
    "127.0.0.1",
    "127.0.0.2",
    "127.255.255.254",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "localhost.localdomain",
    "sub.localhost",
    "0.0.0.0",  # noqa: S104 - nothing is bound here
    "0",
    "0.0",
    "2130706433",
    "02130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0.0.1",
    "0X7F.0.0.1",
    "0x7f.1",
    "127.1",
    "127.0.1",
    "0177.0.0.1",
    "0177.0.0.01",
    "127.0.0.01",
    "127.0.0.1.",
    "127.000.000.001",
    "127.0.0.1%00",
    "127%2e0%2e0%2e1",
    "127。0。0。1",
    "１２７.0.0.1",  # noqa: RUF001 - full-width digits, which IDNA maps to ASCII
    "①②⑦.0.0.1",
    "ⓛocalhost",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::127.0.0.1]",
    "[2002:7f00:1::]",
    "[2001:0:7f00:1::]",
    "[::1%25lo]",
    "[fe80::1%25eth0]",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[100::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.0.1",
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "metadata.google.internal",
    "printer.local",
    "router",
    "host_with_underscore.example",
    "-leading.example",
    "trailing-.example",
    "double..dot.example",
    "",
    "a" * 64 + ".example",
    ".".join(["a" * 50] * 6),
]

OTHER_FORMS = [
    "http://bank.example/",
    "ftp://bank.example/",
    "file:///etc/passwd",
    "gopher://bank.example/",
    "unix:///run/docker.sock",
    "data:application/json,{}",
    "jar:https://bank.example!/",
    "//bank.example/",
    "bank.example",
    "https:bank.example",
    "https:/bank.example",
    "https:///bank.example",
    "https://user@bank.example/",
    "https://user:secret@bank.example/",
    "https://bank.example@127.0.0.1/",
    "https://127.0.0.1#@bank.example/",
    "https://bank.example#fragment",
    "https://bank.example\\@127.0.0.1/",
    "https://127.0.0.1\\.bank.example/",
    "https://bank.example:0/",
    "https://bank.example:65536/",
    "https://bank.example:-1/",
    "https://bank.example:/",
    "https://bank.example:443:443/",
    "https://bank.example:４４３/",  # noqa: RUF001 - full-width digits
    "https://[::1",
    "https://::1]/",
    "https://[::1].bank.example/",
    "https://[v1.fe80]/",
    "https://bank .example/",
    " https://bank.example/",
    "https://bank.example/\r\nHost: localhost",
    "https://bank.example/\x00",
    "ht\ntps://bank.example/",
    "https://bank.example/\t",
    "https://bank.example/é",
    "https://bank.example/" + "a" * 5000,
    "",
]


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
