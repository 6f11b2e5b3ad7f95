"""What the access history says of single entries, without a broker around them."""

from dataclasses import replace

import pytest

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event, Initiator
from broker.policy import Catalogue
from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir
from broker.web import words
from broker.web.parties import Names
from broker.web.sentences import sentence
from broker.web.who_acted import who_acted
from tests.support.logged import logged

CATALOGUE: Catalogue = load_catalogue(default_policies_dir())
NAMES = Names({"messenger": "Messenger"}, {"harbor": "Harbor Bank"})
ENTRY = logged(Event.ACCESS_REFUSED, decision="refused")


def told(entry: LoggedEntry) -> str:
    return sentence(entry, platform="Messenger", bank="Harbor Bank", catalogue=CATALOGUE)


def test_a_grant_that_is_over_is_not_said_to_have_been_ended_by_the_person() -> None:
    (rule,) = [rule for rule in CATALOGUE.engine.rulebook.rules.values() if rule.id == "grant.revoked"]
    assert rule.words == "This grant was ended."
    assert words.reasons(replace(ENTRY, reasons=("grant-revoked",))) == ["the permission had been ended"]


def test_an_access_that_names_no_kind_of_data_did_not_ask_for_everything() -> None:
    refused = replace(ENTRY, reasons=("token-expired",))
    assert told(refused) == "Messenger asked to see your data and got nothing"
    assert words.reasons(refused) == ["the app's access had run out or was taken back"]
    assert "everything" in told(replace(ENTRY, event=Event.GRANT_PAUSED, decision="allowed"))


def test_a_request_that_nobody_answered_is_no_permission_that_ended() -> None:
    ended = replace(ENTRY, event=Event.GRANT_EXPIRED, decision="allowed", reasons=("unapproved",))
    assert told(ended) == "The request of Messenger ended unanswered"
    assert told(replace(ended, reasons=("ended",))) == "The permission of Messenger ended by itself"


QUESTIONS: dict[str, dict[str, str]] = {
    "Can you spend at least 50 USD?": {"atLeast": "50", "currency": "USD"},
    "Was one of your cards used in Leeds, GB in the last 1 day?": {
        "country": "GB",
        "townName": "Leeds",
        "since": "P1D",
    },
    "Was one of your cards used in GB in the last 6 hours?": {"country": "GB", "since": "PT6H"},
}


@pytest.mark.parametrize("said", list(QUESTIONS))
def test_a_question_is_said_in_words(said: str) -> None:
    assert words.question(replace(ENTRY, details={"context": {"question": QUESTIONS[said]}})) == said


def test_data_and_erased_details_have_no_question() -> None:
    assert (words.question(ENTRY), words.question(replace(ENTRY, details={"context": {}}))) == ("", "")


@pytest.mark.parametrize(
    ("initiator", "who", "said"),
    [
        (Initiator.INDIVIDUAL, "You", "You stopped sharing with Messenger"),
        (Initiator.DATA_RECIPIENT, "The app Messenger", "Messenger gave back its permission"),
        (Initiator.DATA_PROVIDER, "Your bank, Harbor Bank", "Harbor Bank stopped sharing with Messenger"),
        (Initiator.DATA_ACCESS_PLATFORM, "Consent Broker", "We stopped sharing with Messenger"),
    ],
)
def test_every_line_says_who_acted(initiator: Initiator, who: str, said: str) -> None:
    entry = replace(ENTRY, event=Event.GRANT_REVOKED, decision="allowed", initiator=initiator)
    assert (who_acted(entry, NAMES), told(entry)) == (who, said)


def test_a_request_is_the_apps_though_the_person_brought_it() -> None:
    entry = replace(ENTRY, event=Event.GRANT_PROPOSED, initiator=Initiator.INDIVIDUAL)
    assert who_acted(entry, NAMES) == "The app Messenger"
