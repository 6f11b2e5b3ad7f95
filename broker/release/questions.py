"""Counts the questions that one platform asks about one person in a day: few, so that none can be found by search."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.clock import start_of_day
from broker.errors import FrequencyExceeded
from broker.release.asking import Wanted
from broker.release.standing import Standing
from broker.storage.prepared import Transaction
from broker.storage.single_use import Claim, Loss, claim

_NAMESPACE = "question"


@dataclass(frozen=True, slots=True)
class QuestionOfTheDay:
    """One of at most `most` questions of a day (UTC), over all accounts and grants of the person at the bank.

    `asker` names category, platform, bank and person. Decided in the transaction that announces the access to the log.
    """

    asker: str
    day: datetime
    most: int

    @property
    def key(self) -> str:
        """Return who asks, and the day."""
        return f"{_NAMESPACE} {self.asker} {self.day:%Y-%m-%d}"

    @property
    def loss(self) -> Loss:
        """Return what is told of one question too many."""
        text = "No more questions about this person are answered to the app today."
        return Loss(FrequencyExceeded.code, "release.questions", text)

    def take(self, session: Transaction) -> bool:
        """Take the first place of the day that is free; False when there is none."""
        ends_at = self.day + timedelta(days=1)
        places = (Claim(_NAMESPACE, f"{self.key} {place}", ends_at) for place in range(self.most))
        return any(claim(session, place) for place in places)


def questions_of(found: Standing, wanted: Wanted, now: datetime) -> list[QuestionOfTheDay]:
    """Return what must be counted before a question is put to the bank: nothing for data."""
    rules, grant = found.rules.catalogue.categories[wanted.category].questions, found.grant
    if rules is None:
        return []
    asker = f"{wanted.category} {grant.platform_id} {grant.bank_id} {grant.user_id}"
    return [QuestionOfTheDay(asker, start_of_day(now), rules.most_per_day)]
