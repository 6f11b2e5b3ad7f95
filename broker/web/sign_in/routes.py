"""The sign-in pages: choose a bank, go there, come back as somebody the bank has confirmed."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from marshmallow import fields
from marshmallow.validate import Length

from broker.banks.service import Bank, all_banks
from broker.clock import microseconds
from broker.edge import visitor as browser
from broker.edge.answers import see_other
from broker.edge.headers import allow_form_targets
from broker.edge.services import services
from broker.edge.visitor import SignInWish, Visitor
from broker.edge.wording import language
from broker.errors import InvalidRequest, SignInRefused
from broker.events import outbox
from broker.grants.consents import PROPOSAL_LIFE
from broker.notices.addresses import keep_language
from broker.web.forms import Form, parsed
from broker.web.parties import bank_named
from broker.web.sign_in import endpoints, identity, wishes
from broker.web.sign_in.identity import Confirmed

blueprint = Blueprint("sign_in", __name__)
blueprint.record_once(endpoints.register)


class _Asked(Form):
    wish = fields.String(data_key="for", load_default=None, validate=Length(max=64))
    next = fields.String(load_default="", validate=Length(max=1000))


class _Chosen(Form):
    wish = fields.String(data_key="for", required=True, validate=Length(max=64))
    bank = fields.String(required=True, validate=Length(max=64))


class _ConsoleChosen(Form):
    bank = fields.String(required=True, validate=Length(max=64))


@blueprint.get("/sign-in")
def choose() -> ResponseReturnValue:
    """Ask at which bank the visitor signs in."""
    asked = parsed(_Asked(), request.args)
    wish_id = asked["wish"] or wishes.towards(asked["next"])
    wish = wishes.kept(wish_id)
    banks = wishes.choices(wish)
    allow_form_targets(_origins(banks))
    return render_template("sign_in.html", wish_id=wish_id, wish=wish, banks=banks, unable=wishes.unable(wish))


@blueprint.post("/sign-in")
def start() -> ResponseReturnValue:
    """Send the visitor to the chosen bank."""
    chosen = parsed(_Chosen(), request.form)
    wish = wishes.kept(chosen["wish"])
    bank = next((bank for bank in wishes.choices(wish) if bank.id == chosen["bank"]), None)
    if bank is None:
        raise InvalidRequest("This bank cannot be chosen here. Go back and pick one from the list.")
    return see_other(identity.begin(bank, chosen["wish"], asks_for_data=wish.asker is not None))


@blueprint.get("/sign-in/staff/<bank_id>")
def start_as_staff(bank_id: str) -> ResponseReturnValue:
    """Send a member of staff to their bank."""
    with services().database.read() as session:
        bank = bank_named(session, bank_id)
    return see_other(identity.begin(bank, wishes.towards_console(bank), asks_for_data=False))


@blueprint.get("/sign-in/<bank_id>/callback")
def come_back(bank_id: str) -> ResponseReturnValue:
    """Take what the bank says about the visitor and lead them where they wanted to go."""
    with services().database.read() as session:
        bank = bank_named(session, bank_id)
    journey = identity.returned(bank, request.args)
    wish = wishes.kept(journey.wish)
    if journey.was_cancelled:
        return render_template("sign_in_cancelled.html", bank=bank, wish=wish, wish_id=journey.wish)
    _enter(bank, journey.wish, wish, identity.confirmed(bank, journey))
    return see_other(wish.path)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    browser.sign_out()
    return see_other("/")


@blueprint.get("/console")
def choose_console() -> ResponseReturnValue:
    """Lead staff to their bank's console, after they have said which bank."""
    found = browser.visitor()
    if found is not None and found.role is not None and found.bank_id:
        return see_other(f"/console/{found.bank_id}")
    with services().database.read() as session:
        banks = all_banks(session)
    allow_form_targets(_origins(banks))
    return render_template("console_choice.html", banks=banks)


@blueprint.post("/console")
def open_console() -> ResponseReturnValue:
    """Open the console of the chosen bank, which asks for a sign-in."""
    with services().database.read() as session:
        bank = bank_named(session, parsed(_ConsoleChosen(), request.form)["bank"])
    return see_other(f"/console/{bank.id}")


def _origins(banks: list[Bank]) -> list[str]:
    return [url for bank in banks for url in (bank.issuer, bank.api_base)]


def _enter(bank: Bank, wish_id: str, wish: SignInWish, found: Confirmed) -> None:
    """Make the visitor of this browser the one whom the bank confirmed, if the page they want is for them.

    Raises:
        SignInRefused: a customer at a page for staff, or the other way round.
    """
    if wish.staff and found.role is None:
        raise SignInRefused("This page is for the bank's own staff. As a customer, use “My sharing”.")
    if not wish.staff and found.role is not None:
        raise SignInRefused("You signed in as a member of the bank's staff. This page is for customers.")
    if found.role is not None:
        staff_id = services().users.staff_id(bank.id, found.subject)
        browser.sign_in(Visitor(bank.id, found.name, role=found.role, staff_id=staff_id))
        return
    now = services().clock()
    with services().database.write() as session:
        known = services().users.sign_in(
            session,
            bank_id=bank.id,
            subject=found.subject,
            name=found.name,
            credential=found.credential.dump() if found.credential else None,
            now=now,
        )
        if not wish.links:
            keep_language(session, known.user_id, language())
        if found.credential is not None:
            # If nothing comes of it, the tokens must not stay: the worker looks again when a proposal would be dead.
            task = {"user_id": known.user_id, "bank_id": bank.id}
            outbox.put(session, outbox.TaskKind.BANK_END, task, now, delay=2 * PROPOSAL_LIFE)
    if wish.links:
        browser.keep_linked(bank.id, known.user_id, found.name, microseconds(now) // 1_000_000)
        return
    browser.sign_in(Visitor(bank.id, found.name, user_id=known.user_id, wish=wish_id))
