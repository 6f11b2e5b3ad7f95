"""The names of the parties as pages show them."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from broker.banks.service import Bank, all_banks
from broker.errors import NotFound
from broker.platforms import service as platforms


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id. What is not known any more is shown by its id."""

    platforms: dict[str, str]
    banks: dict[str, str]

    def platform(self, platform_id: str | None) -> str:
        """Return the name of a platform."""
        return self.platforms.get(platform_id or "", platform_id or "")

    def bank(self, bank_id: str) -> str:
        """Return the name of a bank."""
        return self.banks.get(bank_id, bank_id)


def names(session: Session) -> Names:
    """Read the names of all platforms and banks."""
    return Names(platforms.names(session), {bank.id: bank.name for bank in all_banks(session)})


def bank_named(session: Session, bank_id: str) -> Bank:
    """Return a bank by what stands in an address or a form; the text itself never reaches the database.

    Raises:
        NotFound: no bank has this id.
    """
    found = next((bank for bank in all_banks(session) if bank.id == bank_id), None)
    if found is None:
        raise NotFound("There is no such bank here.")
    return found
