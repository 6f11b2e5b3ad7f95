"""Who banks where."""

from broker.sandbox.people.harbor import HARBOR
from broker.sandbox.people.meridian import MERIDIAN
from broker.sandbox.people.persona import Persona

_EVERYONE = (*HARBOR, *MERIDIAN)


def personas_of(bank: str) -> tuple[Persona, ...]:
    """Return the customers of one bank, by its id; empty for a bank nobody invented people for."""
    return tuple(persona for persona in _EVERYONE if persona.bank == bank)
