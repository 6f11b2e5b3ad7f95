"""Holds everything that a log has handed out against what it is in the end: there must be one history."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from broker.audit import published, tree
from broker.audit.verification.faults import Fault
from broker.audit.verification.heads import Trust, opened
from broker.audit.verification.log import Question, verify_log
from broker.audit.verification.reading import CHECKPOINT, Read
from broker.audit.verification.receipts import Statement, statement_of
from broker.tlog.checkpoint import Checkpoint, open_cosigned
from broker.tlog.cosignature import Cosigner
from broker.tlog.errors import Unverifiable
from broker.tlog.merkle import consistency_proof, verify_consistency
from broker.tlog.tiles import TileNodes, tile_path
from broker.tlog.witness import AddCheckpoint
from tests.support.fleet import Fleet
from tests.support.witnesses import WitnessProcess, asked, new_witness

_PAUSE_S = 0.05
_TILES_KEPT = 1_024


def log_of(fleet: Fleet, bank_id: str = "harbor") -> str:
    """Return the name of a bank's current log, also before its first entry."""
    with fleet.services.database.read() as session:
        return next((head.origin for head in tree.listed(session, bank_id) if head.is_current), "")


@dataclass
class Watchman:
    """Shows every new head of a log to a real witness, and remembers what it says."""

    fleet: Fleet
    witness: WitnessProcess
    cosigner: Cosigner
    log: str
    size: int = 0
    statuses: list[int] = field(default_factory=list)
    checkpoints: list[Checkpoint] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._over.wait(_PAUSE_S):
            self.show_newest()

    def show_newest(self) -> None:
        """Show the newest head with the proof that it goes on from the last that the witness has signed."""
        with self.fleet.services.database.read() as session:
            head = tree.head_of(session, self.log)
            if head.size <= self.size:
                return
            proof = tuple(consistency_proof(tree.nodes_of(session, self.log), self.size, head.size))
        answer = asked(self.witness.port, AddCheckpoint(self.size, proof, head.note).dump())
        self.statuses.append(answer.status)
        if answer.status == 200:
            self.size = head.size
            signed_by = [*self.fleet.services.log_keys.verifiers(self.log), self.cosigner.verifier]
            self.checkpoints.append(open_cosigned(head.note + answer.body, signed_by, self.log)[0])

    def end(self) -> None:
        self._over.set()


@contextmanager
def watched_by_witness(fleet: Fleet, folder: Path, log: str) -> Iterator[Watchman]:
    """Let a witness see the log grow while the block runs, and its last head in the end."""
    folder.mkdir()
    cosigner = new_witness(folder, f"log {fleet.services.log_keys.vkeys(log)[0]}")
    witness = WitnessProcess(folder)
    try:
        watchman = Watchman(fleet, witness, cosigner, log)
        thread = threading.Thread(target=watchman.watch)
        thread.start()
        try:
            yield watchman
        finally:
            watchman.end()
            thread.join()
        watchman.show_newest()
    finally:
        witness.stop()


def contradictions(fleet: Fleet, log: str, receipts: Iterable[bytes], seen: Iterable[Checkpoint] = ()) -> list[str]:
    """Return what of the receipts and of the checkpoints that were seen does not fit the log as it is stored now."""
    read, trust = _stored(fleet, log), Trust.of(fleet.services.log_keys.vkeys(log))
    final = opened(read(CHECKPOINT), trust, log).checkpoint
    statements, found = _statements(receipts, trust)
    try:
        verify_log(read, Question(trust, log))
    except Fault as fault:
        found.append(f"the verifier: {fault}")
    handed_out = [*seen, *(statement.receipt.checkpoint for statement in statements)]
    roots: dict[int, bytes] = {}
    for checkpoint in handed_out:
        if roots.setdefault(checkpoint.size, checkpoint.root) != checkpoint.root:
            found.append(f"a fork: two roots of {checkpoint.size} entries")
    nodes = TileNodes(lru_cache(_TILES_KEPT)(lambda tile: read(tile_path(*tile))), final.size)
    for size, root in sorted(roots.items()):
        try:
            proof = consistency_proof(nodes, size, final.size)
            verify_consistency(old_size=size, old_root=root, new_size=final.size, new_root=final.root, proof=proof)
        except Unverifiable as error:
            found.append(f"the head of {size} entries is no beginning of the log: {error.detail}")
    return found


def _statements(receipts: Iterable[bytes], trust: Trust) -> tuple[list[Statement], list[str]]:
    good, bad = [], []
    for receipt in receipts:
        try:
            good.append(statement_of(receipt, trust))
        except Fault as fault:
            bad.append(f"a receipt: {fault}")
    return good, bad


def _stored(fleet: Fleet, log: str) -> Read:
    def read(path: str) -> bytes:
        with fleet.services.database.read() as session:
            if path == CHECKPOINT:
                return published.tip(session, log).body
            serve = published.entry_bundle if path.startswith("tile/entries/") else published.hash_tile
            return serve(session, log, path).body

    return read
