"""A log and those who hold something of it, at the moment before somebody tampers with it.

280 entries, seen by all; then 20 that no witness, no mirror and no checkpoint of the bank covers yet. Some of the
receipts of these are in other hands, that of the last entry is not.
"""

import os
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path

from pytest import MonkeyPatch  # noqa: PT013 - the name of a type

from broker.audit.submission import Says
from broker.audit.tree import head_of, nodes_of
from broker.audit.vocabulary import Appended, Entry, Event, Initiator
from broker.audit.witnessed import keep
from broker.clock import system_clock
from broker.errors import NotFound
from broker.tlog.cosignature import Cosigner
from broker.tlog.merkle import consistency_proof
from broker.tlog.witness import AddCheckpoint
from broker.web.proof_pack import packed
from broker.witness.heads import origin_hash
from tests.support.audited import KEYS, LOG, Audited, audited, runs
from tests.support.core import NOON, House, Watch, open_house
from tests.support.edge import services_of
from tests.support.tampering import Forger
from tests.support.witnessed import put_back, serialized, submission_on, witness_at
from tests.support.witnesses import WitnessProcess, asked, new_witness, served

SEEN, SIZE = 280, 300
RECEIPTED, UNSEEN = 285, 299
"""Of the last twenty: an entry whose receipt a platform holds, and one whose receipt nobody keeps."""
_CALL = Entry(Event.ACCESS_REQUESTED, Initiator.DATA_RECIPIENT, "harbor", platform_id="messenger", category="balances")


@dataclass(frozen=True)
class State:
    """What can be put back: the broker's database, and how far the witness has seen the log."""

    database: bytes
    witnessed: bytes


@dataclass
class Scene:
    """`audited` serves whatever stands in the database now; everything else is in the hands of the parties."""

    house: House
    audited: Audited
    witness: WitnessProcess
    cosigner: Cosigner
    began_at: datetime
    placed: list[Appended] = field(default_factory=list)
    honest: State = State(b"", b"")

    @property
    def folder(self) -> Path:
        return self.audited.folder

    @property
    def online(self) -> tuple[str | Path, ...]:
        return ("--log", self.audited.url, "--credential-file", self.audited.credential_file, "--key", KEYS[0])

    def minutes_ago(self, minutes: float) -> int:
        """Return an instant as entries tell it, in microseconds."""
        return int((self.began_at - timedelta(minutes=minutes)).timestamp() * 1_000_000)

    def accesses(self, users: list[str], count: int, first_minute: float, last_minute: float) -> None:
        """Log so many accesses, two entries each, evenly from so many minutes ago until so many minutes ago."""
        for number in range(count):
            ago = first_minute + (last_minute - first_minute) * number / count
            self.house.watch.now = self.began_at - timedelta(minutes=ago)
            name = f"access-{len(self.placed) // 2}"
            call = replace(
                _CALL, user_id=users[number % len(users)], access_id=name, details={"accounts": [f"acc-{number % 7}"]}
            )
            for event in (Event.ACCESS_REQUESTED, Event.ACCESS_RELEASED):
                with self.house.sequencer.transaction(["harbor"]) as transaction:
                    self.placed.append(transaction.append(replace(call, event=event)))

    def state(self) -> State:
        return State(serialized(self.house.database), self._seen.read_bytes())

    def puts(self, state: State) -> None:
        """Put the world back into a state."""
        put_back(self.house.database, state.database)
        self._seen.write_bytes(state.witnessed)

    @contextmanager
    def forging(self) -> Iterator[Forger]:
        with self.house.database.engine.begin() as connection:
            yield Forger(connection, LOG)

    def pushes(self) -> Says:
        """Let the broker show the newest checkpoint to the witness, as its pusher does, and keep what it signs."""
        port = self.witness.port
        said = submission_on(self.house.database, [port]).submit(witness_at(self.cosigner.verifier, port), LOG)
        if said.checkpoint is not None:
            with self.house.database.write() as session:
                keep(session, said.checkpoint, said.note, {said.witness: said.line})
        return said.says

    def shown_to_witness(self) -> int | None:
        """Show the witness the newest checkpoint with the best proof there is; return its status, None without one."""
        seen = int(self._seen.read_bytes().splitlines()[1])
        try:
            with self.house.database.read() as session:
                head = head_of(session, LOG)
                old = min(seen, head.size)
                proof = tuple(consistency_proof(nodes_of(session, LOG), old, head.size))
        except NotFound:
            return None
        return asked(self.witness.port, AddCheckpoint(old, proof, head.note).dump()).status

    @property
    def _seen(self) -> Path:
        return self.witness.folder / "heads" / origin_hash(LOG)


@contextmanager
def evidence_scene(folder: Path) -> Iterator[Scene]:
    """Write the log, hand out what each party gets, and keep the honest state."""
    began_at = system_clock()
    for name in ("house", "auditor", "witness"):
        (folder / name).mkdir()
    cosigner = new_witness(folder / "witness", f"log {KEYS[0]}")
    with ExitStack() as stack:
        house = stack.enter_context(open_house(folder / "house"))
        served_log = stack.enter_context(audited(house, folder / "auditor"))
        witness = WitnessProcess(folder / "witness")
        stack.callback(witness.stop)
        # Nothing here is called by TLS, and reading all the roots of trust is most of what a command would cost.
        patch = stack.enter_context(MonkeyPatch.context())
        patch.setenv("SSL_CERT_FILE", os.devnull)
        patch.setenv("SSL_CERT_DIR", os.devnull)
        scene = Scene(house, served_log, witness, cosigner, began_at)
        _written(scene)
        yield scene


def _written(scene: Scene) -> None:
    house = scene.house
    users = [house.alice.user_id, house.signs_in("sub-bob").user_id, house.signs_in("sub-eve").user_id]
    house.watch.now = min(NOON, scene.began_at - timedelta(hours=4))  # the log is that of this year
    scene.accesses(users, 1, 240, 240)
    scene.accesses(users, SEEN // 2 - 1, 180, 120)
    with served(scene.witness.folder, clock=Watch(scene.began_at - timedelta(minutes=60))) as earlier:
        own, scene.witness.port = scene.witness.port, earlier.server_port
        assert scene.pushes() is Says.CONSISTENT
        scene.witness.port = own
    for arguments in (
        ("verify", *scene.online, "--last-checkpoint", scene.folder / "last"),
        ("mirror", *scene.online, "--to", scene.folder / "mirror"),
    ):
        assert runs(*arguments).exit_code == 0
    _pack(scene)
    scene.accesses(users, (SIZE - SEEN) // 2, 50, 30)
    for name, number in (("receipt", 40), ("tail-receipt", RECEIPTED)):
        scene.audited.file(name, scene.placed[number].receipt)
    scene.audited.served_list(range(0, SIZE, 2), system_clock() - timedelta(hours=1))
    scene.honest = scene.state()


def _pack(scene: Scene) -> None:
    """Alice takes her proof pack along; what she will show are the receipts in it."""
    services = services_of(scene.house, "https://broker.example")
    with scene.house.database.read() as session:
        pack = packed(session, services, scene.house.alice.user_id, None)
    scene.audited.file("pack.zip", pack)
    with zipfile.ZipFile(BytesIO(pack)) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".tlog-proof"))
        scene.audited.file("pack-receipt", archive.read(name))
