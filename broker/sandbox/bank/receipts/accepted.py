"""What the bank keeps of a receipt that it has accepted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Accepted:
    """Where the announcing entry stands, its hash (RFC 6962), and the accounts it is about (None: all they have)."""

    log: str
    number: int
    leaf_hash: bytes
    accounts: tuple[str, ...] | None
