"""Cuts a Cedar file into its statements, so that a mistake is told with file, line and column: Cedar names none."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cedarpy import PolicySet, format_policies, pst

from broker.errors import ConfigurationInvalid
from broker.policy.bounds import refuse_unbounded

_PIECE = re.compile(r'//[^\n]*|"(?:[^"\\\n]|\\.)*"|[^;]', re.DOTALL)
_LEADING = re.compile(r"(?:\s|//[^\n]*(?:\n|$))*")
_UNEXPECTED = re.compile(r"unexpected token `(?P<token>.+)`", re.DOTALL)
_WIDTH, _INDENT = 120, 2


@dataclass(frozen=True, slots=True)
class Statement:
    """One policy as it stands in a file. `line` is where it begins, after its comments, counted from 1."""

    file: str
    line: int
    text: str

    @property
    def where(self) -> str:
        """Return the place to look at."""
        return f"{self.file}:{self.line}"


def statements(file: str, text: str) -> Iterator[Statement]:
    """Cut a file at the semicolons that end its policies; comments and strings hold none.

    Raises:
        ConfigurationInvalid: something stands behind the last policy.
    """
    start = position = 0
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is not None:
            position = piece.end()
            continue
        position += 1  # the semicolon
        begin = _begin(text, start)
        yield Statement(file, text.count("\n", 0, begin) + 1, text[begin:position])
        start = position
    rest = _begin(text, start)
    if rest < len(text):
        line = text.count("\n", 0, rest) + 1
        raise ConfigurationInvalid(f"{file}:{line}: this policy has no end: a `;` is missing")


def parsed(statement: Statement) -> PolicySet:
    """Read one statement.

    Raises:
        ConfigurationInvalid: it is no policy; the message names line and column where Cedar says which word is wrong.
            Or it is more than Cedar may be given.
    """
    refuse_unbounded(statement.where, statement.text)
    try:
        return PolicySet.from_str(statement.text)
    except ValueError as error:
        place = place_of(PolicySet.from_str, statement.file, statement.line, statement.text, str(error))
        raise ConfigurationInvalid(f"{place}: {error}") from error


def formatted(text: str) -> str:
    """Return the text of a Cedar file as Cedar's own formatter writes it.

    Raises:
        ConfigurationInvalid: it cannot be read.
    """
    for statement in statements("the file", text):
        refuse_unbounded(statement.where, statement.text)
    try:
        return format_policies(text, line_width=_WIDTH, indent_width=_INDENT).rstrip() + "\n"
    except ValueError as error:
        raise ConfigurationInvalid(str(error)) from error


def tree_of(policies: PolicySet, where: str) -> Mapping[str, pst.Template]:
    """Return the policies as Cedar understands them, by the names that it gives them.

    Raises:
        ConfigurationInvalid: a tree is deeper than Cedar can write it down.
    """
    try:
        return policies.to_pst().static_policies
    except ValueError as error:
        raise ConfigurationInvalid(f"{where}: {error}") from error


def _begin(text: str, start: int) -> int:
    found = _LEADING.match(text, start)
    return found.end() if found else start


def place_of(parse: Callable[[str], object], file: str, first_line: int, text: str, problem: str) -> str:
    """Find the word that Cedar stumbles over: the first of its kind with which the text before it goes wrong so."""
    unexpected = _UNEXPECTED.search(problem)
    words = re.finditer(re.escape(unexpected["token"]), text) if unexpected else ()
    for word in words:
        try:
            parse(text[: word.end()])
        except ValueError as error:
            if str(error) != problem:
                continue
            before = text[: word.start()]
            column = len(before) - (before.rfind("\n") + 1) + 1
            return f"{file}:{first_line + before.count(chr(10))}:{column}"
    return f"{file}:{first_line}"
