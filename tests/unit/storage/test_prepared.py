"""Statements that are written down once: the same rows as by SQLAlchemy's own way, and the same end when they fail."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import bindparam, event, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, InvalidRequestError
from sqlalchemy.orm import Session

from broker.errors import StorageUnavailable
from broker.grants.models import GrantAccountRow, GrantRow
from broker.storage.base import table_of
from broker.storage.prepared import Plain, Prepared, rows_of_several, run
from broker.storage.single_use import SingleUse
from tests.support.core import House

_GRANTS, _ACCOUNTS, _VALUES = table_of(GrantRow), table_of(GrantAccountRow), table_of(SingleUse)
_GRANT = select(_GRANTS).where(_GRANTS.c.id == bindparam("of_grant"))
_KEPT = Prepared(insert(_VALUES))
_COUNT = Prepared(select(func.count().label("found")).select_from(_VALUES))
AT = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)


def value(name: bytes, at: datetime = AT) -> dict[str, object]:
    return {"namespace": "test", "digest": name.ljust(32), "expires_at": at}


def kept(session: Session) -> int:
    found: int = _COUNT.first(session).found
    return found


def test_a_row_is_the_one_that_core_reads_value_for_value(house: House) -> None:
    grant_id, prepared = house.approved(), Prepared(_GRANT)
    with house.database.read() as session:
        by_core = session.connection().execute(_GRANT, {"of_grant": grant_id}).one()
        for _ in range(2):
            assert prepared.first(session, of_grant=grant_id)._asdict() == by_core._asdict()
        assert prepared.first(session, of_grant="nothing") is None
        assert prepared.all(session, of_grant="nothing") == []


def test_several_rows_come_in_the_order_of_the_statement(house: House) -> None:
    grant_id = house.approved()
    ordered = select(_ACCOUNTS).where(_ACCOUNTS.c.grant_id == bindparam("of_grant")).order_by(_ACCOUNTS.c.position)
    with house.database.read() as session:
        by_core = session.connection().execute(ordered, {"of_grant": grant_id}).all()
        assert [tuple(row) for row in Prepared(ordered).all(session, of_grant=grant_id)] == [tuple(r) for r in by_core]


def test_what_the_session_has_changed_so_far_counts(house: House) -> None:
    grant_id = house.approved()
    with house.database.write() as session:
        session.get_one(GrantRow, grant_id).use_count = 41
        assert Prepared(_GRANT).first(session, of_grant=grant_id).use_count == 41


def test_a_value_that_stands_in_two_places_is_converted_once(house: House) -> None:
    later = (
        update(_VALUES)
        .where(_VALUES.c.expires_at < bindparam("at"))
        .values(expires_at=bindparam("at"), namespace=bindparam("named"))
    )
    with house.database.write() as session:
        _KEPT.change_each(session, [value(b"one"), value(b"two", AT + timedelta(days=1))])
        assert Prepared(later).change(session, at=AT + timedelta(hours=1), named="later") == 1
        found = session.scalars(select(SingleUse).where(SingleUse.namespace == "later")).one()
        assert found.expires_at == AT + timedelta(hours=1)


def test_a_naive_instant_is_refused_here_too(house: House) -> None:
    with house.database.write() as session, pytest.raises(TypeError):
        _KEPT.change(session, **value(b"naive", AT.replace(tzinfo=None)))


@pytest.mark.parametrize("many", [0, 1, 3])
def test_any_number_of_rows_is_changed(house: House, many: int) -> None:
    with house.database.write() as session:
        _KEPT.change_each(session, [value(secrets.token_bytes(16)) for _ in range(many)])
        assert kept(session) == many


def test_a_statement_that_fails_raises_what_sqlalchemy_raises_and_nothing_of_its_values(house: House) -> None:
    with pytest.raises(StorageUnavailable) as raised, house.database.write() as session:
        _KEPT.change_each(session, [value(b"canary"), value(b"canary")])
    assert isinstance(raised.value.__cause__, IntegrityError)
    assert "canary" not in str(raised.value.__cause__)
    with house.database.read() as session:
        assert kept(session) == 0


def test_nothing_runs_behind_a_failure_that_somebody_caught(house: House) -> None:
    def goes_on(session: Session) -> None:
        _KEPT.change(session, **value(b"before"))
        session.add_all([SingleUse(**value(b"twice")), SingleUse(**value(b"twice"))])
        with pytest.raises(IntegrityError):
            session.flush()
        _KEPT.change(session, **value(b"behind"))

    with pytest.raises(InvalidRequestError), house.database.write() as session:
        goes_on(session)
    with house.database.read() as session:
        assert kept(session) == 0


def test_each_transaction_of_a_session_has_its_own_connection(house: House) -> None:
    with Session(house.database.engine) as session:
        for name in (b"one", b"two"):
            _KEPT.change(session, **value(name))
            session.rollback()
        assert kept(session) == 0


def test_what_was_done_since_a_savepoint_is_undone_alone(house: House) -> None:
    with house.database.write() as session:
        _KEPT.change(session, **value(b"one"))
        run(session.connection(), "SAVEPOINT here")
        _KEPT.change(session, **value(b"two"))
        run(session.connection(), "ROLLBACK TO SAVEPOINT here")
        run(session.connection(), "RELEASE SAVEPOINT here")
    with house.database.read() as session:
        assert kept(session) == 1


def test_a_connection_that_broke_is_not_used_again(house: House, database: str) -> None:
    if database != "postgresql":
        pytest.skip("a file has no server that ends connections; tests/unit/storage/test_engine_sqlite.py has its ends")
    with pytest.raises(StorageUnavailable), house.database.write() as session:
        _ended_by_the_server(house, session)
    for _ in range(3):
        with house.database.read() as session:
            assert kept(session) == 0


def _ended_by_the_server(house: House, session: Session) -> None:
    own = session.scalar(text("SELECT pg_backend_pid()"))
    with house.database.read() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
    kept(session)


def test_who_watches_the_engine_sees_these_statements_too(house: House) -> None:
    seen: list[str] = []
    event.listen(house.database.engine, "before_cursor_execute", lambda *given: seen.append(given[2]))
    with house.database.read() as session:
        kept(session)
    assert any("count(" in one for one in seen)


def test_a_plain_transaction_reads_and_writes_the_same(house: House) -> None:
    with house.database.write_plain() as plain:
        _KEPT.change(plain, **value(b"one"))
        assert _COUNT.first(plain).found == 1
    for opened in (house.database.read_plain, house.database.look):
        with opened() as plain:
            assert _COUNT.first(plain).found == 1


def test_a_plain_transaction_that_raises_leaves_nothing(house: House) -> None:
    with pytest.raises(TypeError), house.database.write_plain() as plain:
        _KEPT.change_each(plain, [value(b"one"), value(b"naive", AT.replace(tzinfo=None))])
    with house.database.read_plain() as plain:
        assert _COUNT.first(plain).found == 0


def test_what_is_seldom_done_in_a_plain_transaction_ends_with_it(house: House) -> None:
    def noted(plain: Plain) -> None:
        with plain.orm() as session:
            session.add(SingleUse(**value(b"by the orm")))
        assert _COUNT.first(plain).found == 1

    with pytest.raises(StorageUnavailable), house.database.write_plain() as plain:
        _twice(noted, plain)
    with house.database.read_plain() as plain:
        assert _COUNT.first(plain).found == 0
    with house.database.write_plain() as plain:
        noted(plain)
    with house.database.read_plain() as plain:
        assert _COUNT.first(plain).found == 1


def _twice(act: Callable[[Plain], None], plain: Plain) -> None:
    act(plain)
    act(plain)


def test_a_plain_transaction_sees_one_moment_throughout(house: House) -> None:
    with house.database.read_plain() as plain:
        assert _COUNT.first(plain).found == 0
        with house.database.write_plain() as other:
            _KEPT.change(other, **value(b"one"))
        assert _COUNT.first(plain).found == 0


def test_nothing_runs_in_a_plain_transaction_that_is_over(house: House) -> None:
    with house.database.write_plain() as plain:
        _KEPT.change(plain, **value(b"one"))
    with pytest.raises(InvalidRequestError):
        _COUNT.first(plain)


def test_a_failure_in_a_plain_transaction_says_nothing_of_its_values(house: House) -> None:
    with pytest.raises(StorageUnavailable) as raised, house.database.write_plain() as plain:
        _KEPT.change_each(plain, [value(b"canary"), value(b"canary")])
    assert isinstance(raised.value.__cause__, IntegrityError)
    assert "canary" not in str(raised.value.__cause__)


def test_rows_of_several_tables_come_by_one_statement(house: House) -> None:
    grant_id = house.approved()
    both = Prepared(
        rows_of_several(grants=_GRANT, accounts=select(_ACCOUNTS).where(_ACCOUNTS.c.grant_id == bindparam("of_grant")))
    )
    with house.database.read_plain() as plain:
        found = both.all(plain, of_grant=grant_id)
        (grant,) = [row for row in found if row.part == "grants"]
        alone = Prepared(_GRANT).first(plain, of_grant=grant_id)
    assert {name: getattr(grant, name) for name in alone._fields} == alone._asdict()
    assert grant.sealed_account is None
    accounts = [row for row in found if row.part == "accounts"]
    assert {row.grant_id for row in accounts} == {grant_id}
    assert len(found) == 1 + len(accounts) > 1


def test_statements_stay_prepared_from_one_read_to_the_next(house: House, database: str) -> None:
    if database != "postgresql":
        pytest.skip("a file has no server that prepares statements")
    for _ in range(10):
        with house.database.read_plain() as plain:
            assert _COUNT.first(plain).found == 0
        with house.database.read() as session:
            assert kept(session) == 0
    with house.database.read() as session:
        known = session.scalars(text("SELECT statement FROM pg_prepared_statements"))
        assert len([one for one in known if "AS found" in one]) == 1
