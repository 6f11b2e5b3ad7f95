"""Pausing, resuming and stopping from My sharing: what a form intends, what it will mean, what has happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import fields
from marshmallow.validate import Equal, Length

from broker.audit.vocabulary import Appended
from broker.errors import ConsentRefused, InvalidRequest, LogUnavailable, NotFound, StorageUnavailable
from broker.grants.acts import Actor
from broker.grants.service import Grants, Part
from broker.web.cards import Act, Card, Piece, acts_on_all
from broker.web.formats import days, inside
from broker.web.forms import Form

EVERYTHING = "all"
_NOT_DONE = (
    "This was not done: it cannot be written down at the moment, and without that it does not count. "
    "Please try again, and look at My sharing for what holds."
)


class StopForm(Form):
    """The fields of every form of My sharing, and of the page that asks again."""

    must_not_be_empty = frozenset({"category", "account"})

    grant = fields.String(required=True, validate=Length(max=36))
    category = fields.String(load_default=None, validate=Length(1, 40))
    account = fields.String(load_default=None, validate=Length(1, 64))
    action = fields.Enum(Act, by_value=True, required=True)
    confirm = fields.String(load_default=None, validate=Equal("yes"))


@dataclass(frozen=True, slots=True)
class Intention:
    """What the person wants to do: with everything (`card` is None), one grant, or one piece of it."""

    act: Act
    card: Card | None
    piece: Piece | None = None
    category: str | None = None
    account: str | None = None

    @property
    def grant(self) -> str:
        """Return what the form's field `grant` says."""
        return self.card.grant.id if self.card else EVERYTHING


def intention_among(cards: Sequence[Card], sent: dict[str, Any]) -> Intention:
    """Find what a form is about among the person's own cards.

    Raises:
        InvalidRequest: the form names a category and an account, or a part of everything.
        NotFound: not a grant of this person, or no such part.
        ConsentRefused: it cannot be done now.
    """
    act, category, account = sent["action"], sent["category"], sent["account"]
    if (category and account) or ((category or account) and sent["grant"] == EVERYTHING):
        raise InvalidRequest("A form can be about one kind of data or one account of one permission.")
    if sent["grant"] == EVERYTHING:
        _check(act, acts_on_all(cards))
        return Intention(act, None)
    card = next((card for card in cards if card.grant.id == sent["grant"]), None)
    if card is None:
        raise NotFound("There is no such permission among yours.")
    piece = card.piece(category, account)
    if piece is None and (category or account):
        raise NotFound("This permission has no such part.")
    _check(act, piece.acts if piece else card.acts)
    return Intention(act, card, piece, category, account)


def carry_out(grants: Grants, actor: Actor, intended: Intention) -> tuple[Appended, ...]:
    """Do what was confirmed and return where it stands in the log; it counts for the very next call.

    Raises:
        ConsentRefused: something has changed meanwhile.
        LogUnavailable: or StorageUnavailable; the person is told that it was not done.
    """
    try:
        return _carry_out(grants, actor, intended)
    except (LogUnavailable, StorageUnavailable) as error:
        raise type(error)(_NOT_DONE, code=error.code) from error


def _carry_out(grants: Grants, actor: Actor, intended: Intention) -> tuple[Appended, ...]:
    if intended.card is None:
        on_all = {Act.PAUSE: grants.pause_all, Act.RESUME: grants.resume_all, Act.REVOKE: grants.revoke_all}
        return on_all[intended.act](actor)
    act = {Act.PAUSE: grants.pause, Act.RESUME: grants.resume, Act.REVOKE: grants.revoke}[intended.act]
    return act(actor, intended.card.grant.id, Part(intended.category, intended.account))


def question(intended: Intention) -> str:
    """Ask whether it is meant."""
    verb = {Act.PAUSE: "Pause", Act.RESUME: "Resume", Act.REVOKE: "Stop"}[intended.act]
    return f"{verb} sharing {_what(intended)} with {intended.card.platform if intended.card else 'all apps'}?"


def consequence(intended: Intention) -> list[str]:
    """Say what will happen, before it does."""
    lines = [
        {
            Act.PAUSE: f"{_cannot_see(intended)} from now on, until you resume.",
            Act.RESUME: f"{_can_see(intended)} again, as you allowed before.",
            Act.REVOKE: f"{_cannot_see(intended)} any more. This is for good: it starts again only if an app "
            "asks anew and you allow it.",
        }[intended.act]
    ]
    if intended.act is Act.REVOKE and intended.piece is not None and _is_last(intended):
        lines.append("Nothing else is left in this permission, so all of it stops.")
    if intended.act is Act.REVOKE and intended.card is not None:
        kept = days(intended.card.grant.terms.data_life_days)
        lines.append(f"{intended.card.platform} promised to delete what it has already received within {kept}.")
    return lines


def done(intended: Intention) -> str:
    """Say what has happened."""
    return {
        Act.PAUSE: f"Paused. {_cannot_see(intended)} until you resume.",
        Act.RESUME: f"{_can_see(intended)} again.",
        Act.REVOKE: f"{intended.card.platform} can no longer see {_what(intended)}."
        if intended.card
        else "No app can see your bank data any more.",
    }[intended.act]


def _cannot_see(intended: Intention) -> str:
    who = f"{intended.card.platform} cannot" if intended.card else "No app can"
    return f"{who} see {_what(intended)}"


def _can_see(intended: Intention) -> str:
    return f"{intended.card.platform if intended.card else 'Your apps'} can see {_what(intended)}"


def _what(intended: Intention) -> str:
    if intended.card is None:
        return "your bank data"
    if intended.piece is None:
        return f"your data at {intended.card.bank}"
    return f"the account {intended.piece.title}" if intended.account else inside(intended.piece.title)


def _is_last(intended: Intention) -> bool:
    if intended.card is None:
        return False
    parts = intended.card.accounts if intended.account else intended.card.categories
    return sum(1 for part in parts if part.acts) == 1


def _check(act: Act, possible: Sequence[Act]) -> None:
    if act not in possible:
        raise ConsentRefused("This has been done already, or cannot be done now.", code="grant-unchanged")
