"""Who banks where."""

from broker.sandbox.people.harbor import HARBOR
from broker.sandbox.people.meridian import MERIDIAN
from broker.sandbox.people.persona import Persona
from broker.sandbox.people.unusual import UNUSUAL

_EVERYONE = (*HARBOR, *MERIDIAN, *UNUSUAL)


def personas_of(bank: str) -> tuple[Persona, ...]:
    """Return the customers of one bank, by its id; empty for a bank nobody invented people for."""
    return tuple(persona for persona in _EVERYONE if persona.bank == bank)


def co_holders(persona: Persona) -> tuple[Persona, ...]:
    """Return the customers who opened the joint accounts that this one shares."""
    names = {shared.username for shared in persona.shared}
    return tuple(other for other in personas_of(persona.bank) if other.username in names)
