"""An address counts once its reader has followed the link, signed in as the person, in time and once."""

import pytest

from broker.errors import InvalidRequest
from broker.notices.addresses import is_address
from broker.notices.erasure import forget_user
from broker.storage.single_use import forget_expired
from tests.support.notified import People

ALICE = "alice@mail.example"


def known(people: People) -> tuple[str | None, str | None]:
    with people.house.database.read() as session:
        found = people.addresses.of(session, people.house.alice.user_id, people.house.watch())
    return found.address, found.asked


def test_an_address_counts_after_its_link_was_followed(people: People) -> None:
    key = people.gives_address()
    assert known(people) == (None, ALICE)
    people.house.approved(("balances",))
    assert people.house.store.rows("SELECT id FROM notice_mails") == []
    people.confirms(key)
    assert known(people) == (ALICE, None)
    assert "address-confirmed" in people.told()


def test_a_link_works_once(people: People) -> None:
    key = people.gives_address()
    people.confirms(key)
    with pytest.raises(InvalidRequest, match="mail-link-invalid"):
        people.confirms(key)


@pytest.mark.parametrize("key", ["", "x", "bkr_nc_" + "A" * 43, "é" * 40, "\udcff"])
def test_no_other_key_confirms_anything(people: People, key: str) -> None:
    people.gives_address()
    with pytest.raises(InvalidRequest, match="mail-link-invalid"):
        people.confirms(key)
    assert known(people) == (None, ALICE)


def test_a_link_is_good_for_the_person_alone_to_whom_it_was_sent(people: People) -> None:
    key = people.gives_address()
    bob = people.house.signs_in("sub-bob").user_id
    with pytest.raises(InvalidRequest, match="mail-link-invalid"):
        people.confirms(key, bob)


def test_a_link_is_too_old_after_a_day(people: People) -> None:
    key = people.gives_address()
    people.house.watch.passes(hours=24)
    assert known(people) == (None, None)
    with pytest.raises(InvalidRequest, match="mail-link-invalid"):
        people.confirms(key)


def test_a_newer_link_ends_the_older_one(people: People) -> None:
    older = people.gives_address()
    newer = people.gives_address("new@mail.example")
    with pytest.raises(InvalidRequest, match="mail-link-invalid"):
        people.confirms(older)
    people.confirms(newer)
    assert known(people) == ("new@mail.example", None)


def test_the_old_address_is_told_that_it_was_replaced(people: People) -> None:
    people.has_address()
    people.confirms(people.gives_address("new@mail.example"))
    people.mailing().send_due()
    told = {to: str(message["Subject"]) for to, message in people.mails.taken}
    assert told[ALICE] == "This address gets no more e-mails"
    assert told["new@mail.example"] == "E-mails go to a new address"


def test_who_takes_an_account_over_cannot_take_back_the_last_mail_to_the_old_address(people: People) -> None:
    people.has_address()
    house, thief = people.house, "thief@mail.example"
    people.confirms(people.gives_address(thief))
    with house.database.write() as session:
        people.addresses.remove(session, house.alice.user_id, house.watch())
        forget_user(session, house.alice.user_id)
    people.mailing().send_due()
    assert sorted(to for to, _ in people.mails.taken) == [ALICE, thief]
    assert {str(message["Subject"]) for _, message in people.mails.taken} == {"This address gets no more e-mails"}
    assert house.store.rows("SELECT id FROM notice_mails") == []


def test_a_person_asks_five_times_a_day(people: People) -> None:
    for number in range(5):
        people.gives_address(f"a{number}@mail.example")
    with pytest.raises(InvalidRequest, match="mail-asked-too-often"):
        people.gives_address("b@mail.example", sends=False)
    people.house.watch.passes(days=1)
    people.gives_address("b@mail.example")


def test_an_address_is_asked_three_times_a_day_whoever_asks(people: People) -> None:
    for number in range(4):
        user_id = people.house.signs_in(f"sub-{number}").user_id
        with people.house.database.write() as session:
            if number < 3:
                people.addresses.ask(session, user_id, "Victim@mail.example", people.house.watch())
                continue
            with pytest.raises(InvalidRequest, match="mail-asked-too-often"):
                people.addresses.ask(session, user_id, "victim@MAIL.example", people.house.watch())
    assert people.mailing().send_due() == 3
    with people.house.database.write() as session:
        forget_expired(session, people.house.watch())


def test_nothing_of_an_address_is_readable_in_the_database(people: People) -> None:
    people.gives_address(sends=False)
    stored = people.house.stored_bytes()
    assert ALICE.encode() not in stored
    assert b"bkr_nc_" not in stored
    people.mailing().send_due()
    people.confirms(people.mails.taken[0][1].get_content().partition("key=")[2].split()[0])
    assert ALICE.encode() not in people.house.stored_bytes()


@pytest.mark.any_database
@pytest.mark.parametrize(
    "text",
    [
        *("", "a", "a@", "@b.example", "a@b", "a b@c.example", "a@b.example\n", "a@b.example\r\nBcc: x@y.example"),
        *("a@b.example,c@d.example", "<a@b.example>", "a@-b.example", "a@b..example", "ä@b.example", "a@b.exämple"),
        *('"a"@b.example', "a@[127.0.0.1]", f"{'a' * 65}@b.example", f"a@{'b.' * 130}example", "a@b.example\0"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert not is_address(text)


@pytest.mark.any_database
@pytest.mark.parametrize("text", ["a@b.example", "A.b+c_d'e@mail.b-c.example", f"{'a' * 64}@b.example"])
def test_an_address_is_an_address(text: str) -> None:
    assert is_address(text)
