"""The examples of the C2SP pages on notes, checkpoints, cosignatures, tiles and witnesses, and one note of Go's."""

import base64

import pytest

from broker.tlog.checkpoint import Checkpoint, parse_checkpoint
from broker.tlog.cosignature import CosignatureVerifier
from broker.tlog.note import Ed25519Verifier, open_note, parse_note
from broker.tlog.proof import parse_proof
from broker.tlog.tiles import Tile, parse_tile_path, tile_path, tiles_of
from broker.tlog.witness import parse_add_checkpoint
from tests.support.trees import cosigner

SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "\u2014 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
COSIGNED = (
    SOFA + "\u2014 witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def test_signed_note_the_example_verifies() -> None:
    verifier = Ed25519Verifier.of_vkey("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")
    note = (
        "This is an example message.\n\n\u2014 example.com/foo "
        "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
    )
    assert verifier.key_id == bytes.fromhex("530d903a")
    assert open_note(note.encode(), [verifier]).text == b"This is an example message.\n"


def test_signed_note_an_example_of_another_implementation_verifies() -> None:
    # The documentation of Go's sumdb/note.
    verifier = Ed25519Verifier.of_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    line = "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    assert open_note(f"{text}\n\u2014 {line}\n".encode(), [verifier]).text == text.encode()


def test_signed_note_a_text_may_hold_empty_lines_and_any_script() -> None:
    note = (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned \u00e8 subito sera.\n\n"
        "\u2014 quasimodo.example/salvatore "
        "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    )
    found = parse_note(note.encode())
    assert found.text.endswith("ed \u00e8 subito sera.\n".encode())
    assert [signature.name for signature in found.signatures] == ["quasimodo.example/salvatore"]


def test_tlog_checkpoint_the_example_is_read() -> None:
    root = base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    text = parse_note(SOFA.encode()).text
    assert parse_checkpoint(text) == Checkpoint("example.com/behind-the-sofa", 20_852_163, root)
    assert parse_checkpoint(text).text() == text


def test_tlog_cosignature_the_example_tells_its_time() -> None:
    _, found = parse_note(COSIGNED.encode()).signatures
    assert CosignatureVerifier("witness.example.com/w1", bytes(32)).time_of(found.signature) == 1_679_315_147


def test_tlog_cosignature_the_message_is_the_one_of_the_example() -> None:
    witness = cosigner()
    text = parse_note(SOFA.encode()).text
    (found,) = parse_note(text + b"\n" + witness.cosign(text, 1_679_315_147)).signatures
    message = (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    assert found.signature == bytes.fromhex("00000000641850cb") + witness._key.sign(message)


def test_tlog_tiles_a_number_is_written_in_groups_of_three() -> None:
    assert tile_path(0, 1_234_067) == "tile/0/x001/x234/067"
    assert parse_tile_path("tile/entries/x001/x234/067.p/112") == Tile("entries", 1_234_067, 112)


@pytest.mark.parametrize(
    ("size", "widths"),
    [(70_000, {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}), (256, {0: [256], 1: [1]}), (0, {})],
)
def test_tlog_tiles_the_tiles_of_the_examples(size: int, widths: dict[int, list[int]]) -> None:
    found: dict[object, list[int]] = {}
    for tile in tiles_of(size):
        found.setdefault(tile.level, []).append(tile.width)
    assert found == widths


def test_tlog_witness_the_example_is_read() -> None:
    proof = [
        "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=",
        "jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=",
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=",
        "/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=",
    ]
    body = "\n".join(["old 20852014", *proof, "", SOFA]).encode()
    request = parse_add_checkpoint(body)
    assert (request.old_size, request.origin) == (20_852_014, "example.com/behind-the-sofa")
    assert [base64.b64encode(found).decode() for found in request.proof] == proof
    assert request.dump() == body


def test_tlog_proof_the_lines_stand_in_the_order_of_the_example() -> None:
    head = "c2sp.org/tlog-proof@v1\nextra YWdlLXYxLjIuMQ==\nindex 73894\ngSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=\n"
    found = parse_proof(f"{head}\n{SOFA}".encode())
    assert (found.index, found.extra, len(found.hashes)) == (73_894, b"age-v1.2.1", 1)
    assert found.checkpoint == SOFA.encode()
    assert found.dump() == f"{head}\n{SOFA}".encode()
