"""The pages of the chat: read a form, call one service, send the browser back to the chat."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import Blueprint, abort, current_app, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from . import clock
from .api import Presence
from .assistant import Assistant
from .config import ANY_BANK, Config
from .intents import QUICK_REPLIES
from .linking import Linking, UnknownJourneyError
from .store import Store
from .store.connections import Connection
from .store.conversation import Message
from .store.people import Person
from .was_it_me import WasItMe

LONGEST_NAME = 40
LONGEST_QUESTION = 300
LONGEST_NUMBER = 15

pages = Blueprint("pages", __name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages call."""

    config: Config
    store: Store
    assistant: Assistant
    linking: Linking
    was_it_me: WasItMe
    connected: Callable[[], None]


@pages.get("/")
def chat() -> str:
    """Show the chat, or ask a newcomer for a name."""
    person = _person()
    if person is None:
        return render_template("hello.html", longest=LONGEST_NAME)
    return render_template("chat.html", person=person, **_view_of(person))


@pages.post("/hello")
def hello() -> Response | tuple[str, int]:
    """Welcome a newcomer under the name they give."""
    name = _line("name")
    if not 0 < len(name) <= LONGEST_NAME:
        problem = f"Please tell me a name of 1 to {LONGEST_NAME} characters."
        return render_template("hello.html", longest=LONGEST_NAME, problem=problem), 422
    if _person() is None:
        person = _services().store.people.welcome(name)
        _open_session(person)
        _services().assistant.greet(person)
    return _back_to_chat()


@pages.post("/ask")
def ask() -> Response:
    """Take a question and answer it in the chat."""
    person = _required_person()
    question = _line("question")[:LONGEST_QUESTION]
    if question:
        _services().assistant.hear(person, question, _presence())
    return _back_to_chat()


@pages.post("/connect")
def connect() -> Response:
    """Send the person to the broker to connect a bank."""
    person = _required_person()
    url = _services().linking.start(person, _chosen_bank())
    return redirect(url, 303) if url else _back_to_chat()


@pages.get("/callback")
def callback() -> Response | tuple[str, int]:
    """Take the person back from the broker."""
    person = _required_person()
    if any(len(values) > 1 for values in request.args.listvalues()):
        abort(400)
    try:
        _services().linking.finish(person, request.args.to_dict())
    except UnknownJourneyError:
        words = "Nothing was connected. Please start again from the chat."
        return render_template("error.html", title="I did not send you on this way", words=words), 400
    _services().connected()
    return _back_to_chat()


@pages.post("/alert")
def alert() -> Response:
    """Take what a person says to a warning of their bank."""
    person = _required_person()
    _services().was_it_me.hear(person, _chosen_message(person), request.form.get("said", ""), _presence())
    return _back_to_chat()


@pages.get("/news")
def news() -> dict[str, int]:
    """Say the number of the newest message, so that the page knows when to look again."""
    return {"newest": _services().store.conversation.newest(_required_person().id)}


@pages.post("/disconnect")
def disconnect() -> Response:
    """Disconnect a bank."""
    person = _required_person()
    _services().linking.disconnect(person, _chosen_connection(person))
    return _back_to_chat()


@pages.post("/leave")
def leave() -> Response:
    """Disconnect everything, forget the person, end the session."""
    _services().linking.leave(_required_person())
    session.clear()
    return redirect(url_for("pages.chat"), 303)


@pages.get("/healthz")
def healthz() -> dict[str, str]:
    """Say that Messenger is up."""
    return {"status": "ok"}


def _services() -> Services:
    return cast("Services", current_app.extensions["messenger"])


def _view_of(person: Person) -> dict[str, object]:
    services = _services()
    # In this order, because a change is stored before it is said: what is said here holds in the list of banks, and
    # a message that came while the page was made is still news.
    newest = services.store.conversation.newest(person.id)
    messages = services.store.conversation.latest(person.id)
    return {
        "newest": newest,
        "messages": messages,
        "connections": services.store.connections.of(person.id),
        "config": services.config,
        "any_bank": ANY_BANK,
        "quick_replies": QUICK_REPLIES,
        "longest": LONGEST_QUESTION,
    }


def _person() -> Person | None:
    person_id = session.get("person")
    return _services().store.people.find(person_id) if isinstance(person_id, str) else None


def _required_person() -> Person:
    person = _person()
    if person is None:
        # Not an error page: whoever has no session (any more) starts at the front door.
        abort(redirect(url_for("pages.chat"), 303))
    return person


def _open_session(person: Person) -> None:
    session.clear()
    session.permanent = True
    session["person"] = person.id
    session["since"] = int(clock.now().timestamp())


def _presence() -> Presence:
    return Presence(request.remote_addr or "127.0.0.1", datetime.fromtimestamp(int(session["since"]), UTC))


def _line(name: str) -> str:
    """Read a form field as one line without control characters."""
    value = request.form.get(name, "")
    return " ".join("".join(character if character.isprintable() else " " for character in value).split())


def _chosen_bank() -> str | None:
    bank = request.form.get("bank", "")
    if bank == ANY_BANK:
        return None
    if all(known.id != bank for known in _services().config.banks):
        abort(400)
    return bank


def _chosen_connection(person: Person) -> Connection:
    connection = _services().store.connections.find(person.id, request.form.get("connection", ""))
    if connection is None:
        abort(404)
    return connection


def _chosen_message(person: Person) -> Message:
    number = request.form.get("message", "")
    is_number = number.isascii() and number.isdecimal() and len(number) <= LONGEST_NUMBER
    message = _services().store.conversation.find(person.id, int(number)) if is_number else None
    if message is None:
        abort(404)
    return message


def _back_to_chat() -> Response:
    return redirect(url_for("pages.chat"), 303)
