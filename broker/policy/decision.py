"""A decision is a value: the reasons to refuse that were found, and the digest of the policies that found them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to refuse: stable `code`, the `rule` that says so, and `text` for people."""

    code: str
    rule: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one question to the policies. Allowed means that no reason to refuse was found."""

    policy_digest: str
    reasons: tuple[Reason, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Say whether no reason to refuse was found."""
        return not self.reasons

    @property
    def codes(self) -> list[str]:
        """Return the codes of all reasons, in the order found."""
        return [reason.code for reason in self.reasons]
