"""What a consent is, in a few lines: the model that the simulation holds the product against."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from broker.policy.terms import Terms

UNCLAIMED = timedelta(minutes=10)
_FROM = {"pause": {"ACTIVE"}, "resume": {"PAUSED"}, "revoke": {"ACTIVE", "PAUSED"}}
_TO = {"pause": "PAUSED", "resume": "ACTIVE", "revoke": "REVOKED"}


@dataclass(frozen=True)
class Consent:
    """One request and what became of it. `category` and `account` states are ACTIVE, PAUSED or REVOKED."""

    bank: str
    asked: Terms
    expires_at: datetime
    status: str = "AWAITING_AUTHORISATION"
    terms: Terms | None = None
    authorised_at: datetime | None = None
    is_claimed: bool = False
    categories: Mapping[str, str] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)

    def status_at(self, now: datetime) -> str:
        if self.status in {"REVOKED", "REJECTED", "EXPIRED"}:
            return self.status
        unclaimed = self.authorised_at is not None and not self.is_claimed and self.authorised_at + UNCLAIMED <= now
        return "EXPIRED" if self.expires_at <= now or unclaimed else self.status

    def approved(self, terms: Terms, accounts: tuple[str, ...], now: datetime) -> "Consent":
        return replace(
            self,
            status="ACTIVE",
            terms=terms,
            authorised_at=now,
            expires_at=now + timedelta(days=terms.duration_days or 0),
            categories=dict.fromkeys(terms.category_names, "ACTIVE"),
            accounts=dict.fromkeys(accounts, "ACTIVE"),
        )

    def amended(self, terms: Terms, accounts: tuple[str, ...], now: datetime) -> "Consent":
        """Hold these terms and accounts from now on; what is paused stays so, and nothing else stays."""
        return replace(
            self,
            status="ACTIVE",
            terms=terms,
            expires_at=now + timedelta(days=terms.duration_days or 0),
            categories={name: _kept(self.categories, name) for name in terms.category_names},
            accounts={name: _kept(self.accounts, name) for name in accounts},
        )

    def standing(self) -> Terms:
        """The terms without what was ended for good, at the bank of the consent."""
        terms = self.terms or self.asked
        kept = tuple(term for term in terms.categories if self.categories.get(term.name) != "REVOKED")
        return replace(terms, categories=kept, bank=self.bank)

    def acted(self, act: str, part: str, now: datetime) -> "Consent | None":
        """What an act makes of it; None when it is refused. `part` is a category, an account or empty."""
        status = self.status_at(now)
        if status not in {"ACTIVE", "PAUSED"}:
            return None
        if not part:
            return replace(self, status=_TO[act]) if status in _FROM[act] else None
        states = self.categories if part in self.categories else self.accounts
        if states.get(part) not in _FROM[act]:
            return None
        changed = {**states, part: _TO[act]}
        became = replace(self, **{"categories" if states is self.categories else "accounts": changed})
        return replace(became, status="REVOKED") if set(changed.values()) == {"REVOKED"} else became

    def live_accounts(self) -> set[str]:
        return {name for name, state in self.accounts.items() if state == "ACTIVE"}

    def lets_out(self, category: str, account: str | None, now: datetime) -> bool:
        """Say whether the category of this account (None: of all) may leave now."""
        live = self.live_accounts()
        return (
            self.status_at(now) == "ACTIVE"
            and self.categories.get(category) == "ACTIVE"
            and (bool(live) if account is None else account in live)
        )


def _kept(states: Mapping[str, str], name: str) -> str:
    return "PAUSED" if states.get(name) == "PAUSED" else "ACTIVE"
