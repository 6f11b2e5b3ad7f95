"""Whether a permission can be renewed as things stand, and for how long; if not, why, in one sentence."""

from dataclasses import replace

from flask_babel import gettext

from broker.edge.services import services
from broker.edge.wording import rule_words
from broker.errors import NotFound
from broker.grants.consents import decide_now
from broker.grants.extensions import lengths
from broker.grants.proposals import standing_terms
from broker.web.cards import Card
from broker.web.proposals import Proposal, asker_of

_LENGTHS = (30, 60, 90, 180, 365)


def lengths_of(card: Card) -> list[int]:
    """Return in how many days the permission can be made to end, the shortest first; none while all of it is off."""
    return [] if card.is_whole_off else lengths(card.grant, services().clock(), _LENGTHS)


def obstacle(card: Card) -> str:
    """Say why the permission cannot be renewed; empty when it can."""
    if card.is_past:
        return gettext("This permission has ended.")
    if card.grant.terms.duration_days is None:
        return gettext("This permission was for one time only.")
    if card.present.is_whole:
        return gettext("%(bank)s shares nothing for this purpose any more.", bank=card.bank)
    if card.is_whole_off:
        return gettext("Sharing is turned off at the moment. Try again when it is on.")
    found = lengths_of(card)
    if not found:
        return gettext("It already lasts as long as you agreed. Come back when its end is nearer.")
    return _forbidden(card, found[0])


def _forbidden(card: Card, days: int) -> str:
    """Ask the policies as a renewal would; it asks them again, in its own transaction."""
    grant = card.grant
    try:
        asker = asker_of(Proposal(grant.id, grant, None))
    except NotFound:
        return gettext("%(app)s is not known here any more.", app=card.platform)
    terms = replace(standing_terms(grant), duration_days=days)
    with services().database.read() as session:
        decision = decide_now(session, services().catalogue, asker, terms, grant.bank_id)
    return "" if decision.is_allowed else rule_words(decision.reasons[0].rule, decision.reasons[0].text)
