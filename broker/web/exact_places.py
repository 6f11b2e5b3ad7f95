"""Asks for the passkey of a person who has one, before an app may learn exactly where their cards were used.

Trusted: an open browser alone gives no app exact places. The page that asks carries the choice.
"""

from collections.abc import Iterable
from typing import Final

from flask import render_template, request

from broker.edge.gates import actor, signed_in
from broker.edge.headers import allow_own_scripts
from broker.edge.services import services
from broker.policy.terms import Choice
from broker.policy.vocabulary import Precision
from broker.web.passkeys import ceremony, step_up
from broker.web.passkeys.challenges import Ceremony

_ANSWER: Final = "answer"


def waits_for_passkey(choice: Choice, answer: str | None) -> bool:
    """Say whether the passkey has still to be asked for; an answer that came along is judged.

    Raises:
        PasskeyRefused: the answer proves nothing.
    """
    is_exact = any((choice.precisions or {}).get(name) is Precision.EXACT for name in choice.categories)
    if not is_exact or not step_up.needed(actor().user_id):
        return False
    if answer is None:
        return True
    step_up.prove(answer)
    return False


def has_passkey() -> bool:
    """Say whether the person could be asked for one."""
    with services().database.read() as session:
        return services().passkeys.has_any(session, signed_in().owner)


def page_that_asks(proposal_id: str, platform: str, names: Iterable[str]) -> str:
    """Return the page that asks for the passkey and sends the same choice again; `names` are those of its fields."""
    allow_own_scripts()
    with services().database.read() as session:
        known = services().passkeys.of(session, signed_in().owner)
    return render_template(
        "consent_passkey.html",
        proposal_id=proposal_id,
        platform=platform,
        options=ceremony.to_prove(Ceremony.STEP_UP, known),
        fields=[(name, value) for name in names if name != _ANSWER for value in request.form.getlist(name)],
    )
