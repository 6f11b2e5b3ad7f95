"""A house whose banks are registered, with the switches beside it."""

import pytest

from broker.banks.service import Bank, add
from broker.switches.service import Switches
from tests.support.core import House

BANKS = ("harbor", "meridian")


@pytest.fixture
def switches(house: House) -> Switches:
    with house.database.write() as session:
        for bank_id in BANKS:
            url = f"https://{bank_id}.example"
            add(session, Bank(bank_id, f"{bank_id.title()} Bank", "fdx", url, url, "broker", "openid"), house.watch())
    return Switches(house.sequencer, house.catalogue, house.sealer, house.watch)
