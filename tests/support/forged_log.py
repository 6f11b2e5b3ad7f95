"""A log made by hand, as whoever owns the database and the signing key could make it: honest, or tampered with."""

import json
import uuid
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.compact_range import EMPTY, Growth, grow
from broker.tlog.cosignature import Cosigner
from broker.tlog.merkle import leaf_hash
from broker.tlog.note import Signer
from broker.tlog.receipt import make_receipt
from broker.tlog.tiles import TILE_WIDTH, encode_entries, tile_path

ORIGIN = "broker.example/audit/harbor/2026"
START_US = 1_790_000_000_000_000
STEP_US = 1_000
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
STRANGER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
WITNESS = Cosigner("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34))))
_NAMESPACE = uuid.UUID("6a2f6d0e-50a4-4c29-8a66-0f3d3c4f4e11")

Fields = dict[str, Any]


def text_of(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def canonical(fields: Fields) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _random(*parts: object) -> bytes:
    return sha256(repr(parts).encode()).digest()


@dataclass
class Author:
    """Writes realistic entries: accesses of some people, two leaves each, every person's chain."""

    origin: str = ORIGIN
    people: int = 5
    digests: int = 6
    number: int = 0
    _chains: dict[str, tuple[int, bytes]] = field(default_factory=dict)

    def write(self, count: int, change: Callable[[Fields], None] = lambda _fields: None) -> list[bytes]:
        """Return the next entries; `change` may alter the members of each before it is hashed into its chain."""
        return [self._leaf(change) for _ in range(count)]

    def _leaf(self, change: Callable[[Fields], None]) -> bytes:
        pair, second = divmod(self.number, 2)
        subject = text_of(_random("subject", pair % self.people)[:16])
        sequence, before = self._chains.get(subject, (0, b""))
        fields: Fields = {
            "_sd": sorted(text_of(_random("sd", self.number, place)) for place in range(self.digests)),
            "access": str(uuid.uuid5(_NAMESPACE, str(pair))),
            "category": "transactions",
            "decision": "allowed",
            "event": "access.released" if second else "access.requested",
            "grant": str(uuid.uuid5(_NAMESPACE, subject)),
            "grantVersion": 1,
            "initiator": "DATA_RECIPIENT",
            "interactionId": str(uuid.uuid5(_NAMESPACE, f"call {pair}")),
            "log": self.origin,
            "number": self.number,
            "platform": "messenger",
            "policy": text_of(_random("policy")),
            "purpose": "chat_banking",
            "subject": subject,
            "subjectSeq": sequence,
            "time": START_US + STEP_US * self.number,
            "v": 2,
        }
        if before:
            fields["subjectPrev"] = text_of(before)
        if second:
            fields |= {"accounts": 2, "records": 25}
        change(fields)
        leaf = canonical(fields)
        self._chains[subject] = (sequence + 1, leaf_hash(leaf))
        self.number += 1
        return leaf


def opening(former: Checkpoint, origin: str = ORIGIN) -> bytes:
    """The first leaf of a log that goes on from another."""
    previous = {"origin": former.origin, "size": former.size, "root": b64encode(former.root).decode()}
    about = {"event": "log.opened", "initiator": "DATA_ACCESS_PLATFORM", "decision": "allowed", "v": 2}
    return canonical({**about, "log": origin, "number": 0, "time": START_US, "previous": previous})


@dataclass
class Published:
    """What a log serves: bytes by path; `read` is what the verifier is given."""

    files: dict[str, bytes]
    checkpoint: Checkpoint
    growths: list[Growth]
    leaves: Sequence[bytes]

    def read(self, path: str) -> bytes:
        from broker.audit.verification.reading import Missing  # noqa: PLC0415 - so that outsiders can be imported alone

        try:
            return self.files[path]
        except KeyError:
            raise Missing(path) from None

    @property
    def note(self) -> bytes:
        return self.files["checkpoint"]

    def receipt(self, number: int) -> bytes:
        growth = next(one for one in self.growths if one.before <= number < one.after.size)
        assert growth.after.size == self.checkpoint.size, "only of the last batch"
        return make_receipt(self.leaves[number], number, growth.inclusion_proof(number), self.note)

    def at(self, folder: Path) -> Path:
        """Write it to a folder, as a mirror has it."""
        for path, content in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return folder


def publish(
    leaves: Sequence[bytes], *, origin: str = ORIGIN, signer: Signer = SIGNER, cosigned_at_s: Iterable[int] = ()
) -> Published:
    """Hash, sign and lay out whatever entries there are, as the honest broker would."""
    hashes = [leaf_hash(leaf) for leaf in leaves]
    growth = grow(EMPTY, hashes)
    files = _tiles([hashes, *_above(hashes)])
    for start in range(0, len(leaves), TILE_WIDTH):
        part = leaves[start : start + TILE_WIDTH]
        files[tile_path("entries", start // TILE_WIDTH, len(part))] = encode_entries(part)
    checkpoint = Checkpoint(origin, len(leaves), growth.after.root)
    note = sign_checkpoint(checkpoint, [signer])
    files["checkpoint"] = note + b"".join(WITNESS.cosign(checkpoint.text(), time_s) for time_s in cosigned_at_s)
    return Published(files, checkpoint, [growth], leaves)


def _above(hashes: Sequence[bytes]) -> Iterable[list[bytes]]:
    while len(hashes) >= TILE_WIDTH:
        full = range(0, len(hashes) - TILE_WIDTH + 1, TILE_WIDTH)
        hashes = [grow(EMPTY, hashes[at : at + TILE_WIDTH]).after.root for at in full]
        yield list(hashes)


def _tiles(levels: Iterable[Sequence[bytes]]) -> dict[str, bytes]:
    return {
        tile_path(level, start // TILE_WIDTH, len(part)): b"".join(part)
        for level, row in enumerate(levels)
        for start in range(0, len(row), TILE_WIDTH)
        if (part := row[start : start + TILE_WIDTH])
    }
