"""Every log says by which policy files is judged from when on, once each time they change."""

import json
from dataclasses import replace
from typing import Any

from broker.audit.policy_changes import Edit, facts_entry, files_told, tell_logs
from broker.audit.sequencer import LoggedTransaction
from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks import facts as bank_facts
from broker.policy.facts import change, in_force
from tests.support.core import House, policies

OTHER = replace(policies(), digest="d" * 64)
BOUNDS = policies().banks["harbor"]


def has_logs(house: House, *banks: str | None) -> None:
    for bank in banks:
        house.sequencer.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, bank_id=bank))


def told(house: House) -> list[tuple[str, dict[str, Any]]]:
    query = "SELECT log, leaf FROM audit_entries WHERE event = 'policy.changed' ORDER BY log, number"
    return [(row[0].split("/")[2], json.loads(bytes(row[1]))) for row in house.store.rows(query)]


def stores(house: House, transaction: LoggedTransaction, **changes: Any) -> None:
    wished, now = replace(BOUNDS, **changes), house.watch()
    seen = bank_facts.newest_version(transaction.session, "harbor")
    session, sealer = transaction.session, house.sealer
    bank_facts.keep(session, sealer, BOUNDS, wished, after=seen, author="Ada", reason="why", now=now)


def test_every_log_is_told_once_and_again_when_the_files_change(house: House) -> None:
    has_logs(house, "harbor", "meridian", None)
    for catalogue in (policies(), policies(), OTHER, OTHER):
        assert tell_logs(house.sequencer, catalogue) == ()
    for owner in ("harbor", "meridian", "operator"):
        first, second = [leaf for name, leaf in told(house) if name == owner]
        assert (first["policyChange"].get("before"), first["policyChange"]["files"]) == (None, policies().digest)
        assert (second["policyChange"]["before"], second["policyChange"]["files"]) == (policies().digest, OTHER.digest)
        assert (second["policy"], second["reasons"]) == (OTHER.digest, ["policy-files"])


def test_the_log_of_a_bank_is_told_of_its_facts_too_and_they_do_not_hide_the_files(house: House) -> None:
    has_logs(house, "harbor")
    tell_logs(house.sequencer, policies())
    with house.sequencer.transaction(["harbor"]) as transaction:
        stores(house, transaction, maximum_lookback_days=7)
        after = bank_facts.in_force(transaction.session, policies(), "harbor")
        assert after.bank is not None
        edit = Edit(
            bank_id="harbor",
            version=1,
            change=change(BOUNDS, after.bank),
            facts=after.bank,
            before=policies().digest,
            after=after.catalogue.digest,
            files=policies().digest,
            author="Ada",
            reason="why",
        )
        transaction.append(facts_entry(edit, None))
    tell_logs(house.sequencer, policies())
    assert len(told(house)) == 2
    tell_logs(house.sequencer, OTHER)
    _, newest = told(house)[-1]
    assert newest["policyChange"]["version"] == 1
    assert newest["policy"] == in_force(OTHER, after.bank).digest != OTHER.digest


def test_a_log_that_cannot_be_written_keeps_no_other_from_being_told(house: House) -> None:
    has_logs(house, "harbor", "meridian")
    house.runs("UPDATE audit_logs SET size = -size WHERE owner = 'harbor'")
    (failed,) = tell_logs(house.sequencer, policies())
    assert "/harbor/" in failed
    assert [name for name, _ in told(house)] == ["meridian"]


def test_of_two_processes_that_begin_together_one_tells(house: House) -> None:
    """The second one finds, under the lock, that it has been said."""
    has_logs(house, "harbor")
    asked = house.sequencer.look_up

    class Late:
        """A sequencer whose first look was before another process's entry."""

        transaction = staticmethod(house.sequencer.transaction)

        def look_up(self, question: Any) -> Any:
            found = asked(question)
            tell_logs(house.sequencer, policies())
            return found

    late: Any = Late()
    assert tell_logs(late, policies()) == ()
    assert len(told(house)) == 1


def test_the_entry_of_the_largest_change_fits_into_a_kilobyte(house: House) -> None:
    names = {f"{number:02d}{'x' * 38}" for number in range(40)}
    most = replace(BOUNDS, categories=frozenset(names), purposes=frozenset(names), maximum_lookback_days=10_000)
    least = replace(
        BOUNDS,
        categories=frozenset(),
        purposes=frozenset(),
        maximum_duration_days=1,
        maximum_lookback_days=1,
        maximum_frequency_per_day=1,
        joint_accounts=True,
    )
    digest = "e" * 64
    edit = Edit("harbor", 10**9, change(most, least), least, digest, digest, digest, "A" * 120, "w" * 500)
    with house.sequencer.transaction(["harbor"]) as transaction:
        transaction.append(facts_entry(edit, "11111111-1111-4111-8111-111111111111"))
    (row,) = house.store.rows("SELECT leaf FROM audit_entries")
    assert len(bytes(row[0])) <= 1024
    assert json.loads(bytes(row[0]))["policyChange"]["facts"]["categories"] == 40


def test_what_a_log_was_told_survives_odd_entries(house: House) -> None:
    has_logs(house, "harbor")
    odd: Any = {"policyChange": ["no mapping"]}
    entry = Entry(Event.POLICY_CHANGED, Initiator.DATA_ACCESS_PLATFORM, bank_id="harbor", stated=odd)
    house.sequencer.append(entry)
    with house.database.read() as session:
        log = house.store.rows("SELECT name FROM audit_logs")[0][0]
        assert files_told(session, log) is None
    assert tell_logs(house.sequencer, OTHER) == ()
    assert told(house)[-1][1]["policyChange"]["files"] == OTHER.digest
