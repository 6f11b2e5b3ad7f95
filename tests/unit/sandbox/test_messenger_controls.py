"""The negative controls of Messenger as a receiver: faults in a copy of it that its tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_HERE = "tests/unit/sandbox/test_messenger_events.py"
_INBOX = "tests/unit/sandbox/test_messenger_inbox.py"
_EVENTS = "broker/sandbox/messenger/events"
_STORE = "broker/sandbox/messenger/store"
_VERIFIED = "jws.deserialize_compact(token, key, algorithms=[str(alg)]).payload"
PLANTS = (
    # What comes is believed.
    Plant(f"{_EVENTS}/tokens.py", _VERIFIED, "jws.extract_compact(token).payload", f"{_HERE}::forged"),
    Plant(f"{_EVENTS}/tokens.py", 'header.get("typ") != TYP or ', "", f"{_HERE}::forged"),
    Plant(f"{_EVENTS}/tokens.py", 'if claims.get("iss") != self.issuer:', "if False:", f"{_HERE}::forged"),
    Plant(f"{_EVENTS}/tokens.py", "not in (self.audience, [self.audience])", "is None", f"{_HERE}::forged"),
    Plant(f"{_EVENTS}/receiver.py", "if not hmac.compare_digest(", "if False and (", f"{_HERE}::forged"),
    # What came before, or comes too late, is acted upon.
    Plant(f"{_STORE}/inbox.py", ".on_conflict_do_nothing()", "", f"{_HERE}::acted_upon_once"),
    Plant(f"{_STORE}/inbox.py", "if is_old or not event.grant_id:", "if False:", f"{_HERE}::comes_too_late"),
    # What is to be forgotten is kept, and what rests is asked for.
    Plant(f"{_EVENTS}/forgetting.py", "return self._conversation.redact(connection.id, words)", "return 2", _HERE),
    Plant(f"{_STORE}/connections.py", "row.access_token = row.refresh_token = ", "", f"{_HERE}::nothing_of_the_grant"),
    Plant(f"{_EVENTS}/forgetting.py", "self._receipts.forget(connection.id)", "return", f"{_HERE}::confirmed"),
    Plant("broker/sandbox/messenger/refusals.py", "if code is not None:", "if False:", f"{_HERE}::not_asked_for"),
    # The broker is not told that it is done.
    Plant(f"{_EVENTS}/deletions.py", '"POST", f"{base}/acknowledgement"', '"GET", f"{base}/x/y"', _HERE),
    # Events overtake each other, stop each other, or are told twice; a part of a list is taken for all of it.
    Plant(f"{_STORE}/inbox.py", ", or_(~is_behind, is_end)", "", f"{_INBOX}::not_overtaken"),
    Plant(f"{_STORE}/inbox.py", "earlier.grant_id == EventRow.grant_id,", "", f"{_INBOX}::no_other_grant"),
    Plant(f"{_STORE}/inbox.py", "or_(~is_behind, is_end)", "~is_behind", f"{_INBOX}::waits_for_no_bank"),
    Plant(f"{_EVENTS}/worker.py", "except SealBrokenError:", "except KeyError:", f"{_INBOX}::set_aside"),
    Plant(f"{_EVENTS}/deletions.py", "except SealBrokenError:", "except KeyError:", f"{_INBOX}::set_aside"),
    Plant(f"{_STORE}/connections.py", "suppress(SealBrokenError)", "suppress(KeyError)", f"{_INBOX}::set_aside"),
    Plant(f"{_EVENTS}/deletions.py", "range(MOST_PAGES)", "range(1)", f"{_INBOX}::all_pages"),
    Plant(f"{_EVENTS}/deletions.py", "self._store.done_deletions.note(deletion_id)", "return", f"{_INBOX}::told_once"),
)


@pytest.mark.timeout(900)
@pytest.mark.control
@pytest.mark.campaign
def test_the_tests_of_messenger_find_every_planted_fault(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
