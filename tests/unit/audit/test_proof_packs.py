"""A person's proof pack: what it proves, what it cannot hide, and zips that mean harm."""

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.heads import Trust
from broker.audit.verification.pack import VerifiedPack, verify_pack
from broker.tlog.disclosure import Disclosure, digest
from tests.support.audited import runs
from tests.support.forged_log import ORIGIN, SIGNER, STRANGER, WITNESS, Author, Fields, Published, publish, text_of

SIZE = 300
TRUST = Trust.of([SIGNER.vkey])
SHOWN = Disclosure(text_of(bytes(16)), "accounts", ["acc-1"])
TERMS, NOTICE = {"purpose": "chat", "days": 90}, {"version": "1", "sha256": "ab"}
APPROVED = (
    Disclosure(text_of(bytes(16)), "terms", TERMS),
    SHOWN,
    Disclosure(text_of(bytes(16)), "notice", NOTICE),
)
Files = dict[str, bytes]


def disclosing(fields: Fields) -> None:
    if fields["number"] == 10:
        fields |= {"_sd": sorted(map(digest, APPROVED)), "event": "grant.approved", "grant": "g-1", "grantVersion": 1}
        del fields["access"]
    if fields["number"] == 11:
        fields["event"] = "access.refused"


@cache
def log() -> Published:
    return publish(Author().write(SIZE, disclosing))


def numbers(published: Published) -> list[int]:
    """The entries of one person."""
    leaves = [json.loads(leaf) for leaf in published.leaves]
    return [leaf["number"] for leaf in leaves if leaf["subject"] == leaves[0]["subject"]]


def files_of(published: Published) -> Files:
    own = numbers(published)
    index = {
        "format": "consent-broker-proof-pack/1",
        "logs": [{"origin": ORIGIN, "vkeys": [SIGNER.vkey]}],
        "grants": [{"id": "g-1", "version": 1, "terms": TERMS, "notice": NOTICE}],
        "entries": [{"origin": ORIGIN, "number": number} for number in own],
        "gaps": [],
    }
    return {
        "README.txt": b"read me",
        "pack.json": json.dumps(index).encode(),
        "checkpoints/harbor-2026.txt": published.note,
        **{f"receipts/harbor-2026-{number}.tlog-proof": published.receipt(number) for number in own},
        "disclosures/harbor-2026-10.json": json.dumps(APPROVED).encode(),
    }


def packed(folder: Path, files: Files) -> Path:
    path = folder / "pack.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, content in files.items():
            pack.writestr(name, content)
    return path


def verified(folder: Path, files: Files, trust: Trust | None = TRUST) -> VerifiedPack:
    return verify_pack(packed(folder, files), trust)


def test_an_honest_pack_is_good(tmp_path: Path) -> None:
    found = verified(tmp_path, files_of(log()))
    assert found == VerifiedPack({ORIGIN: SIZE}, 60, 3, 1)


def test_a_grant_that_nothing_shows_is_listed_and_not_proved(tmp_path: Path) -> None:
    """The entry of the approval is in another pack, or does not open what it commits to, or is of another version."""
    for change in (
        without("disclosures/harbor-2026-10.json"),
        replaced("disclosures/harbor-2026-10.json", lambda: json.dumps(APPROVED[:2]).encode()),
        index_with(grants=[{"id": "g-1", "version": 2, "terms": TERMS, "notice": NOTICE}]),
    ):
        files = files_of(log())
        change(files)
        found = verified(tmp_path, files)
        assert (found.grants, found.unproved_grants) == (0, ("g-1",))
    told = runs("verify", "--pack", packed(tmp_path, files)).stdout
    assert "1 grants listed, not proved: g-1" in told


def test_the_command_says_whose_keys_it_took(tmp_path: Path) -> None:
    path = packed(tmp_path, files_of(log()))
    own = runs("verify", "--pack", path)
    assert own.exit_code == 0
    assert "60 entries, 3 details, no gaps" in own.stdout
    assert "1 grant with the terms that their approval in the log commits to" in own.stdout
    assert "Ask each bank for its log's key" in own.stdout
    given = runs("verify", "--pack", path, "--key", SIGNER.vkey, "--json")
    assert json.loads(given.stdout)["keys_given"] is True
    assert runs("verify", "--pack", path, "--key", STRANGER.vkey).exit_code == 1
    assert runs("verify", "--pack", path, "--key", SIGNER.vkey, "--witness", WITNESS.vkey).exit_code == 1


def without(*names: str) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        for name in names:
            del files[name]

    return change


def index_with(**members: Any) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        files["pack.json"] = json.dumps({**json.loads(files["pack.json"]), **members}).encode()

    return change


def both(*changes: Callable[[Files], None]) -> Callable[[Files], None]:
    def change(files: Files) -> None:
        for one in changes:
            one(files)

    return change


def entries_without(number: int) -> Callable[[Files], None]:
    kept = [{"origin": ORIGIN, "number": own} for own in numbers(log()) if own != number]
    return index_with(entries=kept)


@cache
def fork() -> Published:
    def change(fields: Fields) -> None:
        disclosing(fields)
        if fields["number"] == 20:
            fields["records"] = 9

    return publish(Author().write(SIZE, change))


def replaced(name: str, content: Callable[[], bytes]) -> Callable[[Files], None]:
    return lambda files: files.update({name: content()})


RECEIPT = "receipts/harbor-2026-{}.tlog-proof".format
FORGED: tuple[tuple[str, Callable[[Files], None], str, int | None], ...] = (
    ("an entry is left out", both(without(RECEIPT(20)), entries_without(20)), "subject-gap", 21),
    ("the first entry is left out", both(without(RECEIPT(0)), entries_without(0)), "subject-gap", 1),
    ("a receipt is left out", without(RECEIPT(20)), "receipt-missing", 20),
    ("the pack says so itself", index_with(gaps=[{"from": 3, "to": 4}]), "subject-gap", None),
    ("a receipt is damaged", replaced(RECEIPT(20), lambda: log().receipt(20)[:-9]), "note-malformed", None),
    ("a receipt is another's", replaced(RECEIPT(20), lambda: log().receipt(21)), "receipt-elsewhere", 21),
    ("a receipt is of another history", replaced(RECEIPT(20), lambda: fork().receipt(20)), "log-forked", 20),
    ("a receipt is for a smaller tree", replaced(RECEIPT(0), lambda: publish(log().leaves[:9]).receipt(0)),
     "receipt-outdated", 0),
    ("a receipt is for a smaller tree of another history",
     replaced(RECEIPT(20), lambda: publish(fork().leaves[:50]).receipt(20)), "receipt-outdated", 20),
    ("there is no checkpoint", without("checkpoints/harbor-2026.txt"), "checkpoint-missing", 0),
    ("a log has no checkpoint", index_with(logs=[{"origin": "x", "vkeys": [SIGNER.vkey]}]), "checkpoint-missing", None),
    ("a grant has other terms",
     index_with(grants=[{"id": "g-1", "version": 1, "terms": {**TERMS, "days": 365}, "notice": NOTICE}]),
     "grant-altered", 10),
    ("a grant has another notice",
     index_with(grants=[{"id": "g-1", "version": 1, "terms": TERMS, "notice": {}}]), "grant-altered", 10),
    ("the checkpoint is older", replaced("checkpoints/harbor-2026.txt", lambda: publish(log().leaves[:9]).note),
     "log-shrunk", 0),
    ("the checkpoint is a stranger's",
     replaced("checkpoints/harbor-2026.txt", lambda: publish(log().leaves, signer=STRANGER).note),
     "signature-missing", None),
    ("the checkpoint is another log's", lambda files: files.update({"checkpoints/x-2026.txt": log().note}),
     "checkpoint-of-another-log", None),
    ("a detail is changed",
     replaced("disclosures/harbor-2026-10.json", lambda: json.dumps([SHOWN._replace(value=["acc-2"])]).encode()),
     "disclosure-unproven", 10),
    ("a detail of no entry", replaced("disclosures/harbor-2026-12.json", lambda: b"[]"), "receipt-missing", None),
)  # fmt: skip


@pytest.mark.parametrize(("change", "code", "number"), [row[1:] for row in FORGED], ids=[row[0] for row in FORGED])
def test_a_pack_cannot_hide_that(
    tmp_path: Path, change: Callable[[Files], None], code: str, number: int | None
) -> None:
    files = files_of(log())
    change(files)
    with pytest.raises(Fault) as caught:
        verified(tmp_path, files)
    assert (caught.value.code, caught.value.number) == (code, number)


def test_what_was_left_out_is_named(tmp_path: Path) -> None:
    files = files_of(log())
    kept = [{"origin": ORIGIN, "number": own} for own in numbers(log())]
    for gone in (10, 11, 30):
        del files[RECEIPT(gone)]
        kept.remove({"origin": ORIGIN, "number": gone})
    del files["disclosures/harbor-2026-10.json"]
    index_with(entries=kept)(files)
    with pytest.raises(Fault, match=r"leaves out: numbers 2, 3, 6 of this chain"):
        verified(tmp_path, files)


UNUSABLE: tuple[tuple[str, Callable[[Files], None]], ...] = (
    ("no index", without("pack.json")),
    ("an index that is no JSON", replaced("pack.json", lambda: b"{")),
    ("an index that is an array", replaced("pack.json", lambda: b"[]")),
    ("an index without entries", replaced("pack.json", lambda: b'{"logs":[],"grants":[],"entries":{},"gaps":[]}')),
    ("an index that is nested", replaced("pack.json", lambda: b"[" * 100_000)),
    ("entries that are none", index_with(entries=[{"origin": 1}])),
    ("grants that are none", index_with(grants=[{"id": 1}])),
    ("logs that are none", index_with(logs=[1])),
    ("details that are none", replaced("disclosures/harbor-2026-10.json", lambda: b"{}")),
    ("a way out of its folder", replaced("receipts/../../x.tlog-proof", lambda: b"")),
    ("an absolute name", replaced("/etc/passwd", lambda: b"")),
    ("a program", replaced("run-me.exe", lambda: b"")),
    ("a folder", replaced("receipts/", lambda: b"")),
    ("a large receipt", replaced(RECEIPT(20), lambda: bytes(200_000))),
    ("a bomb", replaced("pack.json", lambda: bytes(50_000_000))),
)


@pytest.mark.parametrize("change", [row[1] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
def test_what_is_no_pack_is_refused(tmp_path: Path, change: Callable[[Files], None]) -> None:
    files = files_of(log())
    change(files)
    with pytest.raises(Unreadable):
        verified(tmp_path, files)


def test_keys_that_are_none_are_refused(tmp_path: Path) -> None:
    for logs in ([1], [{"vkeys": ["x"]}], [{"vkeys": None}], [{}]):
        files = files_of(log())
        index_with(logs=logs)(files)
        with pytest.raises(Unreadable):
            verified(tmp_path, files, None)


def damaged(change: Callable[[bytearray], None]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("pack.json", b"{}" * 1_000)
    content = bytearray(buffer.getvalue())
    change(content)
    return bytes(content)


def lie(content: bytearray, place: int, form: str, value: int) -> None:
    """Change one field of the archive's directory."""
    struct.pack_into(form, content, content.index(b"PK\x01\x02") + place, value)


def twice() -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as pack:
        warnings.simplefilter("ignore")
        for _ in range(2):
            pack.writestr("README.txt", b"x")
    return buffer.getvalue()


def many() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as pack:
        pack.writestr("pack.json", b"{}")
    content = buffer.getvalue()
    start, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    entry = content[start:end]
    directory = entry * 50_001
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 50_001, 50_001, len(directory), start, 0)
    return content[:start] + directory + tail


BROKEN: tuple[tuple[str, Callable[[], bytes]], ...] = (
    ("empty", lambda: b""),
    ("no zip", lambda: b"hello" * 100),
    ("cut off", lambda: damaged(lambda content: content.__delitem__(slice(40, None)))),
    ("a stream that is damaged", lambda: damaged(lambda content: content.__setitem__(45, content[45] ^ 0xFF))),
    ("encrypted", lambda: damaged(lambda content: lie(content, 8, "<H", 1))),
    ("an unknown way of packing", lambda: damaged(lambda content: lie(content, 10, "<H", 99))),
    ("a size that is a lie", lambda: damaged(lambda content: lie(content, 24, "<L", 10))),
    ("a place outside the file", lambda: damaged(lambda content: lie(content, 42, "<L", 10**9))),
    ("two files of one name", twice),
    ("too many files", many),
)


@pytest.mark.parametrize("content", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_or_hostile_zip_is_refused(tmp_path: Path, content: Callable[[], bytes]) -> None:
    path = tmp_path / "pack.zip"
    path.write_bytes(content())
    with pytest.raises(Unreadable):
        verify_pack(path, TRUST)


def test_a_pack_that_is_too_large_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "pack.zip"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(Unreadable, match="too large"):
        verify_pack(path, TRUST)
