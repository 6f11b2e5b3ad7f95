"""A copy of a log only grows, and only by what follows from what it holds: whatever the log, or a crash, does."""

import fcntl
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.heads import Trust
from broker.audit.verification.log import Question, verify_log
from broker.audit.verification.mirroring import mirrored
from broker.audit.verification.reading import Missing, mirror_at
from tests.support.forged_log import ORIGIN, SIGNER, STRANGER, Author, Fields, Published, publish

SIZE = 700
TRUST = Trust.of([SIGNER.vkey])


@cache
def honest() -> tuple[bytes, ...]:
    return tuple(Author().write(SIZE))


def log_of(size: int) -> Published:
    return publish(honest()[:size])


def forged(number: int, size: int = SIZE) -> Published:
    """Another history that fits in itself, from one entry on."""

    def change(fields: Fields) -> None:
        if fields["number"] == number:
            fields["records"] = 9

    return publish(Author().write(size, change))


def copied(log: Published, folder: Path) -> tuple[int, int]:
    found = mirrored(log.read, folder, TRUST, ORIGIN)
    return found.size, found.added


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


@pytest.mark.parametrize(
    "steps", [(SIZE,), (1, 2, 255, 256, 257, 300, 511, 512, 513, SIZE), (300, 300, 301, 512, 512, 699)]
)
def test_a_copy_is_laid_out_as_the_log_serves_itself_however_it_grew(tmp_path: Path, steps: tuple[int, ...]) -> None:
    before = 0
    for size in steps:
        assert copied(log_of(size), tmp_path) == (size, size - before)
        before = size
    assert files_in(tmp_path) == log_of(steps[-1]).files
    assert verify_log(mirror_at(tmp_path), Question(TRUST, ORIGIN)).head.checkpoint.size == steps[-1]


def test_only_what_is_new_is_fetched_again(tmp_path: Path) -> None:
    copied(log_of(600), tmp_path)
    asked: list[str] = []
    log = log_of(SIZE)

    def read(path: str) -> bytes:
        asked.append(path)
        return log.read(path)

    mirrored(read, tmp_path, TRUST, ORIGIN)
    assert sorted(asked) == ["checkpoint", "tile/0/002.p/188", "tile/entries/002.p/188"]


REWRITTEN = (
    ("in a full bundle", 17, 600, SIZE),
    ("in the partial bundle", 550, 600, SIZE),
    ("with the same size", 17, 600, 600),
    ("in the partial bundle with the same size", 550, 600, 600),
    ("just before the end of the copy", 599, 600, 601),
)


@pytest.mark.parametrize(("number", "had", "has"), [row[1:] for row in REWRITTEN], ids=[row[0] for row in REWRITTEN])
def test_a_history_that_was_rewritten_is_refused_with_the_first_entry_that_changed(
    tmp_path: Path, number: int, had: int, has: int
) -> None:
    copied(log_of(had), tmp_path)
    before = files_in(tmp_path)
    with pytest.raises(Fault) as caught:
        copied(forged(number, has), tmp_path)
    assert (caught.value.code, caught.value.number) == ("history-rewritten", number)
    assert files_in(tmp_path)["checkpoint"] == before["checkpoint"]
    assert verify_log(mirror_at(tmp_path), Question(TRUST)).head.checkpoint.size == had
    assert copied(log_of(SIZE), tmp_path) == (SIZE, SIZE - had)  # the honest log goes on


def test_a_copy_never_shrinks(tmp_path: Path) -> None:
    copied(log_of(600), tmp_path)
    before = files_in(tmp_path)
    with pytest.raises(Fault) as caught:
        copied(log_of(300), tmp_path)
    assert (caught.value.code, caught.value.number) == ("log-shrunk", 300)
    assert files_in(tmp_path) == before


@pytest.mark.parametrize("after", range(1, 9))
def test_a_copy_that_was_broken_off_goes_on(tmp_path: Path, after: int) -> None:
    copied(log_of(300), tmp_path)
    log, left = log_of(SIZE), [after]

    def breaks(path: str) -> bytes:
        left[0] -= 1
        if left[0] < 0:
            raise Unreadable("The line is cut.")
        return log.read(path)

    try:
        mirrored(breaks, tmp_path, TRUST, ORIGIN)
    except Unreadable:
        assert verify_log(mirror_at(tmp_path), Question(TRUST)).head.checkpoint.size == 300
    assert copied(log, tmp_path)[0] == SIZE
    assert {name: content for name, content in files_in(tmp_path).items() if name in log.files} == log.files


def test_what_a_broken_run_or_a_forger_left_behind_is_not_believed(tmp_path: Path) -> None:
    copied(log_of(300), tmp_path)
    with pytest.raises(Fault):
        copied(forged(17), tmp_path)  # leaves bundles of another history beyond the end of the copy
    (tmp_path / "tile" / "entries" / "002.p").mkdir(exist_ok=True)
    (tmp_path / "tile" / "entries" / "002.p" / "188").write_bytes(b"cut o")
    assert copied(log_of(SIZE), tmp_path) == (SIZE, SIZE - 300)
    assert verify_log(mirror_at(tmp_path), Question(TRUST)).head.checkpoint.size == SIZE


DAMAGED: tuple[tuple[str, Callable[[dict[str, bytes]], None], str, int | None], ...] = (
    ("a bundle with another entry", lambda files: flip(files, "tile/entries/001", 40_000), "entry-altered", 300),
    ("a wrong hash", lambda files: flip(files, "tile/0/001", 32 * 44), "entry-altered", 300),
    ("a bundle that is cut off", lambda files: cut(files, "tile/entries/001"), "bundle-malformed", 256),
    ("a tile that is cut off", lambda files: cut(files, "tile/0/001"), "entry-altered", 511),
    ("no bundle", lambda files: files.pop("tile/entries/001") and None, "tile-missing", 256),
    ("no tile", lambda files: files.pop("tile/1/000.p/2") and None, "tile-missing", 0),
    ("a wrong upper tile", lambda files: flip(files, "tile/1/000.p/2", 0), "tile-wrong", 0),
    ("the root of another tree", lambda files: files.update(checkpoint=forged(17).note), "root-wrong", 0),
    ("a stranger's signature", lambda files: files.update(checkpoint=publish(honest(), signer=STRANGER).note),
     "signature-missing", None),
)  # fmt: skip


def flip(files: dict[str, bytes], path: str, place: int) -> None:
    content = bytearray(files[path])
    content[place] ^= 1
    files[path] = bytes(content)


def cut(files: dict[str, bytes], path: str) -> None:
    files[path] = files[path][:-3]


@pytest.mark.parametrize(("damage", "code", "number"), [row[1:] for row in DAMAGED], ids=[row[0] for row in DAMAGED])
def test_what_does_not_fit_the_signed_checkpoint_is_not_copied(
    tmp_path: Path, damage: Callable[[dict[str, bytes]], None], code: str, number: int | None
) -> None:
    log = log_of(SIZE)
    damage(log.files)
    with pytest.raises(Fault) as caught:
        copied(log, tmp_path)
    assert caught.value.code == code
    if code != "entry-altered" or number == 511:
        assert caught.value.number == number
    else:
        assert 256 <= (caught.value.number or 0) < 512
    assert "checkpoint" not in files_in(tmp_path)


def test_a_copy_that_was_tampered_with_is_not_extended(tmp_path: Path) -> None:
    for path in ("tile/0/001.p/44", "tile/1/000.p/1"):
        folder = tmp_path / path.replace("/", "-")
        copied(log_of(300), folder)
        content = (folder / path).read_bytes()
        (folder / path).write_bytes(bytes(32) + content[32:])
        with pytest.raises(Fault, match="mirror-damaged"):
            copied(log_of(SIZE), folder)
        (folder / path).unlink()
        with pytest.raises(Fault, match="mirror-damaged"):
            copied(log_of(SIZE), folder)


def test_a_log_without_entries_and_a_busy_folder_are_told(tmp_path: Path) -> None:
    def nothing(path: str) -> bytes:
        raise Missing(path)

    with pytest.raises(Unreadable, match="no checkpoint"):
        mirrored(nothing, tmp_path, TRUST, ORIGIN)
    with (tmp_path / ".lock").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Unreadable, match="Another process"):
            copied(log_of(1), tmp_path)
