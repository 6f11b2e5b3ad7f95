"""What another machine answered, wholly in memory and within its size limit."""

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn

from broker.errors import BankInvalidAnswer


@dataclass(frozen=True, slots=True)
class Answer:
    """One complete answer. `headers` has lower-case names; `body` is decoded (never compressed)."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Parse the body as JSON (RFC 8259), fractions as `Decimal`.

        Raises: BankInvalidAnswer when it is not labelled JSON, not UTF-8, not JSON, too deep, or names a member twice.
        """
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise BankInvalidAnswer("The bank's answer is not JSON.")
        try:
            return json.loads(
                self.body.decode("utf-8"),
                parse_float=Decimal,
                parse_constant=_no_constant,
                object_pairs_hook=_unique_members,
            )
        # Besides bad syntax: invalid UTF-8, integers of thousands of digits, nesting deeper than the stack.
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise BankInvalidAnswer("The bank's answer is not JSON.") from error


def _no_constant(name: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python's parser would let through (RFC 8259 §6)."""
    raise ValueError(name)


def _unique_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that stands twice: two readers could take different values (RFC 8259 §4)."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate member")
    return members
