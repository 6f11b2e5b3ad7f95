"""Who finds what the owner of the database and of the log's key has done, and who does not see it."""

from collections.abc import Iterator

import pytest

from tests.support.attacks import ATTACKS
from tests.support.evidence_scene import Scene, State, evidence_scene
from tests.support.parties import GOOD, PARTIES

pytestmark = pytest.mark.timeout(180)

_REHASHED = {"newcomer", "last_checkpoint", "cosigned_checkpoint", "witnessed_only", "served_list"}
"""Who reads every entry; the mirror reads only the new ones, and a receipt's holder reads hashes."""
_REMEMBERED = {"receipt", "tail_receipt", "pack", "mirror"}


def _all(code: str, of: set[str] = _REHASHED, **others: str) -> dict[str, str]:
    return {**dict.fromkeys(of, code), **others}


def _rewritten(**others: str) -> dict[str, str]:
    """Everybody who holds a piece of the old history finds another one; who comes new sees nothing wrong with it."""
    memory = _all("history-rewritten", of=_REMEMBERED | {"last_checkpoint", "cosigned_checkpoint"})
    return {**memory, "witness": "422", "witnessed_only": "quorum-missed", "served_list": "served-otherwise", **others}


FOUND: dict[str, dict[str, str]] = {
    "nothing": {},
    "edit": _all("entry-altered"),
    "edit-same-length": _all("entry-altered"),
    "delete": _all("number-wrong", receipt="tile-malformed"),
    "insert": {**_all("number-wrong"), **_all("history-rewritten", of=_REMEMBERED)},
    "reorder": _all("number-wrong", receipt="history-rewritten"),
    "renumber": {**_all("entry-missing"), **_all("history-rewritten", of=_REMEMBERED), "receipt": "tile-malformed"},
    "edit-sealed": _rewritten(),
    "edit-sealed-old-chain": _rewritten(
        newcomer="subject-altered", last_checkpoint="subject-altered", cosigned_checkpoint="subject-altered"
    ),
    "delete-sealed": _rewritten(cosigned_checkpoint="dated-ahead"),
    "delete-sealed-old-chain": _rewritten(
        newcomer="subject-altered", last_checkpoint="subject-altered", cosigned_checkpoint="subject-altered"
    ),
    "insert-sealed": _rewritten(cosigned_checkpoint="back-dated"),
    "reorder-sealed": _rewritten(),
    "renumber-sealed": _rewritten(**_all("number-wrong", of=_REHASHED - {"witnessed_only"})),
    "truncate-witnessed": {
        **_all("receipt-uncovered", of={"tail_receipt", "pack"}),
        **_all("log-shrunk", of={"last_checkpoint", "cosigned_checkpoint", "mirror"}),
        "witness": "409",
        "witnessed_only": "quorum-missed",
        "served_list": "served-not-logged",
    },
    "truncate-tail": {"tail_receipt": "receipt-uncovered", "served_list": "served-not-logged"},
    "edit-tail": {"tail_receipt": "history-rewritten", "served_list": "served-otherwise"},
    "edit-unseen": {},
    "fork": {
        "tail_receipt": "history-rewritten",
        "witness": "422",
        "witnessed_only": "quorum-missed",
        "served_list": "served-otherwise",
    },
    "back-date-seen": _rewritten(),
    "back-date-one": _rewritten(**_all("time-goes-back", of=_REHASHED - {"witnessed_only"})),
    "back-date-tail": {
        "tail_receipt": "history-rewritten",
        "cosigned_checkpoint": "back-dated",
        "served_list": "served-otherwise",
    },
    "date-ahead": {
        "tail_receipt": "history-rewritten",
        "cosigned_checkpoint": "dated-ahead",
        "witnessed_only": "dated-ahead",
        "served_list": "served-otherwise",
    },
    "unlogged": {"served_list": "served-not-logged"},
}
"""What each party finds; who is not named finds nothing."""


class Stage:
    """Keeps the state of the world after each attack, and plays it again only when another one was shown."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._states: dict[str, State] = {}
        self._shown = ""

    def after(self, attack: str) -> Scene:
        if attack not in self._states:
            self._scene.puts(self._scene.honest)
            ATTACKS[attack](self._scene)
            self._states[attack] = self._scene.state()
        elif attack != self._shown:
            self._scene.puts(self._states[attack])
        self._shown = attack
        return self._scene


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with evidence_scene(tmp_path_factory.mktemp("scene")) as scene:
        yield Stage(scene)


@pytest.mark.parametrize("party", PARTIES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_each_party_finds_what_its_own_evidence_contradicts_and_nothing_else(
    stage: Stage, attack: str, party: str
) -> None:
    assert PARTIES[party](stage.after(attack)) == FOUND[attack].get(party, GOOD)


def test_every_attack_and_every_party_stands_in_the_table() -> None:
    assert FOUND.keys() == ATTACKS.keys()
    assert {party for found in FOUND.values() for party in found} == PARTIES.keys()
