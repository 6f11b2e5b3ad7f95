"""Runs the statements of a platform's call: written down once, and then without SQLAlchemy's work for each run.

A run costs the driver's time and little more (10-performance: Core costs several times as much). Failures take the
way of every other statement's: what a broken connection or a full disk leads to is decided in one place.
"""

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import CompoundSelect, Connection, Dialect, Executable, literal_column, null, union_all
from sqlalchemy import cast as cast_to
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Session
from sqlalchemy.sql import Insert, Select
from sqlalchemy.sql.compiler import SQLCompiler

_CURSOR, _CONNECTION = "cursor of prepared statements", "connection of prepared statements"
Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Plain:
    """A transaction in which nothing but prepared statements runs: nothing of the ORM is set up for it, nor torn down.

    `info` lives as long as the transaction. A failure ends it: nobody catches one inside the block.
    """

    _connection: Connection
    info: dict[Any, Any] = field(default_factory=dict)

    def connection(self) -> Connection:
        """Return the connection, inside its transaction.

        Raises:
            InvalidRequestError: the transaction has ended or failed.
        """
        if not self._connection.in_transaction():
            raise InvalidRequestError("This transaction is over.")
        return self._connection

    @contextmanager
    def orm(self) -> Iterator[Session]:
        """Open a session of the ORM within this transaction, for what is seldom done; it ends with the transaction."""
        with Session(self.connection(), expire_on_commit=False, join_transaction_mode="rollback_only") as session:
            yield session
            session.flush()


Transaction = Session | Plain
"""Where prepared statements run: a session of the ORM, or a transaction for them alone."""


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement in the words of one driver. `order` is that of the values where they have no names."""

    sql: str
    order: tuple[str, ...] | None
    fixed: Mapping[str, Any]
    into: tuple[tuple[str, Converter], ...]


@dataclass(frozen=True, slots=True)
class _Shape:
    """How a row comes out: a tuple with names, and what turns the driver's values into ours."""

    make: Callable[[Sequence[Any]], Any]
    out_of: tuple[tuple[int, Converter], ...]

    def row(self, found: Sequence[Any]) -> Any:
        """Return the driver's row as ours."""
        if not self.out_of:
            return self.make(found)
        values = list(found)
        for place, convert in self.out_of:
            values[place] = convert(values[place])
        return self.make(values)


class Prepared:
    """One statement that is built once and run often.

    Its values are given by the names of its `bindparam`s, or by those of the columns of an INSERT. Rows have the names
    of the columns. Give a mapping by dialect where the databases need different words.
    """

    def __init__(self, statement: Executable | Mapping[str, Executable]) -> None:
        self._statement = statement
        self._texts: dict[str, _Text] = {}
        self._shapes: dict[str, _Shape] = {}

    def first(self, session: Transaction, **values: Any) -> Any:
        """Return the first row, None when there is none."""
        cursor, dialect = self._run(session, values)
        # All of them: a statement that is not at its end would keep SQLite's view of the database as it is now.
        found = cursor.fetchall()
        return self._shape(dialect, cursor).row(found[0]) if found else None

    def all(self, session: Transaction, **values: Any) -> list[Any]:
        """Return all rows."""
        cursor, dialect = self._run(session, values)
        found = cursor.fetchall()
        row = self._shape(dialect, cursor).row if found else None
        return [row(one) for one in found] if row is not None else []

    def change(self, session: Transaction, **values: Any) -> int:
        """Run what changes rows; return how many."""
        return int(self._run(session, values)[0].rowcount)

    def change_each(self, session: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run what changes rows, once for each set of values."""
        if len(rows) == 1:
            self.change(session, **rows[0])
        elif rows:
            connection = _connection(session)
            text = self._text(connection.dialect, rows[0])
            _executed(connection, text.sql, [_given(text, values) for values in rows], is_many=True)

    def _run(self, session: Transaction, values: Mapping[str, Any]) -> tuple[Any, Dialect]:
        connection = _connection(session)
        text = self._text(connection.dialect, values)
        return _executed(connection, text.sql, _given(text, values)), connection.dialect

    def _text(self, dialect: Dialect, values: Mapping[str, Any]) -> _Text:
        found = self._texts.get(dialect.name)
        if found is None:
            found = self._texts[dialect.name] = _compiled(self._of(dialect), dialect, values)
        return found

    def _shape(self, dialect: Dialect, cursor: Any) -> _Shape:
        found = self._shapes.get(dialect.name)
        if found is None:
            found = self._shapes[dialect.name] = _shape_of(self._of(dialect), dialect, cursor.description)
        return found

    def _of(self, dialect: Dialect) -> Executable:
        return self._statement[dialect.name] if isinstance(self._statement, Mapping) else self._statement


def rows_of_several(**parts: Select[Any]) -> CompoundSelect[Any]:
    """Return one statement for the rows of several tables, in no order.

    A row has the columns of all, None where its own table has none of that name, and in `part` the name that was
    given here. Columns of one name must be of one kind.
    """
    kinds = {column.name: column.type for one in parts.values() for column in one.selected_columns}
    filled = []
    for name, one in parts.items():
        own = {column.name: column for column in one.selected_columns}
        columns = [own.get(key, cast_to(null(), kind).label(key)) for key, kind in kinds.items()]
        filled.append(one.order_by(None).with_only_columns(literal_column(f"'{name}'").label("part"), *columns))
    return union_all(*filled)


def run(connection: Connection, sql: str) -> None:
    """Run a statement without values or rows, such as BEGIN or a savepoint."""
    _executed(connection, sql, ())


def _connection(session: Transaction) -> Connection:
    """Return the session's connection, to which all that the session has changed so far was sent.

    It stays the same one throughout a transaction: to ask the session each time costs more than most statements. With
    a transaction that has ended, or failed, the session is asked, and says so.
    """
    if isinstance(session, Plain):
        return session.connection()
    session.flush()
    known: Connection | None = session.info.get(_CONNECTION)
    if known is None or not session.is_active or not known.in_transaction():
        known = session.info[_CONNECTION] = session.connection()
    return known


def _executed(connection: Connection, sql: str, given: Any, *, is_many: bool = False) -> Any:
    watchers = connection.dispatch.before_cursor_execute
    try:
        proxied = connection.connection
        # One cursor for each connection: every statement is done with when the next one comes.
        cursor = proxied.info.get(_CURSOR) or proxied.info.setdefault(_CURSOR, proxied.cursor())
        for watch in watchers or ():
            watch(connection, cursor, sql, given, None, is_many)
        (cursor.executemany if is_many else cursor.execute)(sql, given)
    except connection.dialect.loaded_dbapi.Error as error:
        # The engine's own way for failures: its listeners end the process when an fsync was lost, forget broken
        # connections, and translate the error. There is no public door to it.
        connection._handle_dbapi_exception(error, sql, None, None, None)  # noqa: SLF001
    return cursor


def _given(text: _Text, values: Mapping[str, Any]) -> Any:
    given = {**text.fixed, **values}
    for name, convert in text.into:
        given[name] = convert(given[name])
    return given if text.order is None else tuple([given[name] for name in text.order])


def _compiled(statement: Executable, dialect: Dialect, values: Mapping[str, Any]) -> _Text:
    columns = list(values) if isinstance(statement, Insert) else None
    compiled = cast("SQLCompiler", statement.compile(dialect=dialect, column_keys=columns))  # type: ignore[attr-defined]  # every statement that runs can be compiled
    into = {}  # by name: a value that stands in two places is converted once
    for parameter, name in compiled.bind_names.items():
        convert = parameter.type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            into[name] = convert
    fixed = {name: value for name, value in compiled.params.items() if name not in values}
    order = tuple(compiled.positiontup) if compiled.positiontup is not None else None
    return _Text(compiled.string, order, fixed, tuple(into.items()))


def _shape_of(statement: Executable, dialect: Dialect, description: Sequence[Sequence[Any]]) -> _Shape:
    columns = list(cast("Select[Any] | Insert", statement).exported_columns)
    named = namedtuple("Row", [str(column.key) for column in columns], rename=True)  # type: ignore[misc]  # noqa: PYI024 - the names are those of the statement
    out_of = []
    for place, (column, described) in enumerate(zip(columns, description, strict=True)):
        convert = column.type.dialect_impl(dialect).result_processor(dialect, described[1])
        if convert is not None:
            out_of.append((place, convert))
    return _Shape(named._make, tuple(out_of))
