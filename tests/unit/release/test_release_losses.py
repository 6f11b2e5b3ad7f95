"""What a call loses to another one has a rule as well: the caller, the log and the person are told the same."""

from dataclasses import replace

import pytest

from broker.audit.reader import LoggedEntry, Page, of_user
from broker.banks.facts import SameFacts
from broker.clock import day_of, start_of_day
from broker.errors import BrokerError, FrequencyExceeded, ReleaseRefused
from broker.grants.reads import Read, ReadOn
from broker.grants.uses import Use
from broker.policy.decision import OWN_RULES
from broker.release import Wanted
from broker.release.questions import QuestionOfTheDay
from broker.storage.single_use import Claim, Condition
from broker.web.words import REASONS
from tests.support.core import NOON, House, as_text, call_of

_READ = Read("g", "balances", day_of(NOON), is_attended=False, ceiling=0)
_LOST: dict[str, tuple[Condition, type[BrokerError]]] = {
    "release.reads": (_READ, FrequencyExceeded),
    "release.questions": (QuestionOfTheDay("q", start_of_day(NOON), most=0), FrequencyExceeded),
    "release.facts": (SameFacts("harbor", 7), ReleaseRefused),
    "release.grant": (Use("no such grant", "balances", NOON, NOON), ReleaseRefused),
}


def last_entry(house: House) -> LoggedEntry:
    with house.database.read() as session:
        return of_user(session, house.sealer, house.alice.user_id, Page())[0]


@pytest.mark.parametrize("rule", _LOST)
def test_a_call_that_loses_is_told_the_rule_and_so_is_the_log(house: House, rule: str) -> None:
    condition, kind = _LOST[rule]
    call = replace(call_of(house.approved()), claims=(condition,))
    with pytest.raises(kind) as told:
        house.release.read(call, Wanted("balances"), as_text)
    assert (told.value.rule, told.value.detail) == (rule, condition.loss.text)
    entry = last_entry(house)
    assert (entry.event, entry.reasons) == ("access.refused", (told.value.code,))
    assert entry.details["rules"] == [{"rule": rule, "text": condition.loss.text}]
    assert told.value.code in REASONS
    assert house.bank.asked == []


def test_a_second_use_is_told_without_a_rule_for_none_decided_it(house: House) -> None:
    proof = Claim("dpop", "once", NOON)
    call = replace(call_of(house.approved()), claims=(proof,))
    house.release.read(call, Wanted("balances"), as_text).held.drop()
    with pytest.raises(BrokerError) as told:
        house.release.read(call, Wanted("balances"), as_text)
    assert (told.value.code, told.value.rule) == ("dpop-proof-replayed", None)
    assert "rules" not in last_entry(house).details


def test_a_page_that_cannot_go_on_loses_as_its_read_does() -> None:
    assert ReadOn(_READ, Claim("read-page", "r 2", NOON)).loss == _READ.loss
    assert _READ.loss.rule.startswith(OWN_RULES)
