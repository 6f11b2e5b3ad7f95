"""Registrations of platforms and banks: what the profile or the policies forbid is not stored."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from broker.banks import service as banks
from broker.crypto.digests import base64url
from broker.crypto.jwt import ALGORITHMS
from broker.errors import InvalidRequest, PolicyRefused
from broker.platforms.key_sets import NO_KEYS, check_keys
from broker.platforms.models import PlatformRow
from broker.platforms.options import Options
from broker.platforms.service import Platform, PlatformKind, add, find, names
from tests.support.core import House
from tests.support.private_addresses import LOOPBACK_HOSTS, OTHER_FORMS

KEY = ECKey.generate_key("P-256", auto_kid=True)
GOOD = Platform(
    id="messenger",
    kind=PlatformKind.PLATFORM,
    name="Messenger",
    jwks={"keys": [KEY.as_dict(private=False)]},
    redirect_uris=("https://m.example/cb",),
    scopes=("balances",),
    purposes=("chat_banking",),
    default_purpose="chat_banking",
)
BANK = banks.Bank("harbor", "Harbor Bank", "fdx", "https://b.example", "https://b.example/fdx", "broker", "openid")


def store(house: House, platform: Platform, *, loopback: bool = False) -> Platform | None:
    with house.database.write() as session:
        add(session, house.catalogue, platform, http_loopback=loopback, now=house.watch())
    with house.database.read() as session:
        return find(session, platform.id)


def test_a_good_registration_is_stored_and_can_be_replaced(house: House) -> None:
    assert store(house, GOOD) == GOOD
    renamed = replace(GOOD, name="New name", redirect_uris=())
    assert store(house, renamed) == renamed
    with house.database.read() as session:
        assert names(session) == {"messenger": "New name"}
        assert find(session, "nobody") is None


@pytest.mark.parametrize("name", ["", "ab", "x" * 65, "a b c", "-abc", "a/b/c", "abc\n", "äbc", "a\x00bc"])
def test_an_id_that_cannot_be_used_is_refused(house: House, name: str) -> None:
    with pytest.raises(InvalidRequest):
        store(house, replace(GOOD, id=name))


KEYS: dict[str, Callable[[], Any]] = {
    "no keys": dict,
    "an empty set": lambda: {"keys": []},
    "keys that are no list": lambda: {"keys": {"a": 1}},
    "a private key": lambda: {"keys": [KEY.as_dict(private=True)]},
    "one private key among public ones": lambda: {"keys": [KEY.as_dict(private=False), KEY.as_dict(private=True)]},
    "a symmetric key": lambda: {"keys": [OctKey.generate_key(256).as_dict()]},
    "a weak RSA key": lambda: {"keys": [RSAKey.generate_key(1024).as_dict(private=False)]},
    "another curve": lambda: {"keys": [ECKey.generate_key("P-384").as_dict(private=False)]},
    "another Edwards curve": lambda: {"keys": [OKPKey.generate_key("Ed448").as_dict(private=False)]},
    "a key agreement key": lambda: {"keys": [OKPKey.generate_key("X25519").as_dict(private=False)]},
    "a key id that is no text": lambda: {"keys": [KEY.as_dict(private=False) | {"kid": 5}]},
    "an unknown kind": lambda: {"keys": [{"kty": "XYZ"}]},
    "no kind": lambda: {"keys": [{}]},
    "a huge RSA key": lambda: {"keys": [{"kty": "RSA", "e": "AQAB", "n": base64url(b"\xff" * 1025)}]},
    "an RSA key without numbers": lambda: {"keys": [{"kty": "RSA", "e": 3, "n": None}]},
    "a false point": lambda: {"keys": [{"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}]},
}


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # this test itself makes the weak key
@pytest.mark.parametrize("name", list(KEYS))
def test_a_key_set_that_cannot_be_used_is_refused(house: House, name: str) -> None:
    with pytest.raises(InvalidRequest):
        store(house, replace(GOOD, jwks=KEYS[name]()))


@pytest.mark.parametrize("key", [5, None, "text", ["d"], True], ids=str)
def test_a_key_that_is_no_object_is_refused(house: House, key: object) -> None:
    with pytest.raises(InvalidRequest):
        store(house, replace(GOOD, jwks={"keys": [key]}))


def test_a_client_has_its_keys_here_or_at_a_url_and_never_both(house: House) -> None:
    with pytest.raises(InvalidRequest, match="never both"):
        store(house, replace(GOOD, jwks_uri="https://m.example/jwks"))
    with pytest.raises(InvalidRequest, match="from 1 to 20"):
        store(house, replace(GOOD, jwks=NO_KEYS))
    elsewhere = replace(GOOD, jwks=NO_KEYS, jwks_uri="https://m.example/jwks")
    assert store(house, elsewhere) == elsewhere


# What a name leads to is looked at when the keys are fetched: this one says nothing.
@pytest.mark.parametrize("host", [host for host in LOOPBACK_HOSTS if host != "localhost.localdomain"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_keys_at_a_private_address_are_not_registered(scheme: str, host: str) -> None:
    with pytest.raises(InvalidRequest, match="public host"):
        check_keys(NO_KEYS, f"{scheme}://{host}/jwks", http_loopback=False)


@pytest.mark.parametrize("url", OTHER_FORMS)
@pytest.mark.parametrize("loopback", [True, False])
def test_keys_at_an_odd_url_are_not_registered(url: str, loopback: bool) -> None:
    with pytest.raises(InvalidRequest, match="public host"):
        check_keys(NO_KEYS, url, http_loopback=loopback)


def test_keys_on_loopback_are_registered_in_a_sandbox_only(house: House) -> None:
    local = replace(GOOD, jwks=NO_KEYS, jwks_uri="http://localhost:4199/jwks")
    assert store(house, local, loopback=True)
    with pytest.raises(InvalidRequest, match="public host"):
        store(house, local)


@pytest.mark.parametrize("number", [2, 21])
def test_each_registered_key_has_an_id_of_its_own_and_they_are_not_many(house: House, number: int) -> None:
    with pytest.raises(InvalidRequest):
        store(house, replace(GOOD, jwks={"keys": [KEY.as_dict(private=False)] * number}))


@pytest.mark.parametrize(
    "name",
    [
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "01890A5D-AC96-774B-BCCE-B302099A8057",
        "01890a5dac96774bbcceb302099a8057",
        "A" * 22,
        "x-_" * 7 + "x",
    ],
)
@pytest.mark.fapi(51)
def test_no_client_is_called_like_a_person(house: House, name: str) -> None:
    with pytest.raises(InvalidRequest, match="that of a person"):
        store(house, replace(GOOD, id=name))


@pytest.mark.parametrize("name", ["\u202egnaB robraH", "Harbor\u200bBank", "x" * 121, "a\x00b", "a\nb", "\ud800"])
def test_a_name_with_what_nobody_sees_is_refused(house: House, name: str) -> None:
    with pytest.raises(InvalidRequest, match="visible"):
        store(house, replace(GOOD, name=name))


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/cb",
        "http://m.example/cb",
        "https://m.example/cb#x",
        "https://user@m.example/cb",
        "https://*.example/cb",
        "javascript:alert(1)",
        "https:///cb",
        "http://localhost.evil.example/cb",
        "http://[::1].evil.example/cb",
        "https://[::1].evil.example/cb",
        "https://m.example:/cb",
        "custom:/cb",
        "https://m.example/c b",
        "https://m.example/cb\n",
        "https://m.example/\r\nSet-Cookie:a=b",
        "https://m.example/\u202ebc",
        "https://m.exämple/cb",
        "https://m.example/\x00",
        "https://m.example\\@evil.example/cb",
        "https://m.example/cb#",
        "https://m.example:0/cb",
        "https://m.example:65536/cb",
        "https://m.example:x/cb",
        "https://[::1/cb",
        "https://m.example/" + "a" * 2000,
        "https://m.example;sandbox/cb",
        "https://m.example,evil.example/cb",
        "https://m.example'/cb",
        "https://m%2eexample/cb",
        f"https://{'a' * 241}/cb",
    ],
)
@pytest.mark.parametrize("loopback", [True, False])
def test_a_redirect_uri_that_could_lead_elsewhere_is_refused(house: House, uri: str, loopback: bool) -> None:
    with pytest.raises(InvalidRequest):
        store(house, replace(GOOD, redirect_uris=("https://m.example/cb", uri)), loopback=loopback)


@pytest.mark.parametrize("uri", ["http://localhost:4199/cb", "http://127.0.0.1/cb", "http://[::1]:80/cb"])
@pytest.mark.fapi(24)
def test_plain_http_is_for_loopback_in_a_sandbox_only(house: House, uri: str) -> None:
    assert store(house, replace(GOOD, redirect_uris=(uri,)), loopback=True)
    with pytest.raises(InvalidRequest):
        store(house, replace(GOOD, redirect_uris=(uri,)))


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"purposes": ("advertising",), "default_purpose": None}, PolicyRefused, "purpose-forbidden"),
        ({"purposes": ("chat_banking", "no_such")}, PolicyRefused, "purpose-forbidden"),
        ({"purposes": ("balance_check",), "scopes": ("transactions",)}, PolicyRefused, "category-not-granted"),
        ({"purposes": (), "default_purpose": None}, PolicyRefused, "category-not-granted"),
        ({"scopes": ("thoughts",)}, PolicyRefused, "category-not-granted"),
        ({"default_purpose": "balance_check"}, InvalidRequest, "invalid-request"),
        ({"name": "  "}, InvalidRequest, "invalid-request"),
    ],
)
def test_a_registration_that_the_policies_forbid_is_refused(
    house: House, changes: dict[str, Any], error: type[Exception], code: str
) -> None:
    with pytest.raises(error, match=code):
        store(house, replace(GOOD, id="newcomer", **changes))
    with house.database.read() as session:
        assert find(session, "newcomer") is None


def test_a_removed_platform_is_found_no_more_and_its_id_is_not_used_again(house: House) -> None:
    store(house, GOOD)
    with house.database.write() as session:
        session.get_one(PlatformRow, GOOD.id).removed_at = house.watch()
    with house.database.read() as session:
        assert find(session, GOOD.id) is None
        assert names(session) == {"messenger": "Messenger"}
    with pytest.raises(InvalidRequest, match="not used again"):
        store(house, GOOD)


@pytest.mark.parametrize(
    ("option", "accepted"),
    [
        ("request_object_signing_alg", {"PS256", "ES256", "EdDSA", "Ed25519"}),
        ("authorization_signed_response_alg", {"ES256"}),
        ("introspection_signed_response_alg", {"ES256"}),
    ],
)
def test_only_algorithms_that_are_served_can_be_registered(house: House, option: str, accepted: set[str]) -> None:
    for name in (*ALGORITHMS, "none", "HS256", "RS256", "ES384", "es256", ""):
        chosen = replace(GOOD, options=Options(**{option: name}))
        if name in accepted:
            store(house, chosen)
            with house.database.read() as session:
                assert getattr(find(session, GOOD.id).options, option) == name
        else:
            with pytest.raises(InvalidRequest, match=option):
                store(house, chosen)


def test_a_client_of_the_kind_bank_names_its_bank(house: House) -> None:
    with pytest.raises(InvalidRequest, match="names the bank"):
        store(house, replace(GOOD, kind=PlatformKind.BANK))
    with pytest.raises(InvalidRequest, match="names the bank"):
        store(house, replace(GOOD, bank_id="harbor"))
    store(house, replace(GOOD, kind=PlatformKind.BANK, bank_id="harbor"))


@pytest.mark.parametrize(
    "scope", ["balances", "GRANT_MANAGEMENT_QUERY", "grant_management_query grant_management_revoke"]
)
def test_no_client_is_registered_for_a_scope_of_people_as_its_own(house: House, scope: str) -> None:
    with pytest.raises(InvalidRequest, match="for itself"):
        store(house, replace(GOOD, options=Options(machine_scopes=(scope,))))


def store_bank(house: House, bank: banks.Bank) -> None:
    with house.database.write() as session:
        banks.add(session, bank, house.watch())


def test_banks_are_stored_replaced_and_listed_by_name(house: House) -> None:
    store_bank(house, BANK)
    store_bank(house, replace(BANK, id="aber", name="Aber Bank"))
    store_bank(house, replace(BANK, client_id="new"))
    with house.database.read() as session:
        assert [bank.name for bank in banks.all_banks(session)] == ["Aber Bank", "Harbor Bank"]
        assert banks.find(session, "harbor") == replace(BANK, client_id="new")
        assert banks.find(session, "nobody") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "operator"},
        {"id": "X"},
        {"id": "Harbor"},
        {"id": "har/bor"},
        {"id": "h" * 41},
        {"name": " "},
        {"client_id": ""},
        {"issuer": "b.example"},
        {"issuer": "ftp://b.example"},
        {"issuer": "https://"},
        {"api_base": "https://b.example?x=1"},
        {"api_base": "https://b.example#x"},
        {"api_base": ""},
    ],
    ids=str,
)
def test_a_bank_that_cannot_be_used_is_refused(house: House, changes: dict[str, str]) -> None:
    with pytest.raises(InvalidRequest):
        store_bank(house, replace(BANK, **changes))
