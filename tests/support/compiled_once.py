"""What is compiled once in a test run: every test has a database and an application of its own, all of them alike.

Templates, statements and addresses come out of the compilers of others, and the same ones come out the same.
"""

from collections.abc import Callable
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

_STATEMENTS = 5_000


class _Templates(BytecodeCache):
    """Keeps what was compiled in memory; a template whose text is another one is compiled anew."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


class _Address(Rule):
    """Shares the functions that write an address of this form; where a part has a default they are its own."""

    _kept: dict[Any, Callable[..., tuple[str, str]]] = {}  # noqa: RUF012 - shared on purpose

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        if self.defaults:
            return super()._compile_builder(append_unknown)
        form = (self.rule, tuple(self._trace), append_unknown)
        if form not in self._kept:
            self._kept[form] = super()._compile_builder(append_unknown)
        return self._kept[form]


def compile_once() -> None:
    """Let all applications and databases that are made from now on share what is compiled for them."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": _Templates()}
    Flask.url_rule_class = _Address
    statements: Any = LRUCache(_STATEMENTS)
    Engine._compiled_cache = property(lambda _: statements, lambda _engine, _own: None)  # type: ignore[assignment] # replaced on purpose
    # Statements are kept by the dialect they were compiled for, and every engine has an object of its own.
    DefaultDialect.__hash__ = lambda dialect: hash(type(dialect))  # type: ignore[method-assign] # replaced on purpose
    DefaultDialect.__eq__ = _is_alike  # type: ignore[method-assign, assignment] # replaced on purpose


def _is_alike(one: DefaultDialect, other: object) -> bool:
    return type(one) is type(other) and one.server_version_info == other.server_version_info  # type: ignore[attr-defined] # each dialect has it
