"""Narrowing a permission from My sharing: less detail, coarser places, less history, a sooner end; at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from flask import Blueprint, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import fields
from marshmallow.validate import Range

from broker.edge.answers import see_other
from broker.edge.gates import actor
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.grants.narrowing import Less
from broker.grants.proposals import is_amendable
from broker.policy.terms import Choice
from broker.policy.vocabulary import ClusterState, Detail, Precision
from broker.web.cards import Card
from broker.web.formats import place
from broker.web.forms import Form, parsed
from broker.web.offer import Offer, OfferedCategory, Span, offer_of
from broker.web.own_cards import own_card

blueprint = Blueprint("narrowing", __name__)


class _Less(Form):
    """What is the same for every permission; the steps of its kinds of data are added."""

    seen = fields.AwareDateTime(required=True)
    history = fields.Integer(load_default=None, validate=Range(1, 3650))
    days = fields.Integer(load_default=None, validate=Range(1, 3650))


@dataclass(frozen=True, slots=True)
class Possible:
    """What can be made less: kinds of data with several steps, lengths of history, sooner ends; none of them is empty.

    The present step of each is the chosen one; of the ends none is: it stays unless the person picks another.
    """

    categories: tuple[OfferedCategory, ...]
    histories: tuple[Span, ...]
    ends: tuple[Span, ...]

    def __bool__(self) -> bool:
        """Say whether there is anything at all."""
        return bool(self.categories or self.histories or self.ends)


@blueprint.get("/my-sharing/<uuid:grant_id>/narrow")
def show(grant_id: UUID) -> ResponseReturnValue:
    """Show what can be made less, each with what it is now."""
    card = own_card(str(grant_id))
    return render_template("narrow.html", card=card, possible=_possible(card))


@blueprint.post("/my-sharing/<uuid:grant_id>/narrow")
def narrow(grant_id: UUID) -> ResponseReturnValue:
    """Make it less, and lead back to the permission."""
    card = own_card(str(grant_id))
    sent = parsed(_form(card), request.form)
    done = services().narrowing.narrow(actor(), card.grant.id, _less(card, sent), seen_at=sent["seen"])
    flash(gettext("Narrowed. From now on %(app)s sees less.", app=card.platform))
    flash(f"{place(done.log)}/{done.number}", "entry")
    flash(card.grant.id, "about")
    return see_other(f"/my-sharing/{card.grant.id}?done=narrow")


def _possible(card: Card) -> Possible:
    """Return what can be made less; nothing of what has ended, or was for one time only."""
    if not is_amendable(card.grant):
        return Possible((), (), ())
    offer = _offer(card)
    standing = {part.term.name for part in card.grant.categories if part.state is not ClusterState.REVOKED}
    return Possible(
        categories=tuple(one for one in offer.categories if one.category.name in standing and _has_choice(one)),
        histories=offer.histories if len(offer.histories) > 1 else (),
        ends=tuple(span for span in offer.durations if span.at < card.grant.expires_at),
    )


def _offer(card: Card) -> Offer:
    terms = card.grant.terms
    present = Choice(
        categories=terms.category_names,
        accounts=(),
        details={term.name: term.detail for term in terms.categories if term.detail},
        precisions={term.name: term.precision for term in terms.categories if term.precision},
    )
    return offer_of(spoken(), card.grant, [], services().clock(), present)


def _has_choice(offered: OfferedCategory) -> bool:
    return len(offered.details) > 1 or len(offered.precisions) > 1


def _form(card: Card) -> Form:
    return cast("Form", _Less.from_dict(dict(_steps(card)))())


def _steps(card: Card) -> Iterator[tuple[str, fields.Field[Any]]]:
    for term in card.grant.terms.categories:
        if term.detail:
            yield f"detail-{term.name}", fields.Enum(Detail, by_value=True, load_default=None)
        if term.precision:
            yield f"precision-{term.name}", fields.Enum(Precision, by_value=True, load_default=None)


def _less(card: Card, sent: dict[str, Any]) -> Less:
    names = card.grant.terms.category_names
    details = {name: sent.get(f"detail-{name}") for name in names}
    precisions = {name: sent.get(f"precision-{name}") for name in names}
    return Less(
        details={name: step for name, step in details.items() if step},
        precisions={name: step for name, step in precisions.items() if step},
        lookback_days=sent["history"],
        ends_in_days=sent["days"],
    )
