"""Everything that one person and one platform can have under way, so that a fault can strike at every step of it."""

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from broker.audit.vocabulary import Event
from broker.clock import system_clock
from broker.policy.vocabulary import GrantStatus
from broker.tokens.codes import Code, issue_code
from tests.support.caller import CALLBACK, PATHS, Caller, challenge_of, new_verifier
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
        return self.caller.read("balances", self.token)

    def revokes(self) -> Answer:
        return self.sharer.acts("revoke", self.grant_id)

    def asking(self) -> dict[str, bytes]:
        """Prepare everything that the two may want, by its name."""
        self.called.append(str(uuid.uuid4()))
        accounts = self.person.accounts["messenger"]
        return {
            "reading": self.caller.reading(PATHS["balances"], self.token, interaction_id=self.called[-1]),
            "redeeming": self.caller.redeeming(self.code, self.verifier),
            "refreshing": self.caller.refreshing(self.refresh_token),
            "pushing": self.caller.pushing(json.dumps(_DETAILS), new_verifier()),
            "revoking": self.sharer.acting("revoke", self.grant_id),
            "approving": self.sharer.approving(self.proposal_id, ("balances",), accounts),
            "refusing": self.sharer.refusing(self.proposal_id),
            "visiting": self.sharer.getting("/my-sharing"),
        }

    def status(self, grant_id: str | None = None) -> GrantStatus:
        with self.fleet.services.database.read() as session:
            found = self.fleet.services.grant_reader.find(session, grant_id or self.grant_id, system_clock())
        assert found is not None
        return found.status

    def wrongs_while_away(self, *, pages: bool = False, ready: int = 503) -> Iterator[str]:
        """Try everything while the database cannot be written.

        `pages` says that it can still be read, `ready` how the broker then says whether it can serve.
        """
        asking = self.asking()
        with ThreadPoolExecutor(len(asking)) as pool:  # at once: each may have to wait for a lock, for ten seconds
            answers = dict(zip(asking, pool.map(self._answered, asking.values()), strict=True))
        page = answers.pop("visiting")
        if page.status != (200 if pages else 503) or b"</html>" not in page.body:
            yield f"My sharing answers {page.status} {page.body[:200]!r}"
        for name, got in answers.items():
            yield from _wrong_refusal(name, got)
        told = answers["revoking"].body
        if pages and b"This was not done" not in told:
            yield f"the page does not say that it was not done: {told[-1500:]!r}"
        if not pages and b"nothing was changed" not in told:
            yield f"the page does not say that nothing was changed: {told[-1500:]!r}"
        yield from self.wrong_health(ready)

    def _answered(self, request: bytes) -> Answer:
        line = Line(self.fleet.port)
        try:
            return line.call(request)
        finally:
            line.close()

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
        for name, expected in (
            ("reading", 200),
            ("redeeming", 200 if time.monotonic() - self.began < _CODE_LIFE_S else 400),
            ("refreshing", 200),
            ("pushing", 201),
            ("approving", 303),
            ("revoking", 303),
            ("reading", 401),
        ):
            got = self._answered(self.asking()[name])
            if got.status != expected:
                yield f"afterwards, {name}: {got.status} {got.body[:300]!r}"
        if (status := self.status()) is not GrantStatus.REVOKED:
            yield f"the revoked grant is {status}"


def _wrong_refusal(name: str, got: Answer) -> Iterator[str]:
    if got.status != 503 or "retry-after" not in got.headers:
        yield f"{name}: {got.status} {dict(got.headers)} {got.body[:300]!r}"
    if b"currentBalance" in got.body or b"access_token" in got.body:
        yield f"{name}: something has leaked"
