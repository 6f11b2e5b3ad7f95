"""What the access history says of single entries, without a broker around them."""

from dataclasses import replace

import pytest

from broker.audit.reader import LoggedEntry
from broker.audit.vocabulary import Event
from broker.policy import Catalogue
from broker.policy.loading import load_catalogue
from broker.settings import default_policies_dir
from broker.web import words
from tests.support.logged import logged

CATALOGUE: Catalogue = load_catalogue(default_policies_dir())
ENTRY = logged(Event.ACCESS_REFUSED, decision="refused")


def told(entry: LoggedEntry) -> str:
    return words.sentence(entry, platform="Messenger", bank="Harbor Bank", catalogue=CATALOGUE)


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
