"""People are known by their bank's word for them; nothing about them is readable in the database (invariant 8)."""

import pytest

from broker.errors import ConfigurationInvalid
from tests.support.core import CREDENTIAL, House


def test_the_same_subject_at_the_same_bank_is_the_same_person(house: House) -> None:
    assert house.signs_in().user_id == house.alice.user_id
    assert house.signs_in("sub-bob").user_id != house.alice.user_id
    assert house.signs_in(bank="meridian").user_id != house.alice.user_id


def test_a_subject_cannot_be_moved_across_the_banks_name(house: House) -> None:
    assert house.signs_in("y", bank="x").user_id != house.signs_in("", bank="xy").user_id


def test_a_new_sign_in_replaces_name_credential_and_time(house: House) -> None:
    house.watch.passes(hours=1)
    with house.database.write() as session:
        house.users.sign_in(
            session, bank_id="harbor", subject="sub-alice", name="New Name", credential="new", now=house.watch()
        )
    with house.database.read() as session:
        found = house.users.at_bank(session, house.alice.user_id, "harbor")
    assert found is not None
    assert (found.name, found.credential, found.signed_in_at) == ("New Name", "new", house.watch())
    assert found.subject == "sub-alice"


def test_somebody_who_never_signed_in_there_has_no_identity(house: House) -> None:
    with house.database.read() as session:
        assert house.users.at_bank(session, house.alice.user_id, "meridian") is None
        assert house.users.at_bank(session, "nobody", "harbor") is None


def test_a_credential_can_be_renewed_and_forgotten(house: House) -> None:
    steps = [(CREDENTIAL.dump(), "renewed"), ("renewed", None)]
    for old, new in steps:
        assert replaced(house, old, new) == new


def test_a_credential_that_somebody_has_replaced_meanwhile_stays(house: House) -> None:
    assert replaced(house, "older", "renewed of the older") == CREDENTIAL.dump()
    assert replaced(house, "older", None) == CREDENTIAL.dump()


def replaced(house: House, old: str, new: str | None) -> str | None:
    """Replace Alice's credential and return the one that is there afterwards."""
    with house.database.write() as session:
        house.users.replace_credential(session, house.alice.user_id, "harbor", old=old, new=new)
    with house.database.read() as session:
        found = house.users.at_bank(session, house.alice.user_id, "harbor")
    assert found is not None
    return found.credential


def test_subject_name_and_tokens_are_not_readable_in_the_database(house: House) -> None:
    written = house.stored_bytes()
    for canary in ("sub-alice", "Alice Canary", CREDENTIAL.access_token, CREDENTIAL.refresh_token or "-"):
        assert canary.encode() not in written


def test_a_sealed_value_of_one_person_does_not_open_as_anothers(house: House) -> None:
    bob = house.signs_in("sub-bob")
    house.runs(
        "UPDATE user_identities SET sealed_credential = "
        "(SELECT sealed_credential FROM user_identities ORDER BY signed_in_at DESC, id DESC LIMIT 1)"
    )
    with house.database.read() as session, pytest.raises(ConfigurationInvalid, match="does not open"):  # noqa: PT012 - one of both
        for person in (house.alice.user_id, bob.user_id):
            house.users.at_bank(session, person, "harbor")
