"""Pausing, resuming and stopping from My sharing: what a form wishes, what it will mean, what has happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import fields
from marshmallow.validate import Equal, Length

from broker.errors import ConsentRefused, InvalidRequest, NotFound
from broker.grants.acts import Actor
from broker.grants.service import Grants, Part
from broker.web.cards import Act, Card, Piece, acts_on_all
from broker.web.formats import days, inside
from broker.web.forms import Form

EVERYTHING = "all"


class StopForm(Form):
    """The fields of every form of My sharing, and of the page that asks again."""

    grant = fields.String(required=True, validate=Length(max=36))
    category = fields.String(load_default=None, validate=Length(max=40))
    account = fields.String(load_default=None, validate=Length(max=64))
    action = fields.Enum(Act, by_value=True, required=True)
    confirm = fields.String(load_default=None, validate=Equal("yes"))


@dataclass(frozen=True, slots=True)
class Wish:
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


def wish_among(cards: Sequence[Card], sent: dict[str, Any]) -> Wish:
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
        return Wish(act, None)
    card = next((card for card in cards if card.grant.id == sent["grant"]), None)
    if card is None:
        raise NotFound("There is no such permission among yours.")
    piece = card.piece(category, account)
    if piece is None and (category or account):
        raise NotFound("This permission has no such part.")
    _check(act, piece.acts if piece else card.acts)
    return Wish(act, card, piece, category, account)


def carry_out(grants: Grants, actor: Actor, wish: Wish) -> None:
    """Do what was confirmed; it counts for the very next call.

    Raises:
        ConsentRefused: something has changed meanwhile.
    """
    if wish.card is None:
        {Act.PAUSE: grants.pause_all, Act.RESUME: grants.resume_all, Act.REVOKE: grants.revoke_all}[wish.act](actor)
        return
    act = {Act.PAUSE: grants.pause, Act.RESUME: grants.resume, Act.REVOKE: grants.revoke}[wish.act]
    act(actor, wish.card.grant.id, Part(wish.category, wish.account))


def question(wish: Wish) -> str:
    """Ask whether it is meant."""
    verb = {Act.PAUSE: "Pause", Act.RESUME: "Resume", Act.REVOKE: "Stop"}[wish.act]
    return f"{verb} sharing {_what(wish)} with {wish.card.platform if wish.card else 'all apps'}?"


def consequence(wish: Wish) -> list[str]:
    """Say what will happen, before it does."""
    lines = [
        {
            Act.PAUSE: f"{_cannot_see(wish)} from now on, until you resume.",
            Act.RESUME: f"{_can_see(wish)} again, as you allowed before.",
            Act.REVOKE: f"{_cannot_see(wish)} any more. This is for good: to share it again, you would have to give a "
            "new permission.",
        }[wish.act]
    ]
    if wish.act is Act.REVOKE and wish.piece is not None and _is_last(wish):
        lines.append("Nothing else is left in this permission, so all of it stops.")
    if wish.act is Act.REVOKE and wish.card is not None:
        kept = days(wish.card.grant.terms.data_life_days)
        lines.append(f"{wish.card.platform} promised to delete what it has already received within {kept}.")
    return lines


def done(wish: Wish) -> str:
    """Say what has happened."""
    return {
        Act.PAUSE: f"Paused. {_cannot_see(wish)} until you resume.",
        Act.RESUME: f"{_can_see(wish)} again.",
        Act.REVOKE: f"{wish.card.platform} can no longer see {_what(wish)}."
        if wish.card
        else "No app can see your bank data any more.",
    }[wish.act]


def _cannot_see(wish: Wish) -> str:
    return f"{wish.card.platform} cannot see {_what(wish)}" if wish.card else f"No app can see {_what(wish)}"


def _can_see(wish: Wish) -> str:
    return f"{wish.card.platform if wish.card else 'Your apps'} can see {_what(wish)}"


def _what(wish: Wish) -> str:
    if wish.card is None:
        return "your bank data"
    if wish.piece is None:
        return f"your data at {wish.card.bank}"
    return f"the account {wish.piece.title}" if wish.account else inside(wish.piece.title)


def _is_last(wish: Wish) -> bool:
    if wish.card is None:
        return False
    parts = wish.card.accounts if wish.account else wish.card.categories
    return sum(1 for part in parts if part.acts) == 1


def _check(act: Act, possible: Sequence[Act]) -> None:
    if act not in possible:
        raise ConsentRefused("This has been done already, or cannot be done now.", code="grant-unchanged")
