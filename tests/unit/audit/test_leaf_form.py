"""The short way to see that a leaf is canonical lets nothing else through; and what a verifier needs."""

import json
import random
import subprocess
import sys

import pytest

from broker.audit.verification.faults import Fault
from broker.audit.verification.leaves import NEEDED, Leaves, canonical_object, fields_of
from tests.support.forged_log import Author, canonical

_MARKS = b' \\"{}[]:,0123456789-+eE.tfn\xc3\xa9\x00\n'
_NEEDED = "bundles continuity exporting faults hashing heads leaves log mirroring pack packs reading receipts served"


def mutated(chance: random.Random, leaf: bytes) -> bytes:
    changed = bytearray(leaf)
    for _ in range(chance.choice((1, 1, 2))):
        place, kind = chance.randrange(len(changed)), chance.random()
        if kind < 0.4:
            changed[place] = chance.choice(_MARKS)
        elif kind < 0.6:
            del changed[place]
        else:
            changed.insert(place, chance.choice(_MARKS))
    return bytes(changed)


def knowing(leaves: list[bytes]) -> Leaves:
    reader = Leaves()
    for leaf in leaves:
        reader.read(leaf)
    return reader


def test_whatever_is_done_to_a_leaf_only_its_one_form_passes() -> None:
    chance, leaves, passed = random.Random(7), Author().write(20), 0
    reader = knowing(leaves)
    for _ in range(4_000):
        leaf = mutated(chance, chance.choice(leaves))
        try:
            fields = fields_of(leaf)
        except Fault:
            with pytest.raises(Fault):
                reader.read(leaf)
            continue
        assert canonical(fields) == canonical(json.loads(leaf)) == leaf
        read = reader.read(leaf)
        assert read == tuple(str(fields[name]) if name in fields else None for name in NEEDED)
        passed += 1
    assert passed > 1_000


@pytest.mark.parametrize("byte", [*range(0x20), ord("\\")], ids=lambda byte: f"{byte:02x}")
def test_what_a_text_holds_only_escaped_is_refused_in_a_known_form(byte: int) -> None:
    leaves = Author().write(4)
    reader = knowing(leaves)
    for text in (b"messenger", b"access.requested", b"broker.example"):  # one that is read of each leaf, and others
        with pytest.raises(Fault, match=r"leaf-malformed|leaf-not-canonical"):
            reader.read(leaves[2].replace(text, text[:5] + bytes([byte]) + text[6:]))


@pytest.mark.parametrize(
    "leaf",
    [
        b"", b"{", b"[]", b"1", b'"x"', b"null", b"{}x", b" {}", b"{} ", b'{"a": 1}', b'{"a":1,}', b'{"b":1,"a":1}',
        b'{"a":1,"a":1}', b'{"a":01}', b'{"a":-0}', b'{"a":1.0}', b'{"a":1e3}', b'{"a":9007199254740992}',
        b'{"a":NaN}', b'{"a":[1.5]}', b'{"a":{"c":1,"b":2}}', b'{"a":"\\u0062"}', b'{"a":"\\/"}', b'{"a":"\xff"}',
        b'{"a":"\\ud800"}', b'{"a":"\n"}', b'\xef\xbb\xbf{"a":1}', b'{"a":"x"}\n',
        b'{"\xef\xbf\xbd":1,"\xf0\x9f\x98\x80":1}', b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
        b'{"a":' + b"9" * 5_000 + b"}",
    ],
    ids=lambda leaf: leaf[:24].hex() or "nothing",
)  # fmt: skip
def test_another_spelling_of_a_value_is_refused(leaf: bytes) -> None:
    with pytest.raises(Fault, match=r"leaf-malformed|leaf-not-canonical"):
        canonical_object(leaf)


@pytest.mark.parametrize(
    "leaf",
    [
        b"{}", b'{"a":-1}', b'{"a":9007199254740991}', b'{"a":[]}', b'{"a":[1,"b"]}', b'{"a":{"b":1,"c":2}}',
        b'{"a":"x y"}', b'{"a":"\\""}', b'{"a":"\xc3\xa9"}', b'{"a":true,"b":null}', b'{"a":"\x7f"}', b'{"a":":"}',
        b'{"\xf0\x9f\x98\x80":1,"\xef\xbf\xbd":1}',
    ],
    ids=lambda leaf: leaf.hex(),
)  # fmt: skip
def test_the_one_spelling_is_read(leaf: bytes) -> None:
    assert canonical_object(leaf) == json.loads(leaf)


def test_a_verifier_loads_no_database_no_framework_and_no_network() -> None:
    program = f"""
import importlib, sys
for name in {_NEEDED.split()}:
    importlib.import_module("broker.audit.verification." + name)
heavy = {{"sqlalchemy", "flask", "werkzeug", "requests", "urllib3", "socket", "ssl", "psycopg", "structlog"}}
own = ("broker.tlog", "broker.audit.verification")
print(sorted(name for name in sys.modules if name in heavy or name.startswith("broker.") and not name.startswith(own)))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "['broker.audit']\n"  # the package's docstring
