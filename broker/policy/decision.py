"""A decision is a value: the reasons to refuse that were found, and the digest of the policies that found them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to refuse: stable `code`, the `rule` that says so, and `text` for people."""

    code: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one question to the policies. Allowed means that no reason to refuse was found.

    `context` is what a release was judged by, in JSON's values: with the policies of that digest it can be judged
    again.
    """

    policy_digest: str
    reasons: tuple[Reason, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_allowed(self) -> bool:
        """Say whether no reason to refuse was found."""
        return not self.reasons

    @property
    def codes(self) -> list[str]:
        """Return the codes of all reasons, in the order found."""
        return [reason.code for reason in self.reasons]
