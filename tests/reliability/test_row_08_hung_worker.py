"""Row 8: a worker that hangs, holding nothing, keeps nobody from being served by the others."""

import os
import signal
import time
from pathlib import Path

from tests.support.fleet import running_fleet

_CALLS = 20
_EACH_WITHIN_S = 5.0


def test_a_worker_that_is_stopped_keeps_nobody_from_being_served(tmp_path: Path) -> None:
    with running_fleet(tmp_path, workers=2) as fleet:
        person, caller = fleet.person(), fleet.caller()
        grant_id = fleet.grant(person)
        (token,) = fleet.tokens(grant_id, caller.dpop.thumbprint)
        sharer = fleet.sharer(person)
        hung = fleet.server.workers()[0]
        os.kill(hung, signal.SIGSTOP)
        try:
            for _ in range(_CALLS):
                began = time.monotonic()
                assert caller.read("balances", token).status == 200
                assert time.monotonic() - began < _EACH_WITHIN_S
                caller.line.close()  # every call on a connection of its own
            assert sharer.acts("revoke", grant_id).status == 303
            assert caller.read("balances", token).status == 401
        finally:
            os.kill(hung, signal.SIGCONT)
            caller.line.close()
            sharer.line.close()
