"""Row 5: of ten at the same instant exactly one wins, over four processes, and nothing breaks."""

import json
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from sqlalchemy import select

from broker.audit.models import EntryRow
from broker.clock import system_clock
from broker.oauth.requests import key_of
from broker.policy.vocabulary import MachineScope
from broker.tokens.codes import Code, issue_code
from broker.tokens.machine import issue_machine
from tests.support.caller import CALLBACK, Caller, challenge_of, new_verifier
from tests.support.customers import Person
from tests.support.fleet import Fleet, running_fleet
from tests.support.planted import planted
from tests.support.postgres import PostgresServer
from tests.support.sharer import Sharer
from tests.support.sizes import Size
from tests.support.spread import processes_behind, spread_lines
from tests.support.wire import Answer, burst, message

WIDTH = 10
PROCESSES = 4
DETAILS = json.dumps([{"type": "bank_data", "purpose": "chat_banking", "categories": [{"name": "balances"}]}])

_LOOK_FIRST = (
    '    if cast("CursorResult[None]", session.execute(statement.values(used_at=now))).rowcount == 1:\n',
    (
        "    if session.get_one(CodeRow, one).used_at is None:\n"
        "        session.execute(update(CodeRow).where(CodeRow.digest == one).values(used_at=now))\n"
    ),
)
_EVERYBODY_WINS = (
    "    return _TAKEN.first(session, **taken) is not None\n",
    "    _TAKEN.first(session, **taken)\n    return True\n",
)

Outcome = tuple[int, str]


@dataclass
class Shared:
    """A person who shares balances with a platform that holds tokens."""

    person: Person
    grant: str
    caller: Caller
    access: str
    refresh: str


@pytest.fixture
def shared(fleet: Fleet) -> Shared:
    return shared_in(fleet)


def shared_in(fleet: Fleet) -> Shared:
    person, caller = fleet.person(), fleet.caller()
    grant = fleet.grant(person, ("balances",))
    (access,) = fleet.tokens(grant, caller.dpop.thumbprint)
    (refresh,) = fleet.refresh_tokens(grant)
    return Shared(person, grant, caller, access, refresh)


def codes_of(fleet: Fleet, shared: Shared) -> Callable[[], list[bytes]]:
    """Prepare ten redemptions of one new code, again and again."""

    def prepare() -> list[bytes]:
        verifier = new_verifier()
        code = Code(shared.grant, "messenger", CALLBACK, challenge_of(verifier), shared.caller.dpop.thumbprint)
        secret = fleet.writes(lambda session: issue_code(session, code, system_clock()))
        return [shared.caller.redeeming(secret, verifier) for _ in range(WIDTH)]

    return prepare


def bursts(fleet: Fleet, count: int, prepare: Callable[[], list[bytes]]) -> list[list[Answer]]:
    """Run so many bursts over lines to every process."""
    lines = spread_lines(fleet, WIDTH)
    assert processes_behind(fleet, lines) == PROCESSES
    return [burst(lines, prepare()) for _ in range(count)]


def one_wins(runs: list[list[Answer]], won: int, lost: Outcome) -> None:
    """Demand that in every burst one answer has the status of success and all the others this refusal."""
    expected = Counter({(won, ""): 1, lost: WIDTH - 1})
    wrong = [found for answers in runs if (found := Counter((a.status, a.code) for a in answers)) != expected]
    assert wrong == []


@pytest.mark.fapi(25)
def test_of_ten_redemptions_of_one_code_one_gets_tokens(fleet: Fleet, shared: Shared, size: Size) -> None:
    runs = bursts(fleet, size.of(test=60, campaign=1_000, soak=10_000), codes_of(fleet, shared))

    one_wins(runs, 200, (400, "invalid_grant"))
    # Nine replays followed the one that won: what it was given is dead.
    (winner,) = (answer for answer in runs[-1] if answer.status == 200)
    assert shared.caller.read("balances", winner.json()["access_token"]).status == 401
    assert shared.caller.refresh(winner.json()["refresh_token"]).code == "invalid_grant"


def test_of_ten_decisions_on_one_request_one_counts(fleet: Fleet, shared: Shared, size: Size) -> None:
    accounts, sharer = shared.person.accounts["messenger"], fleet.sharer(shared.person)

    def prepare() -> list[bytes]:
        grant_id = fleet.proposal(shared.person, ("balances",))
        approvals = [sharer.approving(grant_id, ("balances",), accounts) for _ in range(2)]
        requests = approvals + [sharer.refusing(grant_id) for _ in range(WIDTH - len(approvals))]
        secrets.SystemRandom().shuffle(requests)
        return requests

    runs = bursts(fleet, size.of(test=60, campaign=1_000, soak=10_000), prepare)

    one_wins(runs, 303, (409, "consent-decided"))


def test_ten_tabs_that_bring_one_decision_back_get_one_code(fleet: Fleet, shared: Shared, size: Size) -> None:
    def prepare() -> list[bytes]:
        grant_id, sharer = arrived(fleet, shared)
        approved = sharer.line.call(sharer.approving(grant_id, ("balances",), shared.person.accounts["messenger"]))
        assert approved.status == 303
        return [sharer.getting(approved.headers["location"]) for _ in range(WIDTH)]

    runs = bursts(fleet, size.of(test=10, campaign=100, soak=10_000), prepare)

    one_wins(runs, 303, (400, "request-answered"))
    (winner,) = (answer for answer in runs[-1] if answer.status == 303)
    assert "code" in parse_qs(urlsplit(winner.headers["location"]).query)


def test_of_ten_browsers_with_one_request_uri_one_may_go_on(fleet: Fleet, shared: Shared, size: Size) -> None:
    def prepare() -> list[bytes]:
        # No cookies: to the broker these are ten browsers that have never been here.
        return [message("GET", arrival_of(pushed(shared.caller)), {"Accept": "application/json"})] * WIDTH

    runs = bursts(fleet, size.of(test=10, campaign=100, soak=10_000), prepare)

    one_wins(runs, 303, (400, "request-expired"))


@pytest.mark.fapi(69)
def test_of_ten_calls_with_one_dpop_proof_one_gets_data(fleet: Fleet, shared: Shared, size: Size) -> None:
    url = f"{shared.caller.base_url}/v1/accounts/balances"

    def prepare() -> list[bytes]:
        proof = shared.caller.dpop.proof("GET", url, shared.access)
        return [shared.caller.reading("/v1/accounts/balances", shared.access, proof=proof) for _ in range(WIDTH)]

    runs = bursts(fleet, size.of(test=30, campaign=500, soak=5_000), prepare)

    one_wins(runs, 200, (401, "dpop-proof-replayed"))


def test_of_ten_token_requests_with_one_dpop_proof_one_is_served(fleet: Fleet, shared: Shared, size: Size) -> None:
    def prepare() -> list[bytes]:
        proof = shared.caller.dpop.proof("POST", f"{shared.caller.base_url}/oauth/token")
        return [shared.caller.refreshing(shared.refresh, proof=proof) for _ in range(WIDTH)]

    runs = bursts(fleet, size.of(test=30, campaign=500, soak=5_000), prepare)

    one_wins(runs, 200, (400, "dpop-proof-invalid"))


def test_of_ten_requests_with_one_client_assertion_one_is_served(fleet: Fleet, shared: Shared, size: Size) -> None:
    def prepare() -> list[bytes]:
        assertion = shared.caller.key.assertion("messenger", shared.caller.base_url)
        return [shared.caller.refreshing(shared.refresh, assertion=assertion) for _ in range(WIDTH)]

    runs = bursts(fleet, size.of(test=60, campaign=1_000, soak=10_000), prepare)

    one_wins(runs, 200, (401, "invalid_client"))


def test_of_ten_machines_that_give_back_one_grant_all_are_told_so_and_one_has_done_it(
    fleet: Fleet, shared: Shared, size: Size
) -> None:
    caller, grants = shared.caller, []
    facts = {"platform_id": "messenger", "jkt": caller.dpop.thumbprint, "scopes": tuple(MachineScope)}
    token, _ = fleet.writes(lambda session: issue_machine(session, **facts, requires_nonce=False, now=system_clock()))

    def prepare() -> list[bytes]:
        grants.append(fleet.grant(shared.person, ("balances",)))
        path = f"/oauth/grants/{grants[-1]}"
        proofs = [caller.dpop.proof("DELETE", caller.base_url + path, token) for _ in range(WIDTH)]
        return [message("DELETE", path, {"Authorization": f"DPoP {token}", "DPoP": proof}) for proof in proofs]

    runs = bursts(fleet, size.of(test=10, campaign=100, soak=3_000), prepare)

    assert [{answer.status for answer in answers} for answers in runs] == [{204}] * len(runs)
    with fleet.services.database.read() as session:
        ended = session.execute(select(EntryRow.grant_id).where(EntryRow.event == "grant.revoked")).scalars().all()
    assert sorted(grant_id for grant_id in ended if grant_id in grants) == sorted(grants)


def test_of_ten_pushes_of_one_signed_request_one_is_kept(fleet: Fleet, shared: Shared, size: Size) -> None:
    def prepare() -> list[bytes]:
        request = shared.caller.request_object(DETAILS, new_verifier())
        return [shared.caller.form("/oauth/par", {"request": request}) for _ in range(WIDTH)]

    runs = bursts(fleet, size.of(test=10, campaign=100, soak=5_000), prepare)

    one_wins(runs, 201, (400, "invalid_request_object"))


def pushed(caller: Caller) -> str:
    """Push a request and return its request_uri."""
    answer = caller.line.call(caller.pushing(DETAILS, new_verifier()))
    assert answer.status == 201, answer.body
    return str(answer.json()["request_uri"])


def arrival_of(request_uri: str) -> str:
    return "/oauth/authorize?" + urlencode({"client_id": "messenger", "request_uri": request_uri})


def arrived(fleet: Fleet, shared: Shared) -> tuple[str, Sharer]:
    """Let a request have been pushed and the person have come to its consent page, signed in for it."""
    request_uri = pushed(shared.caller)
    sharer = fleet.sharer(shared.person, wish=key_of(request_uri)[:16])
    answer = sharer.line.call(sharer.getting(arrival_of(request_uri)))
    assert answer.status == 303, answer.body
    return answer.headers["location"].removeprefix("/consent/"), sharer


@pytest.mark.control
@pytest.mark.campaign
def test_looking_first_and_writing_then_is_found(tmp_path: Path, postgres: PostgresServer) -> None:
    code = planted(tmp_path / "code", "broker/tokens/codes.py", *_LOOK_FIRST)
    data = tmp_path / "data"
    data.mkdir()
    with running_fleet(data, postgres.new_database(), code=code) as broken:
        runs = bursts(broken, 60, codes_of(broken, shared_in(broken)))
    assert max(sum(answer.status == 200 for answer in answers) for answers in runs) > 1


@pytest.mark.control
@pytest.mark.campaign
def test_claims_that_are_not_kept_are_found(tmp_path: Path) -> None:
    code = planted(tmp_path / "code", "broker/storage/single_use.py", *_EVERYBODY_WINS)
    data = tmp_path / "data"
    data.mkdir()
    with running_fleet(data, code=code) as broken:
        shared = shared_in(broken)
        proof = shared.caller.dpop.proof("GET", f"{shared.caller.base_url}/v1/accounts/balances", shared.access)
        request = shared.caller.reading("/v1/accounts/balances", shared.access, proof=proof)
        (answers,) = bursts(broken, 1, lambda: [request] * WIDTH)
    assert [answer.status for answer in answers] == [200] * WIDTH
