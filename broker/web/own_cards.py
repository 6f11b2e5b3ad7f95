"""Reads the permissions of the person who is signed in, as the cards that pages show."""

from collections import defaultdict
from collections.abc import Sequence

from flask import get_flashed_messages

from broker.audit import reader
from broker.audit.gone import gone_accounts
from broker.audit.reader import LoggedEntry
from broker.banks.facts import in_force
from broker.edge.gates import actor
from broker.edge.services import services
from broker.edge.wording import spoken
from broker.errors import NotFound
from broker.events.deliveries import standing_of
from broker.grants.deletion_views import newest_of
from broker.web import parties, words
from broker.web.cards import After, Card, cards_of


def own_cards() -> list[Card]:
    """Return every permission that the person has given or refused, newest first."""
    now, files = services().clock(), spoken()
    with services().database.read() as session:
        grants = services().grant_reader.of_user(session, actor().user_id, now)
        names = parties.names(session)
        ids = [grant.id for grant in grants]
        gone = gone_accounts(session, services().sealer, actor().user_id)
        after = After(newest_of(session, ids, now), standing_of(session, ids, now), gone)
        rules = {bank: in_force(session, files, bank) for bank in {grant.bank_id for grant in grants}}
    return cards_of(grants, rules, spoken(), names, now, after=after)


def own_card(grant_id: str) -> Card:
    """Return one of them.

    Raises:
        NotFound: unknown, somebody else's, or never decided: nobody can tell which.
    """
    card = next((card for card in own_cards() if card.grant.id == grant_id), None)
    if card is None:
        raise NotFound("There is no such permission among yours.")
    return card


def own_acts() -> dict[str, list[LoggedEntry]]:
    """Return what the log says of each grant since it was given, newest first."""
    found: defaultdict[str, list[LoggedEntry]] = defaultdict(list)
    with services().database.read() as session:
        for entry in reader.acts_of_user(session, actor().user_id, words.GRANT_ACTS):
            found[entry.grant_id or ""].append(entry)
    return found


def acted_on(cards: Sequence[Card]) -> list[Card]:
    """Return those of the cards that the act was about which the page before has done."""
    ids = get_flashed_messages(category_filter=["about"])
    return [card for card in cards if card.grant.id in ids]
