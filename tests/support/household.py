"""Everything that one person and one platform can have under way, so that a fault can strike at every step of it."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from broker.audit.vocabulary import Event
from broker.clock import system_clock
from broker.policy.vocabulary import GrantStatus
from broker.tokens.codes import Code, issue_code
from tests.support.caller import CALLBACK, Caller, challenge_of, new_verifier
from tests.support.customers import Person
from tests.support.fleet import Fleet
from tests.support.sharer import Sharer
from tests.support.wire import Answer, Line, message

_CODE_LIFE_S = 55
_DETAILS = [{"type": "bank_data", "purpose": "chat_banking", "categories": [{"name": "balances"}]}]


@dataclass
class Household:
    """One person with a live grant, an unredeemed code and an open proposal, before the fault strikes."""

    fleet: Fleet
    person: Person
    caller: Caller
    sharer: Sharer
    grant_id: str
    token: str
    refresh_token: str
    code: str
    verifier: str
    proposal_id: str
    called: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    @classmethod
    def in_order(cls, fleet: Fleet) -> "Household":
        person, caller, verifier = fleet.person(), fleet.caller(), new_verifier()
        grant_id = fleet.grant(person)
        code = Code(grant_id, "messenger", CALLBACK, challenge_of(verifier), None)
        return cls(
            fleet,
            person,
            caller,
            fleet.sharer(person).as_page(),
            grant_id,
            fleet.tokens(grant_id, caller.dpop.thumbprint)[0],
            fleet.refresh_tokens(grant_id)[0],
            fleet.writes(lambda session: issue_code(session, code, system_clock())),
            verifier,
            fleet.proposal(person, ("balances",)),
        )

    def close(self) -> None:
        self.caller.line.close()
        self.sharer.line.close()

    def reads(self) -> Answer:
        self.called.append(str(uuid.uuid4()))
        return self.caller.read("balances", self.token, self.called[-1])

    def revokes(self) -> Answer:
        return self.sharer.acts("revoke", self.grant_id)

    def redeems(self) -> Answer:
        return self.caller.line.call(self.caller.redeeming(self.code, self.verifier))

    def refreshes(self) -> Answer:
        return self.caller.refresh(self.refresh_token)

    def pushes(self) -> Answer:
        return self.caller.line.call(self.caller.pushing(json.dumps(_DETAILS), new_verifier()))

    def approves(self) -> Answer:
        accounts = self.person.accounts["messenger"]
        return self.sharer.line.call(self.sharer.approving(self.proposal_id, ("balances",), accounts))

    def refuses(self) -> Answer:
        return self.sharer.line.call(self.sharer.refusing(self.proposal_id))

    def visits(self, path: str = "/my-sharing") -> Answer:
        return self.sharer.line.call(self.sharer.getting(path))

    def status(self, grant_id: str | None = None) -> GrantStatus:
        with self.fleet.services.database.read() as session:
            found = self.fleet.services.grant_reader.find(session, grant_id or self.grant_id, system_clock())
        assert found is not None
        return found.status

    def wrongs_while_away(self, *, pages: bool = False, ready: int = 503) -> Iterator[str]:
        """Try everything while the database cannot be written.

        `pages` says that it can still be read, `ready` how the broker then says whether it can serve.
        """
        for name, act in (
            ("reading", self.reads),
            ("redeeming", self.redeems),
            ("refreshing", self.refreshes),
            ("pushing", self.pushes),
            ("revoking", self.revokes),
            ("approving", self.approves),
            ("refusing", self.refuses),
        ):
            yield from _wrong_refusal(name, act())
        page = self.visits()
        if page.status != (200 if pages else 503) or b"</html>" not in page.body:
            yield f"My sharing answers {page.status} {page.body[:200]!r}"
        asked = self.sharer.acts("revoke", self.grant_id)
        if pages and b"This was not done" not in asked.body:
            yield f"the page does not say that it was not done: {asked.body[-1500:]!r}"
        if not pages and b"nothing was changed" not in asked.body:
            yield f"the page does not say that nothing was changed: {asked.body[-1500:]!r}"
        yield from self.wrong_health(ready)

    def wrong_health(self, ready: int) -> Iterator[str]:
        line = Line(self.fleet.port)
        for path, expected in (("/healthz", 200), ("/readyz", ready)):
            got = line.call(message("GET", path, {"Accept": "application/json"}))
            if got.status != expected:
                yield f"{path} answers {got.status} {got.body!r}"
        line.close()

    def wrongs_afterwards(self) -> Iterator[str]:
        """Look whether everything is as it was, and do again what could not be done."""
        if (status := self.status()) is not GrantStatus.ACTIVE:
            yield f"the grant is {status}"
        if (status := self.status(self.proposal_id)) is not GrantStatus.AWAITING_AUTHORISATION:
            yield f"the proposal is {status}"
        logged = [e.event for e in self.fleet.log() if e.interaction_id in self.called]
        if Event.ACCESS_RELEASED in logged:
            yield "something was released"
        for name, act, expected in (
            ("reading", self.reads, 200),
            ("redeeming", self.redeems, 200 if time.monotonic() - self.began < _CODE_LIFE_S else 400),
            ("refreshing", self.refreshes, 200),
            ("pushing", self.pushes, 201),
            ("approving", self.approves, 303),
            ("revoking", self.revokes, 303),
            ("reading", self.reads, 401),
        ):
            got = act()
            if got.status != expected:
                yield f"afterwards, {name}: {got.status} {got.body[:300]!r}"
        if (status := self.status()) is not GrantStatus.REVOKED:
            yield f"the revoked grant is {status}"


def _wrong_refusal(name: str, got: Answer) -> Iterator[str]:
    if got.status != 503 or "retry-after" not in got.headers:
        yield f"{name}: {got.status} {dict(got.headers)} {got.body[:300]!r}"
    if b"currentBalance" in got.body or b"access_token" in got.body:
        yield f"{name}: something has leaked"
