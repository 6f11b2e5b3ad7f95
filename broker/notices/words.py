"""The words of notices, in a person's language: the inbox and the mails say the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from babel.dates import format_date
from babel.lists import format_list
from sqlalchemy.orm import Session

from broker.banks.service import all_banks
from broker.notices.notice import Notice
from broker.notices.vocabulary import Topic, What
from broker.platforms.service import names as platform_names
from broker.translations import LANGUAGES, SOURCE, marked, messages

_LONGEST_NAME = 80
_AN_APP, _A_BANK = marked("An app"), marked("your bank")
_NOT_YOU = marked("If this was not you, sign out everywhere else in your account, and stop it.")
_SENTENCES: Mapping[What, tuple[str, str]] = MappingProxyType(
    {
        What.GIVEN: (
            marked("%(platform)s may see data at %(bank)s"),
            marked("You gave this permission. You can change it or stop it at any time."),
        ),
        What.EXACT_PLACES: (
            marked("%(platform)s may see exact places"),
            marked("It may see exactly where your cards from %(bank)s are used. You can stop that at any time."),
        ),
        What.PASSKEY_ADDED: (
            marked("A passkey was added"),
            marked("It can be used to sign in as you. If this was not you, remove it in your account."),
        ),
        What.PASSKEY_REMOVED: (
            marked("A passkey was removed"),
            marked("It cannot be used to sign in here any more."),
        ),
        What.ADDRESS_CONFIRMED: (
            marked("E-mails go to a new address"),
            marked("The address was confirmed. If this was not you, remove it, and sign out everywhere else."),
        ),
        What.ADDRESS_REMOVED: (
            marked("You get no more e-mails"),
            marked("The address was removed. You find everything in your inbox."),
        ),
        What.BANK_LINKED: (
            marked("You linked %(bank)s"),
            marked("Whoever signs in with one of your banks sees what you share from all of them."),
        ),
        What.BANK_UNLINKED: (
            marked("You unlinked %(bank)s"),
            marked("What you share from there is now shown only to who signs in with that bank."),
        ),
        What.APP_HELD: (
            marked("We stopped %(platform)s"),
            marked("It read more than is ordinary. It gets no more data of this kind until we have looked at it."),
        ),
        What.AFTER_SILENCE: (
            marked("%(platform)s asked for your data again"),
            marked("It had read nothing of this kind for 90 days. If you do not need that any more, stop it."),
        ),
        What.TOO_OFTEN: (
            marked("%(platform)s asked too often"),
            marked("It asked for data at %(bank)s more often in a day than it may. We refused that."),
        ),
        What.STOPPED: (marked("You stopped %(platform)s"), marked("It gets no more data from %(bank)s.")),
        What.GIVEN_BACK: (
            marked("%(platform)s ended its own permission"),
            marked("It gets no more data from %(bank)s."),
        ),
        What.ENDED_FOR_YOU: (
            marked("We ended your permission for %(platform)s"),
            marked("It gets no more data from %(bank)s."),
        ),
        What.EXPIRED: (
            marked("Your permission for %(platform)s has ended"),
            marked("Its time is over. It gets no more data from %(bank)s."),
        ),
        What.ENDING: (
            marked("Your permission for %(platform)s ends on %(day)s"),
            marked("After that it gets no more data from %(bank)s. You can renew it, or let it end."),
        ),
        What.AMENDED: (
            marked("You changed what %(platform)s may see"),
            marked("The change is about data at %(bank)s."),
        ),
        What.RENEWED: (
            marked("You renewed your permission for %(platform)s"),
            marked("It may go on seeing data at %(bank)s."),
        ),
        What.NARROWED: (
            marked("You narrowed what %(platform)s may see"),
            marked("It sees less of your data at %(bank)s from now on."),
        ),
        What.PAUSED: (marked("You paused %(platform)s"), marked("It gets no data from %(bank)s until you resume it.")),
        What.PAUSED_FOR_YOU: (
            marked("We paused %(platform)s"),
            marked("Something went wrong on our side. Look at this permission, and resume it if it is right."),
        ),
        What.RESUMED: (marked("You resumed %(platform)s"), marked("It may see data at %(bank)s again.")),
        What.PART_CHANGED: (
            marked("You changed a part of what %(platform)s gets"),
            marked("The change is about data at %(bank)s."),
        ),
        What.SWITCHED_OFF: (
            marked("Sharing with %(platform)s is switched off"),
            marked("We have switched it off for a while. Your permission stays, and goes on afterwards."),
        ),
        What.SWITCHED_ON: (
            marked("Sharing with %(platform)s is switched on again"),
            marked("Your permission at %(bank)s goes on as it was."),
        ),
        What.APP_FREED: (
            marked("%(platform)s may go on"),
            marked("We have looked at what it read. It gets data again, as far as you allow it."),
        ),
        What.REMINDER: (
            marked("What you share"),
            marked("These may see your data: %(apps)s. Do you still need all of them? You can stop each at any time."),
        ),
    }
)
_BY_BANK = marked("%(bank)s has switched it off for a while. Your permission stays, and goes on afterwards.")
_A_PART_OFF, _A_PART_ON = (
    marked("A part of what %(platform)s gets is switched off"),
    marked("A part of what %(platform)s gets is switched on again"),
)
_PLACES: Mapping[Topic, str] = MappingProxyType({Topic.SIGN_IN: "/account", Topic.REMINDER: "/my-sharing"})


@dataclass(frozen=True, slots=True)
class Speech:
    """A language to say something in: its code on the list of languages."""

    code: str = SOURCE

    def say(self, text: str, **values: str) -> str:
        """Return a marked text in this language, with the values put in."""
        return messages(self.code).gettext(text) % values

    def day(self, instant: datetime) -> str:
        """Write a day: `22 November 2026`."""
        return format_date(instant.astimezone(UTC), "long", locale=LANGUAGES[self.code].locale)

    def listed(self, parts: list[str]) -> str:
        """Write parts as one enumeration: `A, B and C`."""
        return format_list(parts, locale=LANGUAGES[self.code].locale)


@dataclass(frozen=True, slots=True)
class Parties:
    """The names of apps and banks by their ids, each in one line."""

    platforms: Mapping[str, str]
    banks: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """What a notice says: a title and a text. `path` is the page that it is about."""

    title: str
    text: str
    path: str


def parties(session: Session) -> Parties:
    """Read the names of all apps and banks."""
    banks = {bank.id: one_line(bank.name) for bank in all_banks(session)}
    return Parties({key: one_line(name) for key, name in platform_names(session).items()}, banks)


def words(notice: Notice, named: Parties, speech: Speech) -> Words:
    """Say in a language what a notice tells."""
    title, text = _sentences(notice)
    values = {
        "platform": named.platforms.get(notice.platform_id or "", speech.say(_AN_APP)),
        "bank": named.banks.get(notice.bank_id or "", speech.say(_A_BANK)),
        "day": speech.day(datetime.fromisoformat(notice.facts["ends_at"])) if "ends_at" in notice.facts else "",
        "apps": speech.listed([_app(pair, named) for pair in notice.facts.get("apps", ())]),
    }
    said = speech.say(text, **values)
    if notice.topic in {Topic.GIVEN, Topic.EXACT_PLACES}:
        said = f"{said} {speech.say(_NOT_YOU)}"
    place = _PLACES.get(notice.topic, f"/my-sharing/{notice.grant_id}" if notice.grant_id else "/my-sharing")
    return Words(speech.say(title, **values), said, place)


def one_line(name: str) -> str:
    """Return a name that begins no line and no header of its own, and is not endless."""
    shown = "".join(character if character.isprintable() else " " for character in name)
    return " ".join(shown.split())[:_LONGEST_NAME]


def _sentences(notice: Notice) -> tuple[str, str]:
    title, text = _SENTENCES[notice.what]
    if notice.what is What.SWITCHED_OFF:
        return (
            _A_PART_OFF if notice.facts.get("category") else title,
            _BY_BANK if notice.facts.get("side") == "bank" else text,
        )
    if notice.what is What.SWITCHED_ON and notice.facts.get("category"):
        return _A_PART_ON, text
    return title, text


def _app(pair: list[str], named: Parties) -> str:
    platform_id, bank_id = pair
    return f"{named.platforms.get(platform_id, platform_id)} ({named.banks.get(bank_id, bank_id)})"
