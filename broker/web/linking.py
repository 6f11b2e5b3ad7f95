"""Your banks: link a second one by signing in at both, see which are linked, unlink one again.

Trusted: nothing is linked unless this browser has, within ten minutes, signed in at a bank of the person's own and at
the other one, for this very purpose, and the person has then said yes.
"""

import secrets
from typing import Any

from flask import Blueprint, flash, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import fields
from marshmallow.validate import Length, OneOf

from broker.banks.service import Bank, all_banks
from broker.clock import microseconds
from broker.edge import visitor as browser
from broker.edge.answers import see_other
from broker.edge.gates import actor, signed_in
from broker.edge.headers import allow_form_targets
from broker.edge.services import services
from broker.edge.visitor import LINKED, SignInWish, keep_wish
from broker.errors import ConsentRefused
from broker.users.moves import banks_of, is_customer
from broker.web.forms import Form, parsed
from broker.web.parties import bank_named, names
from broker.web.sign_in import identity

blueprint = Blueprint("linking", __name__)
_PAGE, _STEP, _ASK = "/my-sharing/banks", "/my-sharing/banks/link", "/my-sharing/banks/confirm"
_OWN, _OTHER, _LIFE_S = "link-own", "link-other", 600


class _Bank(Form):
    bank = fields.String(required=True, validate=Length(max=64))


class _Answer(Form):
    decision = fields.String(required=True, validate=OneOf(["link", "no"]))


@blueprint.get("/my-sharing/banks")
def show() -> ResponseReturnValue:
    """Show which banks the person has linked."""
    return _page("linked_banks.html")


@blueprint.post("/my-sharing/banks")
def begin() -> ResponseReturnValue:
    """First step: sign in once more at the bank of this session, so that nobody else can link theirs to it."""
    wish = f"{_OWN}-{_now_s()}-{secrets.token_hex(8)}"
    own = _bank(signed_in().bank_id)
    keep_wish(wish, SignInWish(path=_STEP, banks=(own.id,)))
    return see_other(identity.begin(own, wish, asks_for_data=False))


@blueprint.get("/my-sharing/banks/link")
def choose() -> ResponseReturnValue:
    """Second step: choose the other bank."""
    _check_own()
    return _page("link_bank.html")


@blueprint.post("/my-sharing/banks/link")
def go() -> ResponseReturnValue:
    """Lead to the other bank; who comes back from there is kept apart from who is signed in here."""
    _check_own()
    other = _bank(parsed(_Bank(), request.form)["bank"])
    wish = f"{_OTHER}-{secrets.token_hex(8)}"
    keep_wish(wish, SignInWish(path=_ASK, banks=(other.id,), links=True))
    return see_other(identity.begin(other, wish, asks_for_data=False))


@blueprint.get("/my-sharing/banks/confirm")
def ask() -> ResponseReturnValue:
    """Last step: name both, and ask."""
    _check_own()
    found = _other()
    now = services().clock()
    with services().database.read() as opened:
        theirs = services().grant_reader.of_user(opened, found["user_id"], now)
    number = sum(1 for grant in theirs if not grant.status.is_final and grant.authorised_at is not None)
    return _page("link_confirm.html", other=found, number=number)


@blueprint.post("/my-sharing/banks/confirm")
def link() -> ResponseReturnValue:
    """Link them after a yes; a no forgets the second sign-in."""
    _check_own()
    found, decision = _other(), parsed(_Answer(), request.form)["decision"]
    if decision == "link":
        services().linking.link(actor(), found["bank_id"], found["user_id"])
    browser.sign_in_again(signed_in())  # the two sign-ins have served: under a new id, and without them
    if decision == "link":
        flash(gettext("Linked. You now see what you share from this bank here too."))
    return see_other(f"{_PAGE}?done={decision}")


@blueprint.post("/my-sharing/banks/unlink")
def unlink() -> ResponseReturnValue:
    """Part a bank from the others again; whoever signed in there sees only that bank from now on."""
    bank = _bank(parsed(_Bank(), request.form)["bank"])
    if bank.id == signed_in().bank_id:
        raise ConsentRefused(gettext("Sign in at another of your banks to unlink this one."), code="link-refused")
    services().linking.unlink(actor(), bank.id)
    flash(gettext("Unlinked. What you share from this bank now stands apart."))
    return see_other(f"{_PAGE}?done=unlink")


def _page(template: str, **facts: Any) -> str:
    with services().database.read() as opened:
        known, mine = all_banks(opened), banks_of(opened, signed_in().user_id)
        told = names(opened)
    allow_form_targets(url for bank in known for url in (bank.issuer, bank.api_base))
    own, others = [bank for bank in known if bank.id in mine], [bank for bank in known if bank.id not in mine]
    return render_template(template, own=own, others=others, me=signed_in(), told=told, **facts)


def _check_own() -> None:
    """Stop unless this session began with a sign-in made to link, a few minutes ago.

    Raises:
        ConsentRefused: it did not.
    """
    kind, _, begun = signed_in().wish.rpartition("-")[0].rpartition("-")
    if kind != _OWN or _now_s() - int(begun) > _LIFE_S:
        raise _begin_again()


def _other() -> dict[str, Any]:
    """Return who has signed in at the other bank, and still is its customer under that user.

    Raises:
        ConsentRefused: nobody, or too long ago.
    """
    found: dict[str, Any] = session.get(LINKED, {})
    if not found or _now_s() - found["at"] > _LIFE_S:
        raise _begin_again()
    if found["user_id"] == signed_in().user_id:
        raise ConsentRefused(gettext("This sign-in is linked already."), code="link-refused")
    with services().database.read() as opened:
        if not is_customer(opened, found["user_id"], found["bank_id"]):
            raise _begin_again()
    return found


def _begin_again() -> ConsentRefused:
    return ConsentRefused(
        gettext("Sign in at both banks first, within ten minutes. Begin again at “Your banks”."), code="link-refused"
    )


def _now_s() -> int:
    return microseconds(services().clock()) // 1_000_000


def _bank(bank_id: str) -> Bank:
    with services().database.read() as opened:
        return bank_named(opened, bank_id)
