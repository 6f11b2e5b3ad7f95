"""The negative controls of alerts: faults in a copy of the product that their tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_POSTING, _FETCHING = "tests/unit/alerts/test_posting.py", "tests/unit/alerts/test_fetching.py"
_SERVICE, _IDS = "broker/alerts/service.py", "broker/alerts/ids.py"
_DECISION = "if not decision.is_allowed:"

PLANTS = (
    # Who is told: without a decision, without a grant about the account, at another bank, twice.
    Plant(_SERVICE, _DECISION, "if False:", f"{_POSTING}::rests"),
    Plant(_SERVICE, _DECISION, "if False:", f"{_POSTING}::switched_off"),
    Plant(_SERVICE, _DECISION, "if False:", f"{_POSTING}::held"),
    Plant(_SERVICE, "and category is not None\n        and category.state is not ClusterState.REVOKED", "", _POSTING),
    Plant(_SERVICE, "one.bank_ref == account_ref and one.state", "one.state", f"{_POSTING}::about_the_account"),
    Plant(_SERVICE, "one.bank_id == bank_id and ", "", f"{_POSTING}::another_banks"),
    Plant(_SERVICE, "client.bank_id is None:", "False:", f"{_POSTING}::no_bank"),
    Plant(_SERVICE, "            return None\n", "            pass\n", f"{_POSTING}::twice"),
    Plant(_SERVICE, "attempt.rollback()", "pass", f"{_POSTING}::nobody_listens"),
    Plant(_SERVICE, "Rate(bank_id, self.release.clock()).count", "(lambda *_: None)", f"{_POSTING}::minute"),
    # What is told and kept: more than an id, the alert itself.
    Plant(_SERVICE, '{"alert_id": alert.id}', '{"alert_id": alert.id, "ref": alert.ref}', f"{_POSTING}::nothing_else"),
    Plant("broker/alerts/entries.py", "details={**named", "stated=named, details={**named", f"{_POSTING}::as_details"),
    Plant(
        "broker/release/entries.py",
        "stated={**_stated(call, wanted), ",
        'stated={**_stated(call, wanted), **({"said": rendered.body.decode()[-200:]} if rendered else {}), ',
        f"{_FETCHING}::rests_in_the_database",
    ),
    Plant(
        "broker/release/entries.py",
        '"fields": list(fields), ',
        '"fields": list(fields), "said": rendered.body.decode(), ',
        f"{_FETCHING}::rests_in_the_database",
    ),
    # Which ids open: every grant's, every platform's, for ever, however they are spelt.
    Plant(_IDS, "/{self.grant_id}", "", f"{_FETCHING}::another_grants"),
    Plant(_IDS, "/{self.platform_id}/", "/", f"{_FETCHING}::another_name"),
    Plant(_IDS, "if now >= found.announced_at + life:", "if False:", f"{_FETCHING}::seven_days"),
    Plant(_IDS, "if base64url(sealed) != alert_id:", "if False:", f"{_FETCHING}::open_nothing"),
    Plant("broker/release/announced.py", "range(self.announced.most_reads)", "range(99)", f"{_FETCHING}::three_times"),
    Plant(
        "broker/release/reads.py",
        "if wanted.announced is not None:\n        return AnnouncedRead",
        "if False:\n        return AnnouncedRead",
        f"{_FETCHING}::reads_of_the_day",
    ),
    Plant(
        "broker/release/counting.py", "Budgets(()) if wanted.announced else budgets", "budgets", f"{_FETCHING}::wave"
    ),
    Plant("broker/policy/minimise.py", "if is_shop else None}", "}", f"{_FETCHING}::name_of_a_person"),
    Plant("broker/policy/minimise.py", '"occurredOn", "occurredAt")', '"occurredOn")', f"{_FETCHING}::happened_before"),
)


@pytest.mark.timeout(900)
@pytest.mark.control
@pytest.mark.campaign
def test_every_planted_fault_of_alerts_is_found(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
