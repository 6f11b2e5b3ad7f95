"""Pausing, resuming and stopping from My sharing: what a form intends, what it will mean, what has happened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext, lazy_gettext
from marshmallow import fields
from marshmallow.validate import Equal, Length, OneOf

from broker.audit.vocabulary import Appended
from broker.errors import ConsentRefused, InvalidRequest, LogUnavailable, NotFound, StorageUnavailable
from broker.grants.acts import Actor
from broker.grants.service import Grants, Part
from broker.policy.vocabulary import ClusterState
from broker.web.cards import Act, Card, Piece, acts_on_all
from broker.web.formats import days, inside
from broker.web.forms import Form

EVERYTHING = "all"
_PAGE, _HOME, _ONE = "/my-sharing", "home", "grant"
_MOST_NAMED = 10
_NOT_DONE = lazy_gettext(
    "This was not done: it cannot be written down at the moment, and without that it does not count. "
    "Please try again, and look at My sharing for what holds."
)


class StopForm(Form):
    """The fields of every form of My sharing, and of the page that asks again. `back` says where the form stood."""

    must_not_be_empty = frozenset({"category", "account", "platform"})

    grant = fields.String(required=True, validate=Length(max=36))
    platform = fields.String(load_default=None, validate=Length(1, 64))
    category = fields.String(load_default=None, validate=Length(1, 40))
    account = fields.String(load_default=None, validate=Length(1, 64))
    action = fields.Enum(Act, by_value=True, required=True)
    back = fields.String(load_default=None, validate=OneOf([_HOME, _ONE]))
    confirm = fields.String(load_default=None, validate=Equal("yes"))
    delete = fields.String(load_default=None, validate=Equal("yes"))


@dataclass(frozen=True, slots=True)
class Intention:
    """What the person wants to do: with one grant or a piece of it, or with several (`card` is None).

    Several are all that live, or those of one app (`platform` is its id). `about` are the cards that it is about.
    """

    act: Act
    about: tuple[Card, ...]
    card: Card | None = None
    platform: str | None = None
    piece: Piece | None = None
    category: str | None = None
    account: str | None = None
    back: str | None = None

    @property
    def grant(self) -> str:
        """Return what the form's field `grant` says."""
        return self.card.grant.id if self.card else EVERYTHING

    @property
    def fields(self) -> dict[str, str]:
        """Return the fields of the form that says the same again."""
        named = {"platform": self.platform, "category": self.category, "account": self.account, "back": self.back}
        return {"grant": self.grant, "action": self.act.value} | {name: said for name, said in named.items() if said}

    @property
    def app(self) -> str | None:
        """Return the name of the one app that it is about; None when it is about all."""
        return self.about[0].platform if self.card or self.platform else None

    @property
    def way_back(self) -> str:
        """Return the page to which it leads back."""
        return f"{_PAGE}/{self.card.grant.id}" if self.card and self.back == _ONE else _PAGE

    @property
    def way_out(self) -> str:
        """Return the page to which a no leads back."""
        return "/" if self.back == _HOME else self.way_back


def intention_among(cards: Sequence[Card], sent: dict[str, Any]) -> Intention:
    """Find what a form is about among the person's own cards.

    Raises:
        InvalidRequest: the form names a category and an account, or a part of everything.
        NotFound: not a grant of this person, or no such part.
        ConsentRefused: it cannot be done now.
    """
    act, category, account, back = sent["action"], sent["category"], sent["account"], sent["back"]
    is_several = sent["grant"] == EVERYTHING
    if (category and account) or ((category or account) and is_several) or (sent["platform"] and not is_several):
        raise InvalidRequest(gettext("A form can be about one kind of data or one account of one permission."))
    if is_several:
        return _of_several(cards, act, sent["platform"], back)
    card = next((card for card in cards if card.grant.id == sent["grant"]), None)
    if card is None:
        raise NotFound(gettext("There is no such permission among yours."))
    piece = card.piece(category, account)
    if piece is None and (category or account):
        raise NotFound(gettext("This permission has no such part."))
    if act not in (piece.acts if piece else card.acts):
        raise _unchanged(_already(card, piece, account))
    return Intention(act, (card,), card, piece=piece, category=category, account=account, back=back)


def _of_several(cards: Sequence[Card], act: Act, platform: str | None, back: str | None) -> Intention:
    theirs = [card for card in cards if platform in {None, card.grant.platform_id}]
    if platform is not None and not theirs:
        raise NotFound(gettext("You share nothing with such an app."))
    if act not in acts_on_all(theirs):
        raise _unchanged(gettext("There is nothing left to do here: it was done before. Nothing was changed now."))
    return Intention(act, tuple(card for card in theirs if act in card.acts), platform=platform, back=back)


def carry_out(grants: Grants, actor: Actor, intended: Intention) -> tuple[Appended, ...]:
    """Do what was confirmed and return where it stands in the log; it counts for the very next call.

    Raises:
        ConsentRefused: something has changed meanwhile.
        LogUnavailable: or StorageUnavailable; the person is told that it was not done.
    """
    try:
        return _carry_out(grants, actor, intended)
    except (LogUnavailable, StorageUnavailable) as error:
        raise type(error)(str(_NOT_DONE), code=error.code) from error


def _carry_out(grants: Grants, actor: Actor, intended: Intention) -> tuple[Appended, ...]:
    if intended.card is None:
        on_all = {Act.PAUSE: grants.pause_all, Act.RESUME: grants.resume_all, Act.REVOKE: grants.revoke_all}
        return on_all[intended.act](actor, intended.platform)
    act = {Act.PAUSE: grants.pause, Act.RESUME: grants.resume, Act.REVOKE: grants.revoke}[intended.act]
    return act(actor, intended.card.grant.id, Part(intended.category, intended.account))


def question(intended: Intention) -> str:
    """Ask whether it is meant."""
    told = {"what": _what(intended), "app": gettext("all apps") if intended.app is None else intended.app}
    if intended.act is Act.PAUSE:
        return gettext("Pause sharing %(what)s with %(app)s?", **told)
    if intended.act is Act.RESUME:
        return gettext("Resume sharing %(what)s with %(app)s?", **told)
    return gettext("Stop sharing %(what)s with %(app)s?", **told)


def consequence(intended: Intention) -> list[str]:
    """Say what will happen, before it does."""
    lines = [
        {
            Act.PAUSE: gettext(
                "%(who_cannot_see)s from now on, until you resume.", who_cannot_see=_cannot_see(intended)
            ),
            Act.RESUME: gettext("%(who_can_see)s again, as you allowed before.", who_can_see=_can_see(intended)),
            Act.REVOKE: gettext(
                "%(who_cannot_see)s any more. This is for good: it starts again only if an app asks anew and you "
                "allow it.",
                who_cannot_see=_cannot_see(intended),
            ),
        }[intended.act]
    ]
    if intended.act is Act.REVOKE and intended.piece is not None and _is_last(intended):
        lines.append(gettext("Nothing else is left in this permission, so all of it stops."))
    if intended.act is Act.REVOKE:
        lines += _promises(intended)
    return lines


def is_end(intended: Intention) -> bool:
    """Say whether nothing of what it is about goes on after it."""
    return intended.act is Act.REVOKE and (intended.piece is None or _is_last(intended))


def named(intended: Intention) -> tuple[list[Card], int]:
    """Return the permissions to name when it is about several, and how many more there are."""
    shown = [] if intended.card else list(intended.about[:_MOST_NAMED])
    return shown, 0 if intended.card else len(intended.about) - len(shown)


def done(intended: Intention) -> str:
    """Say what has happened."""
    if intended.act is Act.PAUSE:
        told = gettext("Paused. %(who_cannot_see)s until you resume.", who_cannot_see=_cannot_see(intended))
    elif intended.act is Act.RESUME:
        told = gettext("%(who_can_see)s again.", who_can_see=_can_see(intended))
    elif intended.app is None:
        told = gettext("No app can see your bank data any more.")
    else:
        told = gettext("%(app)s can no longer see %(what)s.", app=intended.app, what=_what(intended))
    return told + " " + gettext("It holds from now on.")


def _promises(intended: Intention) -> list[str]:
    """Say what happens to the data that has left, as each app promised."""
    lives = {(card.platform, card.grant.terms.data_life_days) for card in intended.about}
    return [
        gettext("%(app)s promised to delete what it has already received within %(days)s.", app=app, days=days(life))
        for app, life in sorted(lives)[:_MOST_NAMED]
    ]


def _cannot_see(intended: Intention) -> str:
    if intended.app is None:
        return gettext("No app can see %(what)s", what=_what(intended))
    return gettext("%(app)s cannot see %(what)s", app=intended.app, what=_what(intended))


def _can_see(intended: Intention) -> str:
    if intended.app is None:
        return gettext("Your apps can see %(what)s", what=_what(intended))
    return gettext("%(app)s can see %(what)s", app=intended.app, what=_what(intended))


def _what(intended: Intention) -> str:
    if intended.card is None:
        return gettext("your bank data")
    if intended.piece is None:
        return gettext("your data at %(bank)s", bank=intended.card.bank)
    if intended.account:
        return gettext("the account %(account)s", account=intended.piece.title)
    return inside(intended.piece.title)


def _is_last(intended: Intention) -> bool:
    if intended.card is None:
        return False
    parts = intended.card.accounts if intended.account else intended.card.categories
    return sum(1 for part in parts if part.acts) == 1


def _already(card: Card, piece: Piece | None, account: str | None) -> str:
    """Say to somebody with an old page what has become of it since."""
    if card.is_past:
        return gettext(
            "This sharing has ended already. %(app)s can see nothing more of your data at %(bank)s through it. Nothing "
            "was changed now.",
            app=card.platform,
            bank=card.bank,
        )
    if piece is not None and piece.state is ClusterState.REVOKED:
        what = gettext("the account %(account)s", account=piece.title) if account else inside(piece.title)
        return gettext(
            "This was stopped already. %(app)s cannot see %(what)s any more. Nothing was changed now.",
            app=card.platform,
            what=what,
        )
    return gettext("This was done already, here or in another window. Nothing was changed now.")


def _unchanged(told: str) -> ConsentRefused:
    return ConsentRefused(told, code="grant-unchanged")
