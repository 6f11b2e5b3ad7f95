"""Clients, tokens and codes of before the profile's options go on as they were, there and back."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from broker.crypto.digests import digest
from broker.platforms.service import PlatformKind, find
from broker.storage import schema
from broker.storage.engine import Database
from broker.tokens.codes import find_code
from broker.tokens.service import find_token
from tests.support.stores import Store

_NOW = datetime(2026, 7, 28, 9, tzinfo=UTC)
_AT = "2026-07-28 09:00:00"
_PLATFORM = (
    "INSERT INTO platforms (id, kind, name, jwks, redirect_uris, scopes, purposes, default_purpose, created_at) VALUES "
    "(:id, 'platform', 'Messenger', :jwks, '[\"https://m.example/cb\"]', '[\"balances\"]', '[]', NULL, :at)"
)
_TOKEN = (
    "INSERT INTO tokens (digest, kind, grant_id, platform_id, jkt, categories, issued_at, expires_at, ended_at) VALUES "
    "(:digest, 'access', 'g-1', 'messenger', 'k', '[\"balances\"]', :at, :at, NULL)"
)
_CODE = (
    "INSERT INTO codes (digest, grant_id, platform_id, redirect_uri, code_challenge, jkt, expires_at, used_at) VALUES "
    "(:digest, 'g-1', 'messenger', 'https://m.example/cb', 'c', NULL, :at, NULL)"
)
_TABLES = ("platforms", "tokens", "codes")


@pytest.fixture
def old(store: Store) -> Database:
    """A database of the revision before, with a platform, a token and a code."""
    database = Database(store.url)
    schema.downgrade(database, "0004")
    with database.write() as session:
        session.execute(text(_PLATFORM), {"id": "messenger", "jwks": '{"keys": [{"kid": "1"}]}', "at": _AT})
        session.execute(text(_TOKEN), {"digest": digest("bkr_at_1"), "at": _AT})
        session.execute(text(_CODE), {"digest": digest("bkr_ac_1"), "at": _AT})
    return database


def _rows(store: Store) -> dict[str, list[tuple[object, ...]]]:
    return {table: store.rows(f"SELECT * FROM {table} ORDER BY 1") for table in _TABLES}  # noqa: S608 - our own names


def test_what_was_there_goes_on_as_it_was(old: Database) -> None:
    schema.upgrade(old)
    with old.read() as session:
        platform = find(session, "messenger")
        token = find_token(session, "bkr_at_1")
        code = find_code(session, "bkr_ac_1", "messenger")
        assert session.execute(text("SELECT requires_nonce FROM tokens")).scalar_one() in (0, False)
        assert session.execute(text("SELECT amends FROM codes")).scalar_one() in (0, False)
    old.close()
    assert platform is not None
    assert (platform.kind, platform.jwks, platform.scopes) == (
        PlatformKind.PLATFORM,
        {"keys": [{"kid": "1"}]},
        ("balances",),
    )
    assert (platform.jwks_uri, platform.bank_id, platform.options.to_json()) == (None, None, {})
    assert token is not None
    assert (token.categories, token.expires_at) == (("balances",), _NOW)
    assert code is not None


def test_the_way_back_leaves_the_same_rows(old: Database, store: Store) -> None:
    before = _rows(store)
    schema.upgrade(old)
    schema.downgrade(old, "0004")
    assert _rows(store) == before
    schema.upgrade(old)
    old.close()


def test_the_way_back_revives_no_client(old: Database) -> None:
    schema.upgrade(old)
    with old.write() as session:
        session.execute(text(_PLATFORM), {"id": "a-bank", "jwks": '{"keys": [{"kid": "2"}]}', "at": _AT})
        session.execute(text("UPDATE platforms SET kind = 'bank' WHERE id = 'a-bank'"))
        session.execute(text("UPDATE platforms SET removed_at = :at WHERE id = 'messenger'"), {"at": _AT})
    schema.downgrade(old, "0004")
    with old.read() as session:
        kept = session.execute(text("SELECT id, jwks, redirect_uris FROM platforms")).all()
    old.close()
    assert [row.id for row in kept] == ["messenger"]
    assert "kid" not in str(kept[0].jwks)
    assert "https" not in str(kept[0].redirect_uris)
