"""Asks for the passkey of a person who has one, before an app may learn exactly where their cards were used.

Trusted: an open browser alone gives no app exact places, and lets none go on with them. The page that asks carries the
choice.
"""

from flask_babel import gettext

from broker.edge.gates import actor, signed_in
from broker.edge.services import services
from broker.policy.terms import Choice
from broker.policy.vocabulary import ClusterState, Precision
from broker.web.cards import Card
from broker.web.passkeys import step_up
from broker.web.passkeys.asking import Question, page_that_asks


def waits_for_passkey(choice: Choice, answer: str | None) -> bool:
    """Say whether the passkey has still to be asked for; an answer that came along is judged.

    Raises:
        PasskeyRefused: the answer proves nothing.
    """
    is_exact = any((choice.precisions or {}).get(name) is Precision.EXACT for name in choice.categories)
    return is_exact and step_up.waits_for(actor().user_id, answer)


def waits_to_renew(card: Card, answer: str | None) -> bool:
    """Say the same of a permission that is to go on; what was stopped does not.

    Raises:
        PasskeyRefused: the answer proves nothing.
    """
    going_on = [part.term for part in card.grant.categories if part.state is not ClusterState.REVOKED]
    is_exact = any(term.precision is Precision.EXACT for term in going_on)
    return is_exact and step_up.waits_for(actor().user_id, answer)


def has_passkey() -> bool:
    """Say whether the person could be asked for one."""
    with services().database.read() as session:
        return services().passkeys.has_any(session, signed_in().owner)


def page_for_consent(proposal_id: str, platform: str, names: list[str]) -> str:
    """Return the page that asks for the passkey and sends the same choice again; `names` are those of its fields."""
    lead = gettext(
        "You chose to let %(platform)s know exactly where your cards were used. Please use your passkey to allow it. "
        "Nothing has been shared yet.",
        platform=platform,
    )
    return page_that_asks(
        Question(
            action=f"/consent/{proposal_id}",
            lead=lead,
            button=gettext("Use my passkey and allow"),
            back=f"/consent/{proposal_id}",
            back_words=gettext("Go back and choose again"),
            hint=gettext(
                "Without your passkey you can share less exact places: the postcode area, the town or the country."
            ),
            page="",
            fields=("decision", *names),
        )
    )


def page_for_renewal(card: Card, names: list[str]) -> str:
    """Return the page that asks for the passkey and sends the same renewal again."""
    lead = gettext(
        "You let %(platform)s know exactly where your cards were used. Please use your passkey to let it go on. "
        "Nothing has been changed yet.",
        platform=card.platform,
    )
    grant = card.grant.id
    return page_that_asks(
        Question(
            action=f"/my-sharing/{grant}/renew",
            lead=lead,
            button=gettext("Use my passkey and renew"),
            back=f"/my-sharing/{grant}",
            back_words=gettext("Don't renew"),
            hint=gettext("Without your passkey you can stop the places, and renew the rest."),
            page="sharing",
            fields=names,
        )
    )
