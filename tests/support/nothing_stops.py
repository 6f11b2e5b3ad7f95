"""The facts of a call that nothing stops, said in full: the product has no defaults for them."""

from typing import Final

from broker.policy import Harvest, Reads

NOTHING_READ: Final = Reads(
    is_attended=False, attended_today=0, attended_ceiling=1, unattended_today=0, unattended_ceiling=1
)
NOTHING_GATHERED: Final = Harvest(is_held=False, people=0, people_ceiling=1, records=0, records_ceiling=1)
