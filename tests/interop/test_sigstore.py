"""npm's `@sigstore/verify` accepts our checkpoints and inclusion proofs and refuses what was changed.

It knows no consistency proofs, and it leaves unknown and bad signatures aside as long as one is good.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from broker.tlog.note import Signer
from tests.interop.conftest import Judge
from tests.support.trees import ORIGIN, PlainTree, cosigner, note_of, signer, tree_of

pytestmark = pytest.mark.interop
SIZES = 48
LARGE = (255, 256, 257, 1_000, 65_537)
LOG, STRANGER = signer(), signer("stranger.example", 6)
TREE = tree_of(SIZES)
ARTIFACT = b"what somebody signed"


def trusting(log: Signer, **facts: Any) -> dict[str, Any]:
    key = log._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {"origin": ORIGIN, "logKey": key, "keyId": log.key_id, **facts}


def leaf(tree: PlainTree, index: int, note: bytes, proof: Sequence[bytes]) -> dict[str, Any]:
    facts = {"index": index, "hashes": list(proof), "checkpoint": note.decode(), "leaf": tree.leaves[index]}
    return trusting(LOG, kind="leaf", **facts)


def text64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


class SignedThings:
    """A log of ours whose entries are of the kind that Sigstore knows."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, size: int) -> None:
        self.key = key
        self.signatures = [key.sign(ARTIFACT, ec.ECDSA(SHA256())) for _ in range(size)]
        self.digest = hashlib.sha256(ARTIFACT).digest()
        self.tree = PlainTree([json.dumps(self._body(made)).encode() for made in self.signatures])

    def case(self, index: int, size: int) -> dict[str, Any]:
        entry = {
            "logIndex": str(index),
            "logId": {"keyId": text64(bytes(32))},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
            "integratedTime": "0",
            "inclusionProof": {
                "logIndex": str(index),
                "rootHash": text64(self.tree.root(size)),
                "treeSize": str(size),
                "hashes": [text64(found) for found in self.tree.inclusion(index, size)],
                "checkpoint": {"envelope": note_of(self.tree, size).decode()},
            },
            "canonicalizedBody": text64(self.tree.leaves[index]),
        }
        bundle = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {"publicKey": {"hint": "artifact"}, "tlogEntries": [entry]},
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": text64(self.digest)},
                "signature": text64(self.signatures[index]),
            },
        }
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return trusting(LOG, kind="bundle", bundle=bundle, artifact=ARTIFACT, artifactKey=public)

    def _body(self, signature: bytes) -> dict[str, Any]:
        spec = {
            "data": {"hash": {"algorithm": "sha256", "value": self.digest.hex()}},
            "signature": {"content": text64(signature)},
        }
        return {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}


def test_a_whole_bundle_is_accepted_by_the_public_way(sigstore: Judge, key: ec.EllipticCurvePrivateKey) -> None:
    things = SignedThings(key, 20)
    cases = [things.case(index, size) for size in (1, 2, 3, 7, 8, 20) for index in range(size)]
    assert set(sigstore(cases)) == {""}


def test_a_changed_bundle_is_refused_by_the_public_way(sigstore: Judge, key: ec.EllipticCurvePrivateKey) -> None:
    things = SignedThings(key, 20)
    cases = []
    for change in ("checkpoint", "hash", "missing hash", "index", "leaf", "artifact", "log"):
        case = things.case(11, 20)
        (entry,) = case["bundle"]["verificationMaterial"]["tlogEntries"]
        proof = entry["inclusionProof"]
        if change == "checkpoint":
            proof["checkpoint"]["envelope"] = proof["checkpoint"]["envelope"].replace("\n20\n", "\n21\n")
        elif change == "hash":
            proof["hashes"][1] = text64(bytes(32))
        elif change == "missing hash":
            proof["hashes"].pop()
        elif change == "index":
            proof["logIndex"] = "10"
        elif change == "leaf":
            entry["canonicalizedBody"] = text64(things.tree.leaves[10])
        elif change == "artifact":
            case["artifact"] = b"something else"
        else:
            case |= trusting(STRANGER)
        cases.append(case)
    assert all(sigstore(cases))


def test_every_leaf_of_our_own_kind_is_accepted(sigstore: Judge) -> None:
    cases = []
    for size in range(1, SIZES + 1):
        note = note_of(TREE, size)
        cases += [leaf(TREE, index, note, TREE.inclusion(index, size)) for index in range(size)]
    big = tree_of(max(LARGE))
    for size in LARGE:
        note = note_of(big, size)
        cases += [leaf(big, index, note, big.inclusion(index, size)) for index in {0, size // 3, size - 1}]
    assert set(sigstore(cases)) == {""}


def test_a_checkpoint_that_others_have_signed_too_is_accepted(sigstore: Judge) -> None:
    note = note_of(TREE, 9, STRANGER, LOG)
    more = note + cosigner().cosign(note.partition(b"\n\n")[0] + b"\n", 1_800_000_000)
    assert sigstore([leaf(TREE, 4, more, TREE.inclusion(4, 9))]) == [""]


def test_changed_checkpoints_and_proofs_are_refused(sigstore: Judge) -> None:
    proof, note = TREE.inclusion(21, 40), note_of(TREE, 40)
    cases = [
        leaf(TREE, 21, note.replace(b"\n40\n", b"\n41\n"), proof),
        leaf(TREE, 21, note_of(TREE, 40, signer(seed=9)), proof),
        leaf(TREE, 21, note_of(TREE, 40, STRANGER), proof),
        leaf(TREE, 21, note_of(TREE, 39), proof),
        leaf(TREE, 21, note, proof[:-1]),
        leaf(TREE, 21, note, [*proof, bytes(32)]),
        leaf(TREE, 21, note, proof[::-1]),
        leaf(TREE, 20, note, proof),
        leaf(TREE, 21, note, proof) | {"index": 40},
        leaf(TREE, 21, note, proof) | {"leaf": TREE.leaves[20]},
    ]
    assert all(sigstore(cases))
