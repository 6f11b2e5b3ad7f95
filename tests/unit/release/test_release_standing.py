"""What a call finds as things stand: nothing leaves by a fact that nobody has looked up."""

from dataclasses import replace
from pathlib import Path

from broker.release import Wanted
from broker.release.judgement import judge
from broker.release.standing import standing
from tests.support.core import call_of, open_house
from tests.support.nothing_stops import NOTHING_GATHERED, NOTHING_READ


def test_a_call_that_nobody_counted_is_refused(tmp_path: Path) -> None:
    """Reads and harvest are refused until they have been counted: whoever forgets one lets nothing out."""
    with open_house(tmp_path) as house:
        grant_id = house.approved()
        call, wanted = call_of(grant_id), Wanted("balances")
        with house.database.read() as session:
            found = standing(
                session, house.release.reader, house.catalogue, call=call, category="balances", now=house.watch()
            )
    rules = [reason.rule for reason in judge(found, call, wanted, house.watch()).reasons]
    assert {"harvest.held"} < set(rules)
    assert [rule for rule in rules if rule.startswith("limit.reads-")] != []
    read = replace(found, reads=NOTHING_READ, harvest=NOTHING_GATHERED)
    assert judge(read, call, wanted, house.watch()).is_allowed
