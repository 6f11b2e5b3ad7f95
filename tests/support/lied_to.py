"""A fleet of two banks, one of which lies, and the one rule for what has to follow from a lie."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from broker.audit.vocabulary import Event
from tests.support.caller import PATHS, Caller
from tests.support.customers import Person
from tests.support.fleet import ROOT, Fleet, running_fleet
from tests.support.lies import CANARY, FOREIGN
from tests.support.lying_bank import Lie, LyingBank, replace_bank
from tests.support.wire import Answer, LineBroken

TIMEOUT_S = 1.0
CODES = {502: "bank-unavailable", 503: "bank-unavailable", 504: "bank-unavailable"}
_SLACK_S = 2.0
_TOKEN_USED_S = 200.0
_REST = "rest"


@dataclass
class Reader:
    """A platform's machine that may read everything of one person at one bank; its token is renewed in time."""

    fleet: Fleet
    caller: Caller
    person: Person
    grant_id: str
    token: str = ""
    issued_at: float = 0.0

    def reads(self, category: str, interaction_id: str | None = None) -> Answer:
        if not self.token or time.monotonic() - self.issued_at > _TOKEN_USED_S:
            (self.token,) = self.fleet.tokens(self.grant_id, self.caller.dpop.thumbprint)
            self.issued_at = time.monotonic()
        path = PATHS.get(category, f"/v1/accounts/{self.person.accounts['messenger'][0]}/transactions")
        return self.caller.line.call(self.caller.reading(path, self.token, interaction_id=interaction_id))


def reader_of(fleet: Fleet, bank_id: str) -> Reader:
    person, caller = fleet.person(bank_id), fleet.caller()
    return Reader(fleet, caller, person, fleet.grant(person))


@dataclass
class LiedTo:
    """One broker process between an honest bank (meridian) and one that lies (harbor)."""

    fleet: Fleet
    bank: LyingBank
    at_liar: Reader
    at_honest: Reader

    def wrongs(self, lie: Lie, category: str) -> list[str]:
        """Let the bank lie about one reading and name everything that is not as it must be."""
        called, began = str(uuid.uuid4()), time.monotonic()
        with self.bank.lying(lie):
            try:
                got = self.at_liar.reads(category, called)
            except LineBroken:
                return ["no answer came"]
            took_s = time.monotonic() - began
            other = self.at_honest.reads("balances")
        # A success between the lies also closes the breaker, so that each lie is heard.
        again = self.at_liar.reads("balances")
        return [
            *_wrong_answer(got),
            *([] if took_s < TIMEOUT_S + _SLACK_S else [f"it took {took_s:.1f} s"]),
            *([] if other.status == 200 else [f"the other bank's call got {other.status}"]),
            *([] if again.status == 200 else [f"the next honest answer got {again.status} {again.body!r}"]),
            *self._wrong_entries(called),
        ]

    def _wrong_entries(self, interaction_id: str) -> list[str]:
        events = [entry.event for entry in self.fleet.log() if entry.interaction_id == interaction_id]
        return [] if events == [Event.ACCESS_REQUESTED, Event.ACCESS_FAILED] else [f"the log says {events}"]


def _wrong_answer(got: Answer) -> Iterator[str]:
    expected = {CODES.get(got.status), "bank-sign-in-needed" if got.status == 503 else None}
    if got.status not in CODES or got.code not in expected:
        yield f"the answer is {got.status} {got.body[:300]!r}"
    if got.status == 503 and "retry-after" not in got.headers:
        yield "Retry-After is missing"
    if CANARY.encode() in got.body or FOREIGN.encode() in got.body or b"7391" in got.body:
        yield "what the bank said came through"
    if got.code == "bank-unavailable" and _REST in str(got.json()["detail"]):
        yield "the bank was not asked at all"


@contextmanager
def lied_to(
    folder: Path, code: Path = ROOT, *, workers: int = 1, bank_ids: Sequence[str] = ("harbor", "meridian"), **more: Any
) -> Iterator[LiedTo]:
    folder.mkdir(exist_ok=True)
    more = {"BROKER_BANK_TIMEOUT_S": str(TIMEOUT_S)} | more
    with running_fleet(folder, code=code, bank_ids=bank_ids, workers=workers, **more) as fleet:
        bank = replace_bank(fleet)
        house = LiedTo(fleet, bank, reader_of(fleet, "harbor"), reader_of(fleet, "meridian"))
        yield house
        house.at_liar.caller.line.close()
        house.at_honest.caller.line.close()
