"""Every way to tamper with a log, by whoever owns the database and mostly the signing key too; and who finds it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from broker.audit.verification.faults import Fault, Unreadable
from broker.audit.verification.heads import Head, Trust, opened
from broker.audit.verification.log import Question, Verified, verify_log
from broker.audit.verification.reading import mirror_at
from broker.audit.verification.served import Served, check_elsewhere
from broker.tlog.checkpoint import Checkpoint
from broker.tlog.merkle import leaf_hash
from broker.tlog.tiles import encode_entries
from tests.support.forged_log import (
    ORIGIN,
    SIGNER,
    START_US,
    STRANGER,
    WITNESS,
    Author,
    Fields,
    Published,
    canonical,
    opening,
    publish,
    text_of,
)

SIZE = 600
SEEN = 300
BAD = 261
TRUST = Trust.of([SIGNER.vkey])
WATCHED = Trust.of([SIGNER.vkey], [WITNESS.vkey])
FORMER = Checkpoint("broker.example/audit/harbor/2025", 7, bytes(range(32)))
NOW_S = START_US // 1_000_000
Found = tuple[str, int | None]


@cache
def honest() -> tuple[bytes, ...]:
    return tuple(Author().write(SIZE))


@cache
def published() -> Published:
    return publish(honest())


def seen(size: int = SEEN, *, cosigned_at_s: Sequence[int] = ()) -> Head:
    """The newest head that the verifier had before, from the honest log."""
    return opened(publish(honest()[:size], cosigned_at_s=cosigned_at_s).note, WATCHED if cosigned_at_s else TRUST)


def verified(log: Published, question: Question | None = None) -> Verified:
    return verify_log(log.read, question or Question(TRUST))


def found(log: Published, question: Question | None = None) -> Found:
    with pytest.raises(Fault) as caught:
        verified(log, question)
    assert caught.value.log == ORIGIN
    assert caught.value.detail
    return caught.value.code, caught.value.number


def changed(place: int, /, **members: object) -> bytes:
    fields = json.loads(honest()[place]) | members
    return canonical({name: value for name, value in fields.items() if value is not None})


def with_leaf(number: int, leaf: bytes) -> list[bytes]:
    """Other bytes for one entry, with all hashes and the signature made anew."""
    return [*honest()[:number], leaf, *honest()[number + 1 :]]


def rewritten(change: Callable[[Fields], None], size: int = SIZE) -> list[bytes]:
    """The most careful forger: every later entry is written anew too, so that everything inside the log fits."""
    return Author().write(size, change)


def at(place: int, /, **members: object) -> Callable[[Fields], None]:
    return lambda fields: fields.update(members) if fields["number"] == place else None


def stored(log: Published, change: Callable[[dict[str, bytes]], None]) -> Published:
    """Other bytes where the log is stored, and nothing else."""
    files = dict(log.files)
    change(files)
    return replace(log, files=files)


def bundle_with(leaves: Sequence[bytes]) -> Published:
    """The honest tree over other entries in the second bundle."""
    return stored(published(), lambda files: files.update({"tile/entries/001": encode_entries(leaves[256:512])}))


def test_an_honest_log_is_good() -> None:
    log = publish(honest(), cosigned_at_s=[NOW_S + 5])
    good = verified(log, Question(WATCHED, ORIGIN, seen()))
    assert (good.head.checkpoint.size, good.carried_over, good.previous) == (SIZE, 0, None)
    assert [(one.name, one.time_s) for one in good.head.cosigned] == [(WITNESS.name, NOW_S + 5)]


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513])
def test_an_honest_log_of_any_size_is_good_after_any_earlier_head(size: int) -> None:
    log = publish(honest()[:size])
    for before in {1, size // 2 or 1, size - size % 256 or 1, size}:
        assert verified(log, Question(TRUST, last=seen(before))).head.checkpoint.size == size


def test_a_log_above_one_tile_of_tiles_is_good(tmp_path: Path) -> None:
    about = f'{{"decision":"allowed","event":"policy.changed","initiator":"x","log":"{ORIGIN}"'
    leaves = [f'{about},"number":{number},"time":{START_US},"v":2}}'.encode() for number in range(65_536 + 300)]
    log = publish(leaves)
    assert "tile/2/000.p/1" in log.files
    assert verify_log(mirror_at(log.at(tmp_path)), Question(TRUST)).head.checkpoint.size == len(leaves)
    upper = stored(log, lambda files: files.update({"tile/2/000.p/1": bytes(32)}))
    assert found(upper) == ("tile-wrong", 0)


ALTERED = (
    ("edited where it is stored", lambda: bundle_with(with_leaf(BAD, changed(BAD, records=1))), "entry-altered", BAD),
    ("deleted with its hash", lambda: publish_without(BAD), "number-wrong", BAD),
    ("deleted from the bundle", lambda: bundle_with([*honest()[:BAD], *honest()[BAD + 1 : 512]]), "entry-altered", BAD),
    ("cut off from the bundle", lambda: bundle_with(honest()[:500]), "entry-missing", 500),
    ("swapped where it is stored", lambda: bundle_with(swapped()), "entry-altered", BAD),
    ("swapped and hashed anew", lambda: publish(swapped()), "number-wrong", BAD),
    ("stored twice", lambda: publish([*honest()[: BAD + 1], honest()[BAD], *honest()[BAD + 1 :]]), "number-wrong", 262),
    (
        "edited, hashed and signed anew",
        lambda: publish(with_leaf(BAD, changed(BAD, records=9))),
        "subject-altered",
        BAD,
    ),
    ("taken out of a person's chain", lambda: publish(rewritten(gap)), "subject-gap", 270),
    ("renumbered", lambda: publish(with_leaf(BAD, changed(BAD, number=BAD + 1))), "number-wrong", BAD),
    ("of another log", lambda: publish(with_leaf(BAD, changed(BAD, log="x"))), "log-wrong", BAD),
    ("dated back", lambda: publish(rewritten(at(BAD, time=START_US))), "time-goes-back", BAD),
    ("spaced", lambda: publish(with_leaf(BAD, honest()[BAD].replace(b",", b", ", 1))), "leaf-not-canonical", BAD),
    (
        "escaped",
        lambda: publish(with_leaf(BAD, honest()[BAD].replace(b"al", b"\\u0061l", 1))),
        "leaf-not-canonical",
        BAD,
    ),
    ("out of order", lambda: publish(with_leaf(BAD, disordered())), "leaf-not-canonical", BAD),
    ("ambiguous", lambda: publish(with_leaf(BAD, honest()[BAD][:-1] + b',"v":2}')), "leaf-not-canonical", BAD),
    ("fractional", lambda: publish(with_leaf(BAD, changed(BAD, records=1.5))), "leaf-not-canonical", BAD),
    ("no JSON", lambda: publish(with_leaf(BAD, b"[1")), "leaf-malformed", BAD),
    ("an array", lambda: publish(with_leaf(BAD, b"[1]")), "leaf-malformed", BAD),
    ("without an event", lambda: publish(with_leaf(BAD, changed(BAD, event=None))), "leaf-malformed", BAD),
    ("of an older version", lambda: publish(with_leaf(BAD, changed(BAD, v=1))), "leaf-malformed", BAD),
    ("released unannounced", lambda: publish(rewritten(at(261, access="x"))), "access-not-announced", 261),
    ("released of nothing", lambda: publish(with_leaf(261, changed(261, access=None))), "access-not-announced", 261),
    ("announced twice", lambda: publish(rewritten(repeat)), "access-repeated", 264),
    ("behind the end", lambda: publish(rewritten(at(BAD - 1, event="log.closed"))), "log-goes-on", BAD),
    ("a late beginning", lambda: publish(rewritten(at(BAD, event="log.opened"))), "log-opened-late", BAD),
)


def publish_without(number: int) -> Published:
    """A row deleted from the database: later entries of its bundle move up, with their hashes."""

    def drop(files: dict[str, bytes]) -> None:
        rest = [*honest()[256:number], *honest()[number + 1 : 512]]
        files["tile/entries/001"] = encode_entries(rest)
        files["tile/0/001"] = b"".join(map(leaf_hash, rest))

    return stored(published(), drop)


def swapped() -> list[bytes]:
    return [*honest()[:BAD], honest()[BAD + 1], honest()[BAD], *honest()[BAD + 2 :]]


def gap(fields: Fields) -> None:
    """Leave two entries of one person out of the numbers of that person's chain, which fits otherwise."""
    if fields["number"] >= 262 and fields["subject"] == json.loads(honest()[260])["subject"]:
        fields["subjectSeq"] += 2


def repeat(fields: Fields) -> None:
    """Let one announcement take the name of the next access, while its own release is no release."""
    if fields["number"] == 262:
        fields["access"] = json.loads(honest()[264])["access"]
    if fields["number"] == 263:
        fields["event"] = "access.refused"


def disordered() -> bytes:
    fields = json.loads(honest()[BAD])
    return json.dumps(dict(reversed(fields.items())), separators=(",", ":")).encode()


@pytest.mark.parametrize(("forged", "code", "number"), [row[1:] for row in ALTERED], ids=[row[0] for row in ALTERED])
def test_an_entry_that_was_tampered_with_is_named(forged: Callable[[], Published], code: str, number: int) -> None:
    assert found(forged()) == (code, number)


def test_a_history_that_was_rewritten_as_a_whole_shows_to_whoever_kept_a_head() -> None:
    log = publish(rewritten(at(BAD, records=9)))
    assert verified(log).head.checkpoint.size == SIZE  # nothing inside it tells
    for before in (SEEN, 512, 513):  # also where a bundle ends
        assert found(log, Question(TRUST, last=seen(before))) == ("history-rewritten", 0)
    assert found(log, Question(TRUST, last=seen(SIZE))) == ("log-forked", 0)


def test_an_end_that_nobody_has_seen_can_be_rewritten_and_only_a_receipt_shows_it() -> None:
    log = publish(rewritten(at(500, records=9)))
    assert verified(log, Question(TRUST, last=seen(500))).head.checkpoint.size == SIZE


def test_a_log_that_was_cut_shows_to_whoever_kept_a_head() -> None:
    assert found(publish(honest()[:BAD]), Question(TRUST, last=seen())) == ("log-shrunk", BAD)


def test_a_log_that_stores_less_than_it_has_signed_is_found() -> None:
    log = stored(published(), lambda files: files.pop("tile/entries/001"))
    assert found(log) == ("tile-missing", 256)
    log = stored(
        published(), lambda files: files.update({"tile/entries/001": published().files["tile/entries/001"][:-3]})
    )
    assert found(log) == ("bundle-malformed", 256)
    log = stored(published(), lambda files: files.pop("tile/1/000.p/2"))
    assert found(log) == ("tile-missing", 0)


def test_a_bundle_that_holds_more_than_the_tree_is_found() -> None:
    longer = encode_entries([*honest()[512:], honest()[0]])
    assert found(stored(published(), lambda files: files.update({"tile/entries/002.p/88": longer}))) == (
        "bundle-too-long",
        SIZE,
    )


def test_a_wrong_hash_in_any_tile_is_found() -> None:
    for path, number in (("tile/0/001", 300), ("tile/1/000.p/2", 256)):

        def flip(files: dict[str, bytes], path: str = path) -> None:
            tile = bytearray(files[path])
            tile[32 * (44 if path.startswith("tile/0") else 1)] ^= 1
            files[path] = bytes(tile)

        assert found(stored(published(), flip))[1] == number


def test_a_root_that_nothing_hashes_to_is_found() -> None:
    other = publish(rewritten(at(599, records=9)))
    assert found(stored(published(), lambda files: files.update(checkpoint=other.note))) == ("root-wrong", 0)


def test_a_checkpoint_counts_only_with_a_signature_of_the_logs_own_key() -> None:
    forged = publish(honest(), signer=STRANGER)
    with pytest.raises(Fault, match="signature-missing"):
        verified(forged)
    with pytest.raises(Fault, match="origin-unexpected"):
        verified(published(), Question(TRUST, "broker.example/audit/other/2026"))
    with pytest.raises(Unreadable):
        verified(stored(published(), lambda files: files.pop("checkpoint")))


def test_a_fork_does_not_reach_a_bank_that_wants_witnesses() -> None:
    with pytest.raises(Fault, match="quorum-missed"):
        verified(published(), Question(WATCHED))


def test_an_entry_dated_after_what_a_witness_has_signed_is_dated_ahead() -> None:
    def tomorrow(fields: Fields) -> None:
        fields["time"] += 86_400_000_000 * (fields["number"] >= BAD)

    leaves = Author().write(SIZE, tomorrow)
    verified(publish(leaves))  # without a witness nobody can tell
    assert found(publish(leaves, cosigned_at_s=[NOW_S + 5]), Question(WATCHED)) == ("dated-ahead", BAD)
    # The head that was seen before says it too, when the newest one is signed late enough.
    before = opened(publish(leaves[:SEEN], cosigned_at_s=[NOW_S + 5]).note, WATCHED)
    late = publish(leaves, cosigned_at_s=[NOW_S + 2 * 86_400])
    verified(late, Question(WATCHED))
    assert found(late, Question(WATCHED, last=before)) == ("dated-ahead", BAD)


def test_an_entry_dated_before_what_a_witness_had_signed_is_back_dated() -> None:
    """The forger keeps times in order; the witness saw 300 entries an hour after the last of them."""
    hour_later = NOW_S + 3_600
    before = seen(cosigned_at_s=[hour_later])
    question = Question(WATCHED.without_quorum, last=before)
    assert found(published(), question) == ("back-dated", SEEN)
    late = rewritten(lambda fields: fields.update(time=fields["time"] + 3_600_000_000 * (fields["number"] >= SEEN)))
    assert verified(publish(late), question).head.checkpoint.size == SIZE


def test_the_first_entry_of_the_next_log_commits_to_the_end_of_the_one_before() -> None:
    log = publish([opening(FORMER)])
    assert verified(log, Question(TRUST, former=FORMER)).previous is not None
    for former in (replace(FORMER, size=6), replace(FORMER, root=bytes(32)), replace(FORMER, origin="x")):
        assert found(log, Question(TRUST, former=former)) == ("former-log-wrong", 0)
    assert found(published(), Question(TRUST, former=FORMER)) == ("former-log-wrong", 0)


def test_an_access_announced_in_the_log_before_may_end_in_the_next_within_minutes() -> None:
    soon = canonical(
        {**json.loads(changed(1, subject=None, subjectSeq=None, subjectPrev=None)), "access": "from-before"}
    )
    assert verified(publish([opening(FORMER), soon])).carried_over == 1
    late = canonical({**json.loads(soon), "time": START_US + 400_000_000})
    assert found(publish([opening(FORMER), late])) == ("access-not-announced", 1)


def served(*numbers: int, **members: object) -> Callable[[str], Served]:
    rows = [{"log": ORIGIN, "number": number, "leafHash": text_of(leaf_hash(honest()[number]))} for number in numbers]
    lines = [json.dumps({**row, **members}).encode() for row in rows]
    return lambda log: Served.read(lines, log)


def test_a_bank_finds_its_served_requests_in_the_log_and_learns_which_were_never_served() -> None:
    every = served(*(number for number in range(0, SIZE, 2) if number not in {4, 8}))
    good = verified(published(), Question(TRUST, served=every)).reconciled
    assert good is not None
    assert (good.served, good.unserved, good.first_unserved) == (298, 2, (4, 8))


@pytest.mark.parametrize(
    ("listed", "code", "number"),
    [
        (lambda: served(2, 5), "served-not-logged", 5),
        (lambda: served(2, 4, leafHash=text_of(bytes(32))), "served-otherwise", 2),
        (lambda: served(2, 4, leafHash=None, interactionId="x"), "served-otherwise", 2),
    ],
    ids=[
        "with another event's entry",
        "with other bytes",
        "in another interaction",
    ],
)
def test_a_request_that_the_bank_served_and_nobody_logged_is_named(
    listed: Callable[[], Callable[[str], Served]], code: str, number: int | None
) -> None:
    assert found(published(), Question(TRUST, served=listed())) == (code, number)


def test_a_request_beyond_the_checkpoint_is_not_covered_yet_and_accuses_nobody() -> None:
    older = publish(honest()[:SEEN])
    found_of = verified(older, Question(TRUST, served=served(2, SEEN - 2, SEEN, SEEN + 2, SEEN + 2))).reconciled
    assert found_of is not None
    assert (found_of.served, found_of.uncovered, found_of.first_uncovered) == (2, 3, SEEN)
    assert found(older, Question(TRUST, served=served(5, SEEN))) == ("served-not-logged", 5)


def test_a_served_request_of_a_log_that_was_not_checked_is_a_fault() -> None:
    rows = [{"log": log, "number": 1} for log in (ORIGIN, f"{ORIGIN}-7", f"{ORIGIN}-7", "x")]
    lines = [json.dumps(row).encode() for row in rows]
    with pytest.raises(Fault, match=rf"served-elsewhere: 3 lines .*{ORIGIN}-7 \(2\), x \(1\)"):
        check_elsewhere(lines, {ORIGIN})
    check_elsewhere(lines, {ORIGIN, f"{ORIGIN}-7", "x"})
    with pytest.raises(Fault, match="served-not-logged: Line 2"):
        check_elsewhere([lines[0], b'{"log":null,"number":null}'], {ORIGIN})


def test_a_served_list_that_cannot_be_read_is_refused() -> None:
    for line in (
        b"{",
        b"[]",
        b'{"log":"x"}',
        b'{"log":"%s","number":"1"}' % ORIGIN.encode(),
        b'{"log":"%s","number":1,"leafHash":1}' % ORIGIN.encode(),
        b" " + b"9" * 5_000,
    ):
        with pytest.raises(Unreadable):
            Served.read([line], ORIGIN)
    of_another = Served.read([b"", b'{"log":"other","number":1,"leafHash":"x"}'], ORIGIN)
    assert of_another.reconciled(ORIGIN, SIZE).served == 0
