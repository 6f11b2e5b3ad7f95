"""Reads of the simulation: what may leave is told by the model, what has left by the bytes, the bank and the log."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from broker.banks.connector import (
    BankAccess,
    BankBalance,
    BankTransaction,
    CardUse,
    Channel,
    Place,
    TransactionStatus,
    TransactionType,
)
from broker.clock import start_of_day
from broker.errors import BankTimeout, BankUnavailable, ProofRefused, ReleaseRefused, TokenRefused
from broker.policy.minimise import Record
from broker.release import Call, Missing, Rendered, Wanted
from broker.storage.single_use import Claim
from tests.support.core import NOON, FakeBank, account, call_of
from tests.support.simulation import TROUBLE, Crash, Simulation

CANARY = "canary-4711"
REFS = ("ref-1", "ref-2", "ref-of-somebody-else")
OUTCOMES = {"access.released", "access.refused", "access.failed"}


def lay_out(bank: FakeBank) -> None:
    """Give the bank more than it should tell: another customer's account, and records older than any grant."""
    bank.own_accounts = [account(ref, name=f"{CANARY} {ref}") for ref in REFS]
    bank.own_balances = [
        BankBalance(ref, Decimal("4711.99"), Decimal("4711.98"), None, None, "GBP", NOON) for ref in REFS
    ]
    place = Place("GB", None, CANARY, "LS1 4AP", CANARY, Decimal("53.8"), Decimal("-1.5"))
    for ref in REFS:
        for number, at in enumerate((NOON, NOON - timedelta(days=1), NOON - timedelta(days=400))):
            name = f"{ref}-{number}"
            bank.own_transactions.append(
                BankTransaction(
                    ref, name, TransactionType.PAYMENT, TransactionStatus.POSTED, CANARY, None, at, Decimal("-4711.97"),
                    "GBP", CANARY, CANARY, "0742",
                )
            )  # fmt: skip
            bank.own_card_uses.append(CardUse(ref, name, at, Channel.IN_STORE, "5411", place, "bank"))


@dataclass
class Reads:
    """The platform's side of a simulation."""

    world: Simulation
    used: list[Claim] = field(default_factory=list)
    count: int = 0
    records: list[Record] | None = None

    def __post_init__(self) -> None:
        for bank in self.world.house.banks.values():
            lay_out(bank)

    def reads(
        self, key: str, names: frozenset[str], wanted: Wanted, *, meanwhile: Callable[[], object], replays: bool
    ) -> str:
        """Call once with a token of these categories; `meanwhile` happens while the bank works."""
        self.count += 1
        now, replays = self.world.house.watch(), replays and bool(self.used)
        claim = self.used[-1] if replays else Claim("dpop", f"proof {self.count}", now + timedelta(days=400))
        call = replace(call_of(key, *names), interaction_id=str(UUID(int=self.count)), claims=(claim,))
        call = replace(call, token_categories=names)
        bank = self.world.house.banks[self.world.consents[key].bank]
        bank.meanwhile, bank.error, asked = self._announced(call, meanwhile), None, len(bank.asked)
        may = self._may(key, names, wanted)
        outcome = self._outcome(call, wanted, may=may, replays=replays)
        self.used += [claim] if self.events(call) else []
        self._logged(call, outcome, asked=len(bank.asked) - asked)
        return outcome

    def _may(self, key: str, names: frozenset[str], wanted: Wanted) -> bool:
        consent, now = self.world.consents[key], self.world.house.watch()
        return wanted.category in names and consent.lets_out(wanted.category, wanted.account_id, now)

    def _outcome(self, call: Call, wanted: Wanted, *, may: bool, replays: bool) -> str:
        self.records, live = None, self.world.consents[call.grant_id].live_accounts()
        asked_at = self.world.house.watch()
        try:
            released = self.world.house.release.read(call, wanted, self._rendered)
        except Crash:
            self.world.crashes()
            self.world.may_have_recorded_expiry(call.grant_id)
            return "crashed"
        except TROUBLE:
            assert self.world.mend is not None, "refused for trouble that nobody made"
            return "trouble"
        except ProofRefused:
            assert replays, "a new proof was taken for a used one"
            return "replayed"
        except BankUnavailable:
            return "failed"
        except (TokenRefused, ReleaseRefused) as refusal:
            # Less than was fetched may leave by now: refused too, the caller asks again.
            is_less = not live <= self.world.consents[call.grant_id].live_accounts()
            self.world.has_told_expiry(call.grant_id)
            return self._is_rightly(refusal.code, call, wanted, may=may and not is_less)
        released.held.drop()
        assert not replays, "a used proof was taken again"
        assert may, "released what nobody has granted"
        assert self._may(call.grant_id, call.token_categories, wanted), "released after it was taken back"
        self._within(call, wanted, asked_at)
        return "released"

    def _is_rightly(self, code: str, call: Call, wanted: Wanted, *, may: bool) -> str:
        still_may = may and self._may(call.grant_id, call.token_categories, wanted)
        assert not still_may, f"refused without a reason: {code}"
        return "refused"

    def _announced(self, call: Call, meanwhile: Callable[[], object]) -> Callable[[BankAccess], None]:
        def called(access: BankAccess) -> None:
            assert access.interaction_id == call.interaction_id
            assert self.events(call)[-1:] == ["access.requested"], "the bank is asked for what is not in the log"
            meanwhile()

        return called

    def bank_fails(self) -> None:
        raise BankTimeout

    def _rendered(self, records: list[Record], _missing: Missing) -> Rendered:
        self.records = records
        return Rendered(json.dumps(records, default=str).encode(), len(records))

    def _within(self, call: Call, wanted: Wanted, asked_at: datetime) -> None:
        """Hold what has left against what the person approved (invariant 5).

        The history counts from when the call was announced: its days stand in that entry, and the bank was asked for
        them, however long it took.
        """
        consent = self.world.consents[call.grant_id]
        assert consent.terms is not None
        term = consent.terms.category(wanted.category)
        assert term is not None
        catalogue = self.world.house.catalogue
        fields = {one.name for one in catalogue.categories[wanted.category].fields_in(term)}
        accounts = consent.live_accounts() if wanted.account_id is None else {wanted.account_id}
        oldest = start_of_day(asked_at - timedelta(days=consent.terms.lookback_days))
        for record in self.records or ():
            assert set(record) <= fields
            assert record["accountId"] in accounts
            at = record.get("executionDateTime")
            assert at is None or at >= oldest

    def events(self, call: Call) -> list[str]:
        """What the log durably says about one call, on a connection of its own."""
        query = "SELECT event FROM audit_entries WHERE interaction_id = ? ORDER BY number"
        return [row[0] for row in self.world.eye.execute(query, (call.interaction_id,))]

    def _logged(self, call: Call, outcome: str, *, asked: int) -> None:
        """Every call has its entries: announced before the bank was asked, and how it ended, once."""
        events = self.events(call)
        assert asked <= events.count("access.requested") <= 1
        assert sum(event in OUTCOMES for event in events) <= 1
        if outcome == "released":
            assert events == ["access.requested", "access.released"]
        elif outcome in {"refused", "replayed", "failed"}:
            assert events[-1:] == ["access.failed" if outcome == "failed" else "access.refused"]
        else:
            assert "access.released" not in events or outcome == "crashed"

    def nothing_of_a_bank_is_stored(self) -> None:
        stored: bytes = self.world.house.stored_bytes()
        for value in (CANARY, "4711.99", "4710.99", "LS1 4AP", "ref-of-somebody-else"):
            assert value.encode() not in stored, value
