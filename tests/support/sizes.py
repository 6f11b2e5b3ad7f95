"""How large a sample is: small in `make test`, larger in `make campaign`, largest in `make soak`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """The size that was asked for on the command line."""

    name: str

    def of(self, *, test: int, campaign: int, soak: int | None = None) -> int:
        """Return the sample for this run."""
        return {"test": test, "campaign": campaign, "soak": campaign if soak is None else soak}[self.name]
