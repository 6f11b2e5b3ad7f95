"""The negative controls of closing an account, and of passkeys that follow their bank: faults that tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_CORE, _PAGE = "tests/unit/grants/test_closing.py", "tests/unit/web/test_web_closing.py"
_CLOSING, _WEB = "broker/grants/closing.py", "broker/web/closing.py"

PLANTS = (
    # A grant is left alive.
    Plant(
        _CLOSING,
        "        for row in rows:\n            self._end(",
        "        for row in rows[1:]:\n            self._end(",
        _CORE,
    ),
    # One that came meanwhile is left alive.
    Plant(
        _CLOSING,
        "if {row.id for row in rows} <= set(grants) and ",
        "rows = [one for one in rows if one.id in grants]\n                if ",
        f"{_CORE}::takes_the_fences",
    ),
    # What is being handed over goes on behind it.
    Plant(_CLOSING, "self._fences.exclusive(grants)", "self._fences.exclusive([])", f"{_CORE}::handed_over"),
    # A token is left alive; a session is left alive, as a row and as what a slower request writes.
    Plant(
        _WEB, "            end_all_of_grant(session, grant_id, now)", "            del grant_id", f"{_PAGE}::afterwards"
    ),
    Plant(_WEB, "        own_sessions.end_all(session, owner)\n", "", f"{_PAGE}::afterwards"),
    Plant(
        "broker/edge/visitor.py",
        "if has_moved(opened, found.user_id, found.bank_id):",
        "if not opened:",
        f"{_PAGE}::slower",
    ),
    # Who signs in again is the same person.
    Plant(
        "broker/users/service.py",
        "row.subject_digest = secrets.token_bytes(_DIGEST_BYTES)",
        "secrets.token_bytes(_DIGEST_BYTES)",
        f"{_CORE}::somebody_new",
    ),
    # Without the tick, and without the passkey of who has one.
    Plant(_WEB, 'if sent["understood"] is None:', "if not sent:", f"{_PAGE}::without_the_tick"),
    Plant(_WEB, 'if step_up.waits_for(signed_in().user_id, sent["answer"]):', "if not sent:", f"{_PAGE}::passkey"),
    Plant(
        "broker/web/renewing.py",
        'if waits_to_renew(card, sent["answer"]):',
        "if not sent:",
        "tests/unit/web/test_web_renewing.py::exact_places",
    ),
    Plant(
        "broker/web/passkeys/routes.py",
        "if not browser.proved_within(Means.BANK, _FRESH) and step_up.waits_for(signed_in().user_id, answer):",
        "if answer == passkey_id:",
        "tests/unit/web/test_web_passkeys.py::is_removed",
    ),
    # After unlinking, a passkey opens the other person's pages.
    Plant(
        "broker/grants/linking.py",
        "        follow(session, bank_id, from_user, to_user)\n",
        "",
        "tests/unit/web/test_web_linking.py::passkeys_of_both",
    ),
    Plant(
        "broker/users/passkeys.py",
        "PasskeyRow.bank_id.is_(None)",
        "PasskeyRow.bank_id == bank_id + bank_id",
        "tests/unit/web/test_web_linking.py::bank_is_not_known",
    ),
    # A sign-in leads to another site.
    Plant(
        "broker/edge/ways_back.py",
        "_PAGE.fullmatch(path)",
        "_PAGE.match(path)",
        "tests/unit/web/test_web_sign_in.py::another_site",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_closing_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
