"""What My sharing shows of each grant: a card with its parts, their states in words and what can be done now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from broker.banks.facts import InForce
from broker.clock import rfc3339
from broker.grants.views import Grant, GrantedCategory
from broker.policy import Catalogue
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.web import switch_words
from broker.web.how_often import HowOften, how_often
from broker.web.parties import Names
from broker.web.present import Present, present
from broker.web.words import REASONS

_STALE_AFTER = timedelta(days=90)
_STATUS_WORDS = {
    GrantStatus.AWAITING_AUTHORISATION: "Waiting for you",
    GrantStatus.ACTIVE: "On",
    GrantStatus.PAUSED: "Paused",
    GrantStatus.SUSPENDED: "Turned off",
    GrantStatus.REVOKED: "Stopped",
    GrantStatus.EXPIRED: "Ended",
    GrantStatus.REJECTED: "Refused",
}
_STATE_WORDS = {
    ClusterState.ACTIVE: "On",
    ClusterState.PAUSED: "Paused",
    ClusterState.SUSPENDED: "Turned off",
    ClusterState.REVOKED: "Stopped",
}
_ON_HOLD = "On hold"  # a part that is on, of a grant that is not


class Act(StrEnum):
    """What a person can do with a grant or a part of it."""

    PAUSE = "pause"
    RESUME = "resume"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class Piece:
    """One category or one account of a grant. `steps` says in words how much of it is shared."""

    id: str
    title: str
    steps: str
    state: ClusterState
    words: str
    acts: tuple[Act, ...]
    use_count: int = 0
    last_use_at: datetime | None = None
    precision: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One grant with everything the person needs to judge it. `is_stale` means not used for 90 days.

    `off` says who has turned off what of it, when and why; `present` what the bank holds to now.
    """

    grant: Grant
    platform: str
    bank: str
    purpose: str
    words: str
    reason: str
    acts: tuple[Act, ...]
    categories: tuple[Piece, ...]
    accounts: tuple[Piece, ...]
    is_stale: bool
    off: tuple[str, ...]
    present: Present
    often: HowOften

    @property
    def is_past(self) -> bool:
        """Say whether the grant has ended for good."""
        return self.grant.status.is_final

    def piece(self, category: str | None, account: str | None) -> Piece | None:
        """Return the part that a form names; None when it names none or one that is not here."""
        parts = self.categories if account is None else self.accounts
        wanted = account or category
        return next((part for part in parts if part.id == wanted), None)


def cards_of(
    grants: Iterable[Grant], rules: Mapping[str, InForce], catalogue: Catalogue, names: Names, now: datetime
) -> list[Card]:
    """Build the cards of a person's grants; requests that nobody decided are no sharing.

    `rules` are the policies in force of each bank that a grant is with.
    """
    decided = (grant for grant in grants if grant.authorised_at is not None or grant.status is GrantStatus.REJECTED)
    return [_card(grant, rules[grant.bank_id], catalogue, names, now) for grant in decided]


def acts_on_all(cards: Iterable[Card]) -> tuple[Act, ...]:
    """Return what can be done with everything at once."""
    possible = {act for card in cards for act in card.acts}
    return tuple(act for act in Act if act in possible)


def as_json(card: Card) -> dict[str, Any]:
    """Return the card as JSON values: first the names that rows of the history have too, null where they do not fit."""
    grant = card.grant
    return {
        "grant_id": grant.id,
        "status": grant.status.value,
        "interaction_id": None,
        "event": None,
        "category": None,
        "platform": grant.platform_id,
        "platform_name": card.platform,
        "time": rfc3339(grant.authorised_at or grant.created_at),
        "decision": None,
        "reason": grant.status_code,
        "records": None,
        "bank": grant.bank_id,
        "purpose": grant.terms.purpose,
        "categories": [
            {
                "category": piece.id,
                "status": piece.state.value,
                "lastUse": rfc3339(piece.last_use_at) if piece.last_use_at else None,
                "useCount": piece.use_count,
                "detail": piece.detail,
                "precision": piece.precision,
            }
            for piece in card.categories
        ],
        "accounts": [
            {"account": piece.id, "label": piece.title, "status": piece.state.value} for piece in card.accounts
        ],
        "expires": rfc3339(grant.expires_at),
        "lastUse": rfc3339(grant.last_use_at) if grant.last_use_at else None,
        "useCount": grant.use_count,
    }


def _card(grant: Grant, rules: InForce, catalogue: Catalogue, names: Names, now: datetime) -> Card:
    is_final = grant.status.is_final
    used_at = grant.last_use_at or grant.authorised_at or grant.created_at
    purpose = catalogue.purposes.get(grant.terms.purpose)
    holds = present(grant, rules, catalogue)
    status = _shown_status(grant, holds)
    return Card(
        grant=grant,
        platform=names.platform(grant.platform_id),
        bank=names.bank(grant.bank_id),
        purpose=purpose.title if purpose else grant.terms.purpose,
        words=_STATUS_WORDS[status],
        reason=REASONS.get(grant.status_code, ""),
        acts=_acts_on_grant(grant.status),
        categories=tuple(_categories(grant, holds, catalogue, is_final=is_final)),
        accounts=tuple(
            Piece(a.account_id, a.label, "", a.state, _state_words(status, a.state), _acts(a.state, is_final=is_final))
            for a in grant.accounts
        ),
        is_stale=not is_final and used_at + _STALE_AFTER <= now,
        off=() if is_final else tuple(_off(grant, catalogue, names)),
        present=holds,
        often=how_often(catalogue, replace(grant.terms, frequency_per_day=holds.frequency_per_day)),
    )


def _shown_status(grant: Grant, holds: Present) -> GrantStatus:
    """Return the status to show: a bank that gives nothing of a grant has turned it off."""
    return GrantStatus.SUSPENDED if holds.is_whole and grant.status is GrantStatus.ACTIVE else grant.status


def _off(grant: Grant, catalogue: Catalogue, names: Names) -> Iterable[str]:
    standing = {granted.term.name for granted in grant.categories if granted.state is not ClusterState.REVOKED}
    for switch in switch_words.relevant(grant.switches, standing):
        yield switch_words.told(switch, names, catalogue)


def _categories(grant: Grant, holds: Present, catalogue: Catalogue, *, is_final: bool) -> Iterable[Piece]:
    for granted in grant.categories:
        term, category = granted.term, catalogue.categories.get(granted.term.name)
        steps = []
        if category is not None and term.detail is not None:
            steps.append(category.details.get(term.detail, term.detail.value))
        if category is not None and term.precision is not None:
            steps.append(category.precisions.get(term.precision, term.precision.value))
        yield Piece(
            id=term.name,
            title=category.title if category else term.name,
            steps=", ".join(steps),
            state=granted.state,
            words=_category_words(_shown_status(grant, holds), granted, holds),
            acts=_acts(granted.state, is_final=is_final),
            use_count=granted.use_count,
            last_use_at=granted.last_use_at,
            precision=term.precision,
            detail=term.detail,
        )


def _category_words(status: GrantStatus, granted: GrantedCategory, holds: Present) -> str:
    is_stopped = granted.term.name in holds.stopped and granted.state is ClusterState.ACTIVE
    return _state_words(status, ClusterState.SUSPENDED if is_stopped and not holds.is_whole else granted.state)


def _state_words(status: GrantStatus, state: ClusterState) -> str:
    is_held = state is ClusterState.ACTIVE and status is not GrantStatus.ACTIVE
    return _ON_HOLD if is_held else _STATE_WORDS[state]


def _acts_on_grant(status: GrantStatus) -> tuple[Act, ...]:
    if status in {GrantStatus.ACTIVE, GrantStatus.SUSPENDED}:
        return (Act.PAUSE, Act.REVOKE)
    return (Act.RESUME, Act.REVOKE) if status is GrantStatus.PAUSED else ()


def _acts(state: ClusterState, *, is_final: bool) -> tuple[Act, ...]:
    if is_final or state is ClusterState.REVOKED:
        return ()
    return (Act.RESUME if state is ClusterState.PAUSED else Act.PAUSE, Act.REVOKE)
