"""The standards that banks speak, and the one function that picks among them."""

from collections.abc import Callable
from typing import Final, TypeAlias

from broker.banks.connector import Connector
from broker.banks.connectors.fdx.connector import FdxConnector
from broker.banks.connectors.oauth import BankEndpoint
from broker.banks.connectors.obie.connector import ObieConnector
from broker.clock import Clock
from broker.errors import ConfigurationInvalid
from broker.outbound import OutboundClient

__all__ = ["BankEndpoint", "build"]

_Build: TypeAlias = Callable[[BankEndpoint, OutboundClient, Callable[[str], str], Clock], Connector]
_STANDARDS: Final[dict[str, _Build]] = {"fdx": FdxConnector, "obie": ObieConnector}


def build(
    standard: str, bank: BankEndpoint, http: OutboundClient, assertion: Callable[[str], str], clock: Clock
) -> Connector:
    """Build the connector for a bank; `assertion(audience)` gives a signed client assertion (RFC 7523 §2.2).

    Raises: ConfigurationInvalid for an unknown standard.
    """
    if standard not in _STANDARDS:
        known = ", ".join(sorted(_STANDARDS))
        raise ConfigurationInvalid(f"The standard of bank {bank.bank_id} is unknown; the broker speaks {known}.")
    return _STANDARDS[standard](bank, http, assertion, clock)
