"""The negative controls of verifier, mirror, packs and read API: faults in a copy that the tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_IN = "broker/audit/verification/"
_LOG = "tests/unit/audit/test_log_verification.py"
_MIRROR = "tests/unit/audit/test_log_mirror.py"
_PACK = "tests/unit/audit/test_proof_packs.py"
_LEAF = "tests/unit/audit/test_leaf_form.py"
_API = "tests/unit/api/test_audit_log_api.py"
PLANTS = (
    Plant(
        f"{_IN}bundles.py", 'if len(hashes) == width and b"".join(hashes) == tile:', "if len(hashes) == width:", _LOG
    ),
    Plant(f"{_IN}log.py", "if self.rows.root(self.rest) != checkpoint.root:", "if False:", f"{_LOG}::root"),
    Plant(f"{_IN}log.py", "if now.size < before.size:", "if False:", f"{_LOG}::was_cut"),
    Plant(f"{_IN}log.py", "if 0 < inside <= len", "if 0 < inside < len", f"{_LOG}::rewritten_as_a_whole or back_dated"),
    Plant(f"{_IN}continuity.py", "if int(stated) != number:", "if False:", f"{_LOG}::tampered"),
    Plant(f"{_IN}continuity.py", "if time_us < self._time_us:", "if False:", f"{_LOG}::tampered"),
    Plant(f"{_IN}continuity.py", "if place != before + 1:", "if place <= before:", f"{_LOG}::tampered"),
    Plant(f"{_IN}continuity.py", "if self._open.pop(access, None) is None:", "if False:", f"{_LOG}::tampered"),
    Plant(f"{_IN}continuity.py", "and time_us < self.since_us", "and False", f"{_LOG}::dated_before"),
    Plant(f"{_IN}heads.py", "< trust.quorum:", "< 0:", f"{_LOG}::fork"),
    Plant(f"{_IN}served.py", "if missing:", "if False:", f"{_LOG}::served"),
    Plant(f"{_IN}served.py", "    if others:", "    if False:", f"{_LOG}::not_checked"),
    Plant(f"{_IN}served.py", "if number < size or self._is_overdue(line)", "if number >= 0", f"{_LOG}::beyond"),
    Plant(f"{_IN}leaves.py", "leaf.translate(_ESCAPES_SHOWN)", "leaf", f"{_LEAF}::whatever_is_done or only_escaped"),
    Plant(f"{_IN}leaves.py", "pattern.append(_ABSENT * (NEEDED.index(inside) - reached))", "pass", _LEAF),
    Plant(f"{_IN}leaves.py", "if written != leaf:", "if False:", f"{_LEAF}::another_spelling"),
    Plant(
        f"{_IN}mirroring.py",
        "if self.range.root != self.now.checkpoint.root:",
        "if False:",
        f"{_MIRROR}::rewritten or not_copied",
    ),
    Plant(f"{_IN}mirroring.py", 'if b"".join(hashes) == tile:', "if True:", f"{_MIRROR}::left_behind"),
    Plant(f"{_IN}mirroring.py", "if found.root != self.before.checkpoint.root:", "if False:", f"{_MIRROR}::tampered"),
    Plant(f"{_IN}pack.py", "if len(chain) != last + 1:", "if False:", f"{_PACK}::hide"),
    Plant(f"{_IN}packs.py", "if _NAME.fullmatch(one.filename) is None:", "if False:", f"{_PACK}::no_pack"),
    Plant("broker/edge/gates.py", 'if found.owner != (request.view_args or {}).get("owner"):', "if False:", _API),
    Plant("broker/audit/credentials.py", "found.is_live(now)", "found.owner", f"{_API}::ends_when"),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_fault_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
