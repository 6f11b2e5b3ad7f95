"""The page that asks for the passkey in the middle of a form, and sends the same form again with the answer.

So the choice and the passkey arrive in one request: nobody can put another choice between the two.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from flask import render_template, request

from broker.edge.gates import signed_in
from broker.edge.headers import allow_own_scripts
from broker.edge.services import services
from broker.web.passkeys import ceremony
from broker.web.passkeys.challenges import Ceremony

ANSWER = "answer"
"""The name of the field with which the browser sends what the passkey has signed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the page says: why it asks, what the button does, and the ways out.

    `lost` is for who has no passkey at hand: a sentence, with the address and the words of a link behind it.
    """

    action: str
    lead: str
    button: str
    back: str
    back_words: str
    hint: str = ""
    lost: tuple[str, str, str] | None = None
    page: str = "account"
    fields: Iterable[str] = field(default=())


def page_that_asks(question: Question) -> str:
    """Return the page; `question.fields` are the names of those of the form's fields that are sent again."""
    allow_own_scripts()
    with services().database.read() as session:
        known = services().passkeys.of(session, signed_in().owner)
    return render_template(
        "passkey_asked.html",
        question=question,
        options=ceremony.to_prove(Ceremony.STEP_UP, known),
        fields=[(name, value) for name in question.fields if name != ANSWER for value in request.form.getlist(name)],
    )
