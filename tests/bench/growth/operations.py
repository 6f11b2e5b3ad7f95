"""The operations that must not slow down, each through the real application: made ready first, then timed alone."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from broker.edge.visitor import Visitor, sign_in
from broker.release.counting import recount_stalest
from tests.support.core import House
from tests.support.edge import Platform, app_of

_BALANCES = "/v1/accounts/balances"
Timed = Callable[[], TestResponse]
"""What is timed. Everything that it needs is there."""


@dataclass(slots=True)
class Scene:
    """One database behind the application, and who stands in it: live grants, and a seeded choice among them."""

    house: House
    app: Flask
    live: list[tuple[str, str, str, str]]
    drawn: random.Random = field(default_factory=lambda: random.Random(9))

    @classmethod
    def of(cls, house: House) -> "Scene":
        """Open the application on a house."""
        app = app_of(house)

        def be(bank: str, user: str) -> dict[str, Any]:
            sign_in(Visitor(bank, "Somebody", user))
            return {}

        app.add_url_rule("/t/be/<bank>/<user>", "t_be", be)
        live = house.store.rows(
            "SELECT id, user_id, platform_id, bank_id FROM grants WHERE status = 'ACTIVE' AND user_id IN "
            "(SELECT user_id FROM user_identities) ORDER BY id"
        )
        found = [(one[0], one[1], one[2], one[3]) for one in live]
        return cls(house, app, found)

    def grant(self, bank: str | None = None) -> tuple[str, str, str, str]:
        """Choose a live grant (of a bank): its id, user, platform and bank."""
        while True:
            found = self.drawn.choice(self.live)
            if bank in {None, found[3]}:
                return found

    def person(self, user: str, bank: str) -> FlaskClient:
        """Return the browser of a person who has signed in."""
        return self._visiting(f"/t/be/{bank}/{user}")

    def staff(self) -> FlaskClient:
        """Return the browser of somebody of Harbor Bank's staff."""
        return self._visiting("/t/enter/harbor/auditor")

    def _visiting(self, path: str) -> FlaskClient:
        http = self.app.test_client()
        http.get(path)
        return http


def call(scene: Scene) -> Timed:
    """Read balances, as a platform does. Who agreed is counted by the worker."""
    while recount_stalest(scene.house.database, scene.house.watch()):
        pass
    return _call(scene)


def _call(scene: Scene) -> Timed:
    grant_id, _, platform_id, _ = scene.grant()
    platform = Platform(scene.house, scene.app.test_client(), grant_id, platform_id=platform_id)
    proof = platform.proof(_BALANCES)
    return lambda: platform.get(_BALANCES, proof=proof)


def call_that_counts(scene: Scene) -> Timed:
    """Read balances, when no worker has counted who agreed for more than a quarter of an hour."""
    scene.house.watch.passes(minutes=16)
    return _call(scene)


def revoke(scene: Scene) -> Timed:
    """Stop a grant from My sharing."""
    found = scene.grant()
    scene.live.remove(found)
    grant_id, user, _, bank = found
    http = scene.person(user, bank)
    asked = http.get(f"/my-sharing/confirm?{urlencode({'grant': grant_id, 'action': 'revoke'})}")
    token = asked.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    form = {"csrf_token": token, "grant": grant_id, "action": "revoke", "confirm": "yes"}
    return lambda: http.post("/my-sharing", data=form)


def my_sharing(scene: Scene) -> Timed:
    """Show a person everything they share."""
    _, user, _, bank = scene.grant()
    http = scene.person(user, bank)
    return lambda: http.get("/my-sharing")


def history(scene: Scene) -> Timed:
    """Show a person who has read their data."""
    _, user, _, bank = scene.grant()
    http = scene.person(user, bank)
    return lambda: http.get("/history")


def _asked_of_bank(query: Callable[[Scene], Mapping[str, str]], page: str = "/log") -> Callable[[Scene], Timed]:
    def ready(scene: Scene) -> Timed:
        http, sent = scene.staff(), urlencode(query(scene))
        return lambda: http.get(f"/console/harbor{page}?{sent}")

    return ready


def _customer(scene: Scene) -> Mapping[str, str]:
    user = scene.grant("harbor")[1]
    with scene.house.database.read() as session:
        found = scene.house.users.at_bank(session, user, "harbor")
    return {"customer": found.subject if found else ""}


def receipt(scene: Scene) -> Timed:
    """Give a bank the receipt of any entry of its current log."""
    name, size = scene.house.store.rows("SELECT name, size FROM audit_logs WHERE owner = 'harbor' AND is_current")[0]
    path = f"/console/harbor/receipts/harbor/{name.rpartition('/')[2]}/{scene.drawn.randrange(size)}"
    http = scene.staff()
    return lambda: http.get(path)


OPERATIONS: Mapping[str, Callable[[Scene], Timed]] = {
    "call": call,
    "call without a worker": call_that_counts,
    "revoke": revoke,
    "my sharing": my_sharing,
    "history": history,
    "bank log, newest": _asked_of_bank(lambda _: {}),
    "bank log, one customer": _asked_of_bank(_customer),
    "bank log, one grant": _asked_of_bank(lambda scene: {"grant": scene.grant("harbor")[0]}),
    "bank log, refusals": _asked_of_bank(lambda _: {"decision": "refused"}),
    "bank log, a day": _asked_of_bank(lambda _: {"since": "2026-11-20", "until": "2026-11-20"}),
    "bank console": _asked_of_bank(lambda _: {}, ""),
    "receipt": receipt,
}
"""By name: what makes one ready."""
SLOW = frozenset({"call without a worker", "bank console", "bank log, refusals"})
"""Of these a tenth of the samples is taken."""
