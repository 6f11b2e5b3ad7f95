"""Receipts, good and bad in every way that somebody thought of, for all who judge them: their verdicts must agree."""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.tlog.checkpoint import Checkpoint, sign_checkpoint
from broker.tlog.compact_range import EMPTY, grow
from broker.tlog.cosignature import CosignatureVerifier, Cosigner
from broker.tlog.errors import Unverifiable
from broker.tlog.keys import ED25519, key_id, vkey
from broker.tlog.merkle import leaf_hash
from broker.tlog.note import Ed25519Verifier, Signature, Signer, Verifier, sign_note
from broker.tlog.receipt import make_receipt, verify_receipt

LOG = "broker.example/audit/harbor/2026"
WITNESS = "witness.example/w1"
_SEEN_AT_S = 1_795_000_000
_ROOT = base64.b64encode(bytes(32)).decode()


def _key(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


SIGNER, OTHER, NAMESAKE = Signer(LOG, _key(1)), Signer("other.example/log", _key(2)), Signer(LOG, _key(3))
COSIGNER, FALSE_LOG = Cosigner(WITNESS, _key(4)), Cosigner(LOG, _key(5))
TRUSTED = (SIGNER.vkey, COSIGNER.vkey)


@dataclass(frozen=True)
class Case:
    """One file, and the verifier keys that its reader trusts."""

    name: str
    data: bytes
    keys: tuple[str, ...] = TRUSTED

    def verdict(self) -> str:
        """What the broker's own verifier says: `good`, or the code of its refusal."""
        try:
            verify_receipt(self.data, [_verifier(key) for key in self.keys])
        except Unverifiable as error:
            return error.code
        return "good"


def _verifier(key: str) -> Verifier:
    is_witness = key.rsplit("+", 1)[-1].startswith("B")  # 0x04 in base64; 0x01 begins with A
    return CosignatureVerifier.of_vkey(key) if is_witness else Ed25519Verifier.of_vkey(key)


def leaf_of(number: int) -> bytes:
    return b'{"event":"access.released","log":"%s","number":%d,"time":1795000000000000}' % (LOG.encode(), number)


def note_of(origin: str, size: int, root: bytes, *signers: Signer) -> bytes:
    return sign_checkpoint(Checkpoint(origin, size, root), signers)


def receipt(size: int, number: int, *signers: Signer, origin: str = LOG, tail: bytes = b"") -> bytes:
    """A receipt of one leaf of a small log."""
    growth = grow(EMPTY, [leaf_hash(leaf_of(at)) for at in range(size)])
    note = note_of(origin, size, growth.after.root, *(signers or (SIGNER,)))
    return make_receipt(leaf_of(number), number, growth.inclusion_proof(number), note + tail)


def cosigned(size: int, number: int, time_s: int = _SEEN_AT_S, cosigner: Cosigner = COSIGNER) -> bytes:
    text = receipt(size, number).partition(b"\n\n")[2].partition(b"\n\n")[0] + b"\n"
    return receipt(size, number, tail=cosigner.cosign(text, time_s))


@cache
def cases() -> tuple[Case, ...]:
    """The whole table, the same at every run."""
    return (*_good(), *_other_keys(), *_pointless(), *_other_texts(), *_damaged(random.Random(4)))


def _good() -> Iterator[Case]:
    for size in (1, 2, 3, 7, 8, 21):
        for number in {0, size // 2, size - 1}:
            yield Case(f"good {number} of {size}", receipt(size, number))
    yield Case("good, cosigned", cosigned(7, 3))
    yield Case("good, cosigned twice", cosigned(7, 3) + cosigned(7, 3).splitlines(keepends=True)[-1])
    yield Case("good, signed by strangers too", receipt(7, 3, OTHER, SIGNER, NAMESAKE))
    for name in ("n" * 300, "ü😀\u200b\ufeff"):
        stranger = Signature(name, b"none", b"signature").line
        yield Case(f"good, with a stranger of {len(name)} letters", receipt(7, 3, tail=stranger))
    yield Case("good, 16 signatures", receipt(7, 3, *[SIGNER] * 16))


def _other_keys() -> Iterator[Case]:
    whole = receipt(7, 3)
    yield Case("no key", whole, ())
    yield Case("the witness alone", cosigned(7, 3), (COSIGNER.vkey,))
    yield Case("another log's key", whole, (OTHER.vkey,))
    yield Case("a namesake's key", whole, (NAMESAKE.vkey,))
    yield Case("signed by a namesake", receipt(7, 3, NAMESAKE))
    yield Case("signed by another log", receipt(7, 3, OTHER), (SIGNER.vkey, OTHER.vkey))
    scribble = make_receipt(leaf_of(3), 3, [], sign_note(b"no checkpoint\n", [OTHER]))
    yield Case("no checkpoint, and nobody known", scribble)
    yield Case("no checkpoint, signed by another log", scribble, (OTHER.vkey,))
    yield Case("a witness named like the log", receipt(7, 3, OTHER, tail=_false_line()), (FALSE_LOG.vkey,))
    yield Case("a checkpoint of another origin", receipt(7, 3, origin="other.example/log"))
    for key in (
        "",
        "x",
        LOG,
        SIGNER.vkey[:-4],
        SIGNER.vkey.replace("+", "+0", 1),
        f"{SIGNER.vkey}=",
        f" {SIGNER.vkey}",
    ):
        yield Case(f"a key like {key[-8:]!r}", whole, (key,))


def _pointless() -> Iterator[Case]:
    """Keys that are no good points of the curve, with a signature line in their name."""
    for public in (b"\xff" * 32, bytes(32), b"\x01" + bytes(31)):
        line = Signature(LOG, key_id(LOG, ED25519, public), bytes(64)).line
        yield Case(f"a key of {public[:2].hex()}…", receipt(7, 3, OTHER, tail=line), (vkey(LOG, ED25519, public),))


def _false_line() -> bytes:
    return cosigned(7, 3, cosigner=FALSE_LOG).splitlines(keepends=True)[-1]


def _other_texts() -> Iterator[Case]:
    whole, seen = receipt(7, 3), cosigned(7, 3)
    lines = whole.splitlines(keepends=True)
    for at in range(len(lines)):
        yield Case(f"without line {at}", b"".join(lines[:at] + lines[at + 1 :]))
        yield Case(f"line {at} twice", b"".join(lines[: at + 1] + lines[at:]))
        yield Case(f"line {at} before the next", b"".join([*lines[:at], *lines[at : at + 2][::-1], *lines[at + 2 :]]))
        yield Case(f"line {at} with a space", b"".join([*lines[:at], lines[at][:-1] + b" \n", *lines[at + 1 :]]))
        yield Case(
            f"line {at} with a carriage return", b"".join([*lines[:at], lines[at][:-1] + b"\r\n", *lines[at + 1 :]])
        )
        yield Case(f"line {at} in capitals", b"".join([*lines[:at], lines[at].upper(), *lines[at + 1 :]]))
    for number in (b"4", b"7", b"03", b"-3", b"3.0", b"+3", b"", b"9" * 18, b"9" * 19, b"9" * 40, "\uff13".encode()):
        yield Case(f"index {number[:20]!r}", whole.replace(b"index 3\n", b"index " + number + b"\n"))
    for size in (b"3", b"8", b"07", b"0", b"9" * 25):
        yield Case(f"size {size[:20]!r}", whole.replace(b"\n7\n", b"\n" + size + b"\n"))
    yield Case("signed, of a log of no entries", make_receipt(leaf_of(0), 0, [], note_of(LOG, 0, bytes(32), SIGNER)))
    yield Case("signed, one hash too many", whole.replace(b"\n\n", b"\n" + base64.b64encode(bytes(32)) + b"\n\n", 1))
    yield Case("64 hashes", whole.replace(b"\n\n", (b"\n" + base64.b64encode(bytes(32))) * 61 + b"\n\n", 1))
    yield Case("65 signatures", receipt(7, 3, *[SIGNER] * 65))
    for text in (
        f"{LOG}\n7\n",
        f"{LOG}\n7\nAAAA\n",
        f"{LOG}\n07\n{_ROOT}\n",
        f"{LOG}\n7\n{_ROOT}\n\nmore\n",
        f"{LOG}\n7\n{_ROOT}\nmore\n",
    ):
        note = sign_note(text.encode(), [SIGNER])
        yield Case(f"signed, but {text[len(LOG) :]!r}", make_receipt(leaf_of(3), 3, [], note))
    yield Case("an extension line", whole.replace(b"=\n\n\xe2", b"=\nmore\n\n\xe2"))
    yield Case("a cosignature of another size", receipt(7, 3, tail=cosigned(8, 3).splitlines(keepends=True)[-1]))
    yield Case("two empty lines", seen.replace(b"\n\n\xe2", b"\n\n\n\xe2"))
    yield Case("the witness saw it before 1970 began", receipt(7, 3, tail=_timed(0)))
    yield Case("the witness saw it too late", receipt(7, 3, tail=_timed(2**63)))
    yield Case("another leaf", whole.replace(_extra(leaf_of(3)), _extra(leaf_of(2))))
    yield Case("no leaf", b"".join(lines[:1] + lines[2:]))
    yield Case("a leaf of 5,000 bytes", whole.replace(_extra(leaf_of(3)), _extra(b"x" * 5_000)))
    for name, data in (
        ("nothing", b""),
        ("noise", bytes(range(256))),
        ("a page", b"<!doctype html>\n\n<p>"),
        ("large", b"x" * 70_000),
    ):
        yield Case(name, data)
    for space in ("\x0b", "\x1c", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u202f", "\u3000"):
        stranger = Signature(f"a{space}b", b"none", b"signature").line
        yield Case(f"a name with the space {space!r}", receipt(7, 3, tail=stranger))
    yield Case("a byte order mark", b"\xef\xbb\xbf" + whole)
    yield Case("not UTF-8", whole.replace(b"broker.example", b"br\xf6ker.example"))


def _timed(time_s: int) -> bytes:
    """A cosignature line, well signed, at a time that its maker would refuse."""
    text = receipt(7, 3).partition(b"\n\n")[2].partition(b"\n\n")[0] + b"\n"
    made = _key(4).sign(b"cosignature/v1\ntime %d\n" % time_s + text)
    return Signature(WITNESS, COSIGNER.key_id, time_s.to_bytes(8, "big") + made).line


def receipt_of(leaf: bytes) -> bytes:
    """A good receipt of whatever entry, in a log of its own."""
    growth = grow(EMPTY, [leaf_hash(leaf)])
    return make_receipt(leaf, 0, growth.inclusion_proof(0), note_of(LOG, 1, growth.after.root, SIGNER))


_AMBIGUOUS = (
    ("a member twice", lambda leaf: leaf.replace(b"{", b'{"event":"grant.revoked",', 1)),
    ("a member twice, inside", lambda leaf: leaf[:-1] + b',"z":{"a":1,"a":2}}'),
    ("another order", lambda leaf: leaf.replace(b"{", b'{"z":1,', 1)),
    ("a space", lambda leaf: leaf.replace(b",", b", ", 1)),
    ("a newline at the end", lambda leaf: leaf + b"\n"),
    ("an escape", lambda leaf: leaf.replace(b"access", b"\\u0061ccess", 1)),
    ("half a character", lambda leaf: leaf[:-1] + b',"z":"\\ud800"}'),
    ("a fraction", lambda leaf: leaf[:-1] + b',"z":1.5}'),
    ("a whole fraction", lambda leaf: leaf[:-1] + b',"z":1.0}'),
    ("an exponent", lambda leaf: leaf[:-1] + b',"z":1e2}'),
    ("no number", lambda leaf: leaf[:-1] + b',"z":NaN}'),
    ("less than nothing", lambda leaf: leaf[:-1] + b',"z":-0}'),
    ("no object", lambda leaf: b"[" + leaf + b"]"),
    ("no JSON", lambda leaf: leaf[:-1]),
    ("no UTF-8", lambda leaf: leaf.replace(b"access", b"\xe9ccess", 1)),
)


def ambiguous(leaf: bytes) -> Iterator[tuple[str, bytes]]:
    """Entries that are proved to stand in the log, and that not everybody may read alike: refused by every reader."""
    for name, change in _AMBIGUOUS:
        yield name, change(leaf)


def _extra(leaf: bytes) -> bytes:
    return b"extra " + base64.b64encode(leaf) + b"\n"


def _damaged(chance: random.Random) -> Iterator[Case]:
    whole = cosigned(21, 10)
    for _ in range(150):
        at, bit = chance.randrange(len(whole)), chance.randrange(8)
        data = bytearray(whole)
        data[at] ^= 1 << bit
        yield Case(f"bit {bit} of byte {at}", bytes(data))
    for length in chance.sample(range(len(whole)), 60):
        yield Case(f"cut after {length}", whole[:length])
    for _ in range(60):
        at = chance.randrange(len(whole))
        yield Case(f"a byte more at {at}", whole[:at] + bytes([chance.randrange(256)]) + whole[at:])
