"""What My sharing shows of each grant: a card with its parts, their states in words and what can be done now."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from flask_babel import lazy_gettext

from broker.banks.facts import InForce
from broker.events.deliveries import Standing
from broker.grants.deletion_views import Deletion
from broker.grants.views import Grant, GrantedCategory
from broker.policy import Catalogue
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.web import deletion_words, endings, switch_words
from broker.web.endings import Ending, Label
from broker.web.how_often import HowOften, how_often
from broker.web.parties import Names
from broker.web.present import Present, present

_STALE_AFTER = timedelta(days=90)
SOON = timedelta(days=30)
"""From here on a permission is said to end soon; `URGENT` is the second time."""
URGENT = timedelta(days=7)
_STATUS_WORDS = {
    GrantStatus.ACTIVE: Label(lazy_gettext("On"), "on"),
    GrantStatus.PAUSED: Label(lazy_gettext("Paused"), "paused"),
    GrantStatus.SUSPENDED: Label(lazy_gettext("Turned off"), "turned"),
}
_STATE_WORDS = {
    ClusterState.ACTIVE: Label(lazy_gettext("On"), "on"),
    ClusterState.PAUSED: Label(lazy_gettext("Paused"), "paused"),
    ClusterState.SUSPENDED: Label(lazy_gettext("Turned off"), "turned"),
    ClusterState.REVOKED: Label(lazy_gettext("Stopped"), "stopped"),
}
_ON_HOLD = Label(lazy_gettext("On hold"), "hold")  # a part that is on, of a grant that is not


class Act(StrEnum):
    """What a person can do with a grant or a part of it."""

    PAUSE = "pause"
    RESUME = "resume"
    REVOKE = "revoke"


@dataclass(frozen=True, slots=True)
class Piece:
    """One category or one account of a grant. `steps` says in words how much of it is shared.

    `is_stale` means not used for 90 days, counted from its last use or, where there is none, from the day it was given.
    """

    id: str
    title: str
    steps: str
    state: ClusterState
    label: Label
    acts: tuple[Act, ...]
    use_count: int = 0
    last_use_at: datetime | None = None
    precision: str | None = None
    detail: str | None = None
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class After:
    """What came of a person's permissions, by grant: the newest request to delete, and what the app has confirmed.

    `gone` are the bank's ids of accounts that it said it has no longer.
    """

    deletions: Mapping[str, Deletion]
    standings: Mapping[str, Standing]
    gone: Mapping[str, Collection[str]]


@dataclass(frozen=True, slots=True)
class Card:
    """One grant with everything the person needs to judge it. `is_stale` means not used for 90 days.

    `off` says who has turned off what of it, when and why; `present` what the bank holds to now. `days_left` is told of
    a permission that ends soon, counted up to whole days. `standing` is whether the app has confirmed the last change,
    `gone` the accounts that the bank has no longer.
    """

    grant: Grant
    platform: str
    bank: str
    purpose: str
    label: Label
    reason: str
    acts: tuple[Act, ...]
    categories: tuple[Piece, ...]
    accounts: tuple[Piece, ...]
    is_stale: bool
    off: tuple[str, ...]
    present: Present
    often: HowOften
    days_left: int | None
    deletion: deletion_words.Told | None
    standing: Standing | None
    gone: tuple[str, ...]

    @property
    def may_ask_deletion(self) -> bool:
        """Say whether the app may have something of it that its person has not asked it to delete."""
        asked = self.deletion.deletion if self.deletion else None
        return not self.is_unused and (asked is None or not asked.covers(self.grant.last_use_at))

    @property
    def is_closed(self) -> bool:
        """Say whether the app gets nothing because its person, or time, has paused or ended it."""
        return self.is_past or self.grant.status is GrantStatus.PAUSED

    @property
    def is_unused(self) -> bool:
        """Say whether nothing of it was ever used."""
        return self.grant.use_count == 0

    @property
    def is_whole_off(self) -> bool:
        """Say whether nothing at all of it is given at the moment, though its person has not paused it."""
        return self.label is _STATUS_WORDS[GrantStatus.SUSPENDED]

    @property
    def is_urgent(self) -> bool:
        """Say whether it ends within the last warning's time."""
        return self.days_left is not None and self.days_left <= URGENT.days

    @property
    def ended_at(self) -> datetime:
        """Return when it ended; time ends it at its very end, whenever that was recorded."""
        return self.grant.expires_at if endings.ending_of(self.grant) is Ending.TIME else self.grant.status_at

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
    grants: Iterable[Grant],
    rules: Mapping[str, InForce],
    catalogue: Catalogue,
    names: Names,
    now: datetime,
    *,
    after: After,
) -> list[Card]:
    """Build the cards of a person's grants; requests that nobody decided are no sharing.

    `rules` are the policies in force of each bank that a grant is with.
    """
    decided = (grant for grant in grants if grant.authorised_at is not None or grant.status is GrantStatus.REJECTED)
    return [_card(grant, rules[grant.bank_id], catalogue, names, now, after=after) for grant in decided]


def acts_on_all(cards: Iterable[Card]) -> tuple[Act, ...]:
    """Return what can be done with everything at once."""
    possible = {act for card in cards for act in card.acts}
    return tuple(act for act in Act if act in possible)


def _card(grant: Grant, rules: InForce, catalogue: Catalogue, names: Names, now: datetime, *, after: After) -> Card:
    is_final = grant.status.is_final
    purpose = catalogue.purposes.get(grant.terms.purpose)
    deletion, platform = after.deletions.get(grant.id), names.platform(grant.platform_id)
    holds = present(grant, rules, catalogue)
    status = _shown_status(grant, holds)
    return Card(
        grant=grant,
        platform=platform,
        bank=names.bank(grant.bank_id),
        purpose=purpose.title if purpose else grant.terms.purpose,
        label=endings.label(grant) if is_final else _STATUS_WORDS[status],
        reason=endings.reason(grant),
        acts=_acts_on_grant(grant.status),
        categories=tuple(_categories(grant, holds, catalogue, now)),
        accounts=tuple(
            Piece(a.account_id, a.label, "", a.state, _label(status, a.state), _acts(a.state, is_final=is_final))
            for a in grant.accounts
        ),
        is_stale=not is_final and _is_stale(grant, grant.last_use_at, now),
        off=() if is_final else tuple(_off(grant, catalogue, names)),
        present=holds,
        often=how_often(catalogue, replace(grant.terms, frequency_per_day=holds.frequency_per_day)),
        days_left=_days_left(grant, now),
        deletion=None if deletion is None else deletion_words.told(deletion, platform),
        standing=after.standings.get(grant.id),
        gone=() if is_final else tuple(_gone(grant, after.gone.get(grant.id, ()))),
    )


def _gone(grant: Grant, refs: Collection[str]) -> Iterable[str]:
    return (one.label for one in grant.accounts if one.bank_ref in refs and one.state is not ClusterState.REVOKED)


def _is_stale(grant: Grant, last_use_at: datetime | None, now: datetime) -> bool:
    return (last_use_at or grant.authorised_at or grant.created_at) + _STALE_AFTER <= now


def _days_left(grant: Grant, now: datetime) -> int | None:
    """Count the days, begun ones too, until a permission ends; None when that is not soon, or was never to be long."""
    left = grant.expires_at - now
    if grant.status.is_final or grant.terms.duration_days is None or left > SOON:
        return None
    return -(-left // timedelta(days=1))


def _shown_status(grant: Grant, holds: Present) -> GrantStatus:
    """Return the status to show: a bank that gives nothing of a grant has turned it off."""
    return GrantStatus.SUSPENDED if holds.is_whole and grant.status is GrantStatus.ACTIVE else grant.status


def _off(grant: Grant, catalogue: Catalogue, names: Names) -> Iterable[str]:
    standing = {granted.term.name for granted in grant.categories if granted.state is not ClusterState.REVOKED}
    for switch in switch_words.relevant(grant.switches, standing):
        yield switch_words.told(switch, names, catalogue)


def _categories(grant: Grant, holds: Present, catalogue: Catalogue, now: datetime) -> Iterable[Piece]:
    is_final = grant.status.is_final
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
            label=_category_label(_shown_status(grant, holds), granted, holds),
            acts=_acts(granted.state, is_final=is_final),
            use_count=granted.use_count,
            last_use_at=granted.last_use_at,
            precision=term.precision,
            detail=term.detail,
            is_stale=not is_final
            and granted.state is not ClusterState.REVOKED
            and _is_stale(grant, granted.last_use_at, now),
        )


def _category_label(status: GrantStatus, granted: GrantedCategory, holds: Present) -> Label:
    is_stopped = granted.term.name in holds.stopped and granted.state is ClusterState.ACTIVE
    return _label(status, ClusterState.SUSPENDED if is_stopped and not holds.is_whole else granted.state)


def _label(status: GrantStatus, state: ClusterState) -> Label:
    if status.is_final:
        return _STATE_WORDS[ClusterState.REVOKED]  # nothing of what has ended is on hold, or goes on
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
