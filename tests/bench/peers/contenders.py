"""What is measured: each contender serves on a port, and says with which requests it is loaded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.support.caller import Caller
from tests.support.fleet import Fleet
from tests.support.signer import Signer
from tests.support.wire import message

MOST_CLIENTS = 64
BALANCES = "/v1/accounts/balances"
Requests = list[list[bytes]]


@dataclass
class Contender:
    """One server under one kind of request.

    `prepare` makes so many requests for each of so many clients; a request that can be sent again (`repeats`) is made
    once. `per_second` is what to expect, by which enough are prepared. `database` is the process of a database server.
    """

    name: str
    port: int
    pid: int
    prepare: Callable[[int, int], Requests]
    repeats: bool = False
    per_second: float = 500.0
    database: int | None = None
    concurrencies: tuple[int, ...] = field(default=(1, 16, MOST_CLIENTS))


def repeated(request: bytes) -> Callable[[int, int], Requests]:
    """Return what prepares the same request for everybody."""
    return lambda clients, _each: [[request] for _ in range(clients)]


def get(path: str, **headers: str) -> bytes:
    """Write a GET; underscores in the names of headers stand for hyphens."""
    return message("GET", path, {name.replace("_", "-"): value for name, value in headers.items()})


class Readers:
    """Machines of a platform, each with the grant of another person, a token and a key of its own."""

    def __init__(self, fleet: Fleet, category: str = "balances") -> None:
        self._category = category
        self._each: list[tuple[Caller, str, str]] = []
        for _ in range(MOST_CLIENTS):
            caller, person = fleet.caller(), fleet.person()
            grant = fleet.grant(person, (category,))
            (token,) = fleet.tokens(grant, caller.dpop.thumbprint, (category,))
            account = person.accounts["messenger"][0]
            path = BALANCES if category == "balances" else f"/v1/accounts/{account}/transactions"
            self._each.append((caller, token, path))

    def prepare(self, clients: int, each: int) -> Requests:
        """Sign every proof beforehand: each can be used once."""
        return [[_signed(*machine) for _ in range(each)] for machine in self._each[:clients]]


def _signed(caller: Caller, token: str, path: str) -> bytes:
    return caller.reading(path, token)


def machine_tokens(callers: Sequence[Caller]) -> Callable[[int, int], Requests]:
    """Return what prepares requests for the broker's own machine tokens: an assertion and a proof, each used once."""
    fields = {"grant_type": "client_credentials", "scope": "grant_management_query"}
    return lambda clients, each: [[one.form("/oauth/token", fields) for _ in range(each)] for one in callers[:clients]]


class Peer:
    """The client of node-oidc-provider: a key that authenticates it, a key that its tokens are bound to."""

    def __init__(self, port: int) -> None:
        self.key, self.dpop, self._issuer = Signer(), Signer(), f"http://localhost:{port}"
        self._port = port

    def userinfo(self, token: str) -> Callable[[int, int], Requests]:
        """Return what prepares requests for userinfo with a DPoP-bound token."""

        def prepare(clients: int, each: int) -> Requests:
            return [[self._bound(token) for _ in range(each)] for _ in range(clients)]

        return prepare

    def tokens(self, clients: int, each: int) -> Requests:
        """Prepare requests for machine tokens: an assertion and a proof, each used once."""
        return [[self._asking() for _ in range(each)] for _ in range(clients)]

    def _bound(self, token: str) -> bytes:
        proof = self.dpop.proof("GET", f"{self._issuer}/me", token)
        return self._named(message("GET", "/me", {"Authorization": f"DPoP {token}", "DPoP": proof}))

    def _asking(self) -> bytes:
        url = f"{self._issuer}/token"
        form = {
            "grant_type": "client_credentials",
            "scope": "read",
            "client_id": "bench",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.key.assertion("bench", self._issuer),
        }
        return self._named(message("POST", "/token", {"DPoP": self.dpop.proof("POST", url)}, form))

    def _named(self, request: bytes) -> bytes:
        """Name the port: node-oidc-provider takes its own address from the request."""
        return request.replace(b"Host: localhost\r\n", f"Host: localhost:{self._port}\r\n".encode(), 1)
