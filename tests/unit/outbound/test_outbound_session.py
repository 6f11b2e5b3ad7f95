"""A library's requests session, once guarded, has no other way out; and certificates are checked by name."""

import datetime as dt
import ipaddress
import ssl
import time
from pathlib import Path

import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from broker.clock import system_clock
from broker.errors import BankInvalidAnswer, BankUnavailable
from broker.outbound import OutboundClient, OutboundSession, guard
from tests.support.raw_server import RawServer, answering, serving


def client_of(server: RawServer, tls: ssl.SSLContext | None = None) -> OutboundClient:
    return OutboundClient(server.allowed, 2.0, 100_000, time.monotonic, tls=tls, jitter=lambda: 0.0)


def test_a_session_returns_ordinary_responses() -> None:
    with serving(answering(b'{"issuer": "x"}')) as server, OutboundSession(client_of(server), "bank") as session:
        response = session.get(server.url("/.well-known/openid-configuration"), timeout=1)
        assert response.ok
        assert response.json() == {"issuer": "x"}
        assert response.headers["Content-Type"] == "application/json"


def test_a_session_posts_forms_once() -> None:
    with serving(answering()) as server, OutboundSession(client_of(server), "bank") as session:
        session.post(server.url("/token"), data={"a": "b"}, timeout=1)
        assert server.requests[0].endswith(b"\r\n\r\na=b")
        assert server.requests[0].lower().count(b"content-length") == 1


def test_a_session_follows_no_redirect_and_keeps_no_cookie() -> None:
    redirect = answering(status="302 Found", headers=("Location: /elsewhere",))
    with serving(redirect) as server, OutboundSession(client_of(server), "bank") as session:
        with pytest.raises(BankInvalidAnswer):
            session.get(server.url(), timeout=1)
        server.behaviour = answering(headers=("Set-Cookie: a=b",))
        session.get(server.url(), timeout=1)
        assert not session.cookies
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "https://10.0.0.1/", "ftp://bank.example/", "https://2130706433/"]
)
def test_a_session_refuses_what_the_client_refuses(url: str) -> None:
    session = OutboundSession(OutboundClient(frozenset(), 1.0, 1000, time.monotonic), "bank")
    with pytest.raises((BankUnavailable, requests.exceptions.InvalidURL)):
        session.get(url, timeout=1)


def test_authlibs_session_works_when_guarded() -> None:
    token = b'{"access_token": "t", "token_type": "Bearer", "expires_in": 600}'
    with serving(answering(token)) as server:
        session = OAuth2Session(client_id="broker", token_endpoint_auth_method="none")
        guard(session, client_of(server), "bank")
        fetched = session.fetch_token(server.url("/token"), grant_type="authorization_code", code="c")
        assert fetched["access_token"] == "t"
        with pytest.raises(BankUnavailable):
            session.fetch_token(f"http://127.0.0.2:{server.port}/token", grant_type="authorization_code", code="c")


def test_https_needs_a_certificate_of_the_very_name(tmp_path: Path) -> None:
    server_side, client_side = tls_pair(tmp_path)
    with serving(answering(), server_side) as server:
        trusting = client_of(server, client_side)
        assert trusting.get(server.url(scheme="https"), {}, breaker="bank").status == 200
        # The same server and authority under a name that its certificate does not bear.
        with pytest.raises(BankUnavailable):
            trusting.get(server.url(scheme="https", host="127.0.0.1"), {}, breaker="bank")
        with pytest.raises(BankUnavailable):
            client_of(server).get(server.url(scheme="https"), {}, breaker="bank")


def tls_pair(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.9"))])
    now = system_clock()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(pem)
    text = certificate.public_bytes(serialization.Encoding.PEM).decode()
    return server_side, ssl.create_default_context(cadata=text)
