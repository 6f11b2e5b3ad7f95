"""Questions are counted in the transaction that announces them: exactly so many, however many ask at once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from broker.banks.connector import BankBalance
from broker.errors import BrokerError
from broker.policy.answers import AmountQuestion
from broker.policy.terms import CategoryTerm
from broker.release import Call, Wanted
from broker.storage.single_use import Claim, SingleUse, forget_expired
from tests.support.core import ANSWERS, ASKED, NOON, House, as_text, call_of

TERMS = replace(ASKED, categories=tuple(map(CategoryTerm, ANSWERS)))


@pytest.fixture
def call(house: House) -> Call:
    house.bank.own_balances = [BankBalance("ref-1", Decimal(60), Decimal(60), None, None, "GBP", NOON)]
    return call_of(house.approved(ANSWERS, terms=TERMS), *ANSWERS)


def ask(house: House, call: Call) -> str:
    rules = house.catalogue.categories["balance_answers"].questions
    assert rules is not None
    question = AmountQuestion.of(rules, at_least="50", currency="GBP", now=house.watch())
    try:
        with house.release.read(call, Wanted("balance_answers", "acc-1", question=question), as_text).held:
            return "answered"
    except BrokerError as error:
        return error.code


def test_of_many_questions_at_once_exactly_the_few_are_answered(house: House, call: Call) -> None:
    with ThreadPoolExecutor(10) as pool:
        outcomes = sorted(pool.map(lambda _: ask(house, call), range(10)))
    assert outcomes == ["answered"] * 3 + ["frequency-exceeded"] * 7
    assert len(house.bank.asked) == 3


def test_a_used_proof_uses_up_no_question(house: House, call: Call) -> None:
    with_proof = replace(call, claims=(Claim("dpop", "jti-1", NOON + timedelta(minutes=2)),))
    outcomes = [ask(house, with_proof) for _ in range(4)]
    assert outcomes == ["answered"] + ["dpop-proof-replayed"] * 3
    assert [ask(house, call) for _ in range(3)] == ["answered", "answered", "frequency-exceeded"]


def test_another_person_and_another_bank_are_counted_apart(house: House, call: Call) -> None:
    for _ in range(4):
        ask(house, call)
    bob = replace(house.alice, user_id=house.signs_in("sub-bob").user_id)
    other = call_of(house.approved(ANSWERS, terms=TERMS, actor=bob), *ANSWERS)
    assert (ask(house, call), ask(house, other)) == ("frequency-exceeded", "answered")


def test_what_was_counted_is_forgotten_when_its_day_is_over(house: House, call: Call) -> None:
    for _ in range(3):
        ask(house, call)
    with house.database.write() as session:
        forget_expired(session, NOON + timedelta(hours=12))
        assert session.query(SingleUse).filter_by(namespace="question").count() == 3
        forget_expired(session, NOON + timedelta(hours=13))
        assert session.query(SingleUse).filter_by(namespace="question").count() == 0
