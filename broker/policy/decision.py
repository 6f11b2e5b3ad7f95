"""A decision is a value: the reasons to refuse that were found, and the digest of the policies that found them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

OWN_RULES: Final = "release."
"""How the ids of the broker's own rules begin, of which no policy file decides."""

_MOST_CODES = 2  # an entry has 1 KB, also with long ids


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to refuse: stable `code`, the `rule` that says so, and `text` for people."""

    code: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one question to the policies. Allowed means that no reason to refuse was found.

    `context` is what was judged, in JSON's values: with the policies of that digest it can be judged again.
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
        """Return the codes of all reasons, in the order found, each once."""
        return list(dict.fromkeys(reason.code for reason in self.reasons))

    @property
    def leading_codes(self) -> tuple[str, ...]:
        """Return the codes that a log entry has room for; all rules that refused stand among its details."""
        return tuple(self.codes[:_MOST_CODES])

    def details(self) -> dict[str, Any]:
        """Return what the log keeps among an entry's details: what was asked and, of a refusal, what was told."""
        kept: dict[str, Any] = {"context": dict(self.context)} if self.context else {}
        return kept | (
            {"rules": [{"rule": reason.rule, "text": reason.text} for reason in self.reasons]} if self.reasons else {}
        )
