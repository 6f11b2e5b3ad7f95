"""Connecting a bank and letting go of it: the journey to the broker, its end, and the way back out."""

from collections.abc import Mapping

from . import blocks
from .blocks import Block
from .config import Config
from .grant import REQUESTED, Granted
from .money import show_day
from .oauth import OAuth, OAuthFailedError
from .store import Store
from .store.connections import Connection, Status
from .store.conversation import Author
from .store.people import Person
from .words import CATEGORIES, STEPS

SAID_NO = "access_denied"
_NOT_ALLOWED = "The bank or the broker does not allow what I ask for at the moment. You need not do anything."
_NOT_KNOWN = "The broker does not take requests from me at the moment. That is not your doing."
_NOT_NOW = "The broker cannot be used at the moment. Please try again later."
ADVICE = {
    "invalid_authorization_details": _NOT_ALLOWED,
    "invalid_scope": _NOT_ALLOWED,
    "invalid_client": _NOT_KNOWN,
    "unauthorized_client": _NOT_KNOWN,
    "temporarily_unavailable": _NOT_NOW,
    "server_error": _NOT_NOW,
    "broker-unreachable": _NOT_NOW,
    "invalid_grant": "It took too long. Please start again.",
    "invalid-answer": "The answer made no sense to me. Please try again.",
}
"""What the broker's codes mean to a person."""


class UnknownJourneyError(Exception):
    """Someone came back who was not sent from this browser, or came back twice."""


class Linking:
    """Send people to the broker, take them back, disconnect what they connected."""

    def __init__(self, config: Config, oauth: OAuth, store: Store) -> None:
        self._config = config
        self._oauth = oauth
        self._people = store.people
        self._journeys = store.journeys
        self._connections = store.connections
        self._conversation = store.conversation

    def start(self, person: Person, bank_id: str | None) -> str | None:
        """Push a request and return where to send the browser; None if that failed, which the chat then tells."""
        try:
            departure = self._oauth.push(bank_id)
        except OAuthFailedError as error:
            self._say(person, blocks.trouble(f"I could not start connecting a bank. {_advice(error.code)}", error.code))
            return None
        self._journeys.start(person.id, bank_id, departure.state, departure.code_verifier)
        return departure.url

    def finish(self, person: Person, arguments: Mapping[str, str]) -> None:
        """Take a person back: redeem the code, store the connection, say in the chat what was granted.

        Raises:
            UnknownJourneyError: `state` belongs to no journey of this person.

        """
        state = arguments.get("state", "")
        journey = self._journeys.finish(person.id, state)
        if journey is None:
            raise UnknownJourneyError
        try:
            tokens = self._oauth.redeem(arguments, state, journey.code_verifier)
        except OAuthFailedError as error:
            self._say(person, *_not_connected(error.code))
            return
        if tokens.granted is None:
            self._say(person, *_not_connected("invalid-answer"))
            return
        connection = self._connections.open(person.id, journey.bank_id, tokens, tokens.granted)
        self._say(person, *self._connected(person, connection))

    def disconnect(self, person: Person, connection: Connection) -> None:
        """Revoke the tokens, forget them and the answers they brought, and say what that does not do."""
        bank = self._config.bank_name(connection.bank_id)
        confirmed = self._let_go(connection)
        answers = self._conversation.forget(connection.id)
        told = f"I have disconnected {bank}: my access is deleted"
        told += f", and so are {answers} answers that showed your data." if answers > 1 else "."
        if not confirmed:
            told += " The broker did not confirm it, so please check in My sharing."
        self._say(person, blocks.text(told), blocks.dashboard("Your permission still stands until you stop it in"))

    def leave(self, person: Person) -> None:
        """Let go of everything a person connected and forget the person."""
        for connection in self._connections.of(person.id):
            self._let_go(connection)
        self._people.forget(person.id)

    def _let_go(self, connection: Connection) -> bool:
        # Forgotten first: even if the broker cannot be reached, Messenger asks nothing any more.
        self._connections.forget(connection)
        if connection.status is Status.ENDED:
            return True
        tokens = {"refresh_token": connection.refresh_token, "access_token": connection.access_token}
        try:
            self._oauth.revoke({hint: token for hint, token in tokens.items() if token})
        except OAuthFailedError:
            return False
        return True

    def _connected(self, person: Person, connection: Connection) -> list[Block]:
        granted, bank = connection.granted, self._config.bank_name(connection.bank_id)
        until = f" until {show_day(granted.ends_at)}" if granted.ends_at else ""
        said = [blocks.facts(f"{bank} is connected{until}", shared_rows(granted), f"For {accounts_of(granted)}.")]
        missing = [CATEGORIES[entry["name"]] for entry in REQUESTED if not granted.has(entry["name"])]
        if missing:
            said.append(blocks.text(f"You did not share {_listed(missing)}. That is fine: I just cannot answer that."))
        others = [other for other in self._connections.of(person.id) if _replaces(connection, other)]
        if others:
            said.append(
                blocks.text(
                    f"You had connected {bank} before. I now use the new permission; you can disconnect the old."
                )
            )
        return [*said, blocks.dashboard("You can pause or stop this at any time in")]

    def _say(self, person: Person, *said: Block) -> None:
        self._conversation.say(person.id, Author.ASSISTANT, said)


def accounts_of(granted: Granted) -> str:
    """Say how many accounts are shared."""
    number = len(granted.accounts)
    return f"{number} account{'s' if number != 1 else ''}" if number else "the accounts you chose"


def shared_rows(granted: Granted) -> list[tuple[str, str, str]]:
    """List what is shared, each with the step of detail that was granted."""
    return [
        (CATEGORIES[category.name].removeprefix("your ").capitalize(), "shared", STEPS.get(category.step or "", ""))
        for category in granted.categories
    ]


def _replaces(new: Connection, other: Connection) -> bool:
    same_bank = new.bank_id is not None and other.bank_id == new.bank_id
    return same_bank and other.id != new.id and other.status is Status.ACTIVE


def _not_connected(code: str) -> list[Block]:
    if code == SAID_NO:
        return [
            blocks.text(
                "No problem: nothing was shared, and I cannot see anything. If you change your mind, I am here."
            ),
            blocks.offer(),
        ]
    return [blocks.trouble(f"The bank was not connected, and nothing was shared. {_advice(code)}", code)]


def _advice(code: str) -> str:
    """Say what a code of the broker means to a person, and what they can do."""
    return ADVICE.get(code, "Please try again later.")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
