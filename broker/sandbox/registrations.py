"""What the sandbox registers at the broker: its banks, its platforms, a resource server."""

from collections.abc import Mapping
from typing import Any

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks import service as banks
from broker.edge.services import Services
from broker.platforms import initial_tokens
from broker.platforms import service as platforms
from broker.platforms.options import Options
from broker.platforms.service import Platform, PlatformKind
from broker.policy import Catalogue
from broker.policy.vocabulary import MachineScope
from broker.sandbox.layout import (
    BUDGET_APP,
    CLIENT_AT_BANKS,
    MESSENGER,
    OUTSIDE_CALLBACK,
    RESOURCE_SERVER,
    STRICT_APP,
    Layout,
    SandboxBank,
)

_DEFAULT_PURPOSE = "chat_banking"
_INVITED, _INVITATION_USES = "Whoever tries the sandbox", 20
_OF_BANKS = (MachineScope.FRAUD_ALERTS_PUSH.value,)
_OWN_GRANTS = tuple(scope.value for scope in MachineScope if scope.value not in _OF_BANKS)
_STRICT = Options(
    requires_nonce=True,
    request_object_signing_alg="PS256",
    authorization_signed_response_alg="ES256",
    introspection_signed_response_alg="ES256",
    token_endpoint_auth_signing_alg="PS256",  # noqa: S106 - the name of an algorithm
    machine_scopes=_OWN_GRANTS,
)


def sandbox_platforms(layout: Layout, catalogue: Catalogue, jwks: Mapping[str, dict[str, Any]]) -> list[Platform]:
    """Return the clients of the sandbox; every platform may ask for every category and name every purpose."""
    everything: dict[str, Any] = {
        "kind": PlatformKind.PLATFORM,
        "scopes": tuple(catalogue.categories),
        "purposes": tuple(catalogue.purposes),
        "default_purpose": _DEFAULT_PURPOSE,
    }
    callback = f"{layout.messenger_url}/callback"
    return [
        Platform(
            MESSENGER,
            name="Messenger",
            jwks=jwks[MESSENGER],
            redirect_uris=(callback, OUTSIDE_CALLBACK),
            options=Options(machine_scopes=_OWN_GRANTS),
            **everything,
        ),
        Platform(
            BUDGET_APP,
            name="Pennywise",
            jwks=jwks[BUDGET_APP],
            redirect_uris=(OUTSIDE_CALLBACK,),
            options=Options(machine_scopes=_OWN_GRANTS),
            **everything,
        ),
        Platform(
            STRICT_APP,
            name="Quayside",
            jwks=jwks[STRICT_APP],
            redirect_uris=(OUTSIDE_CALLBACK,),
            options=_STRICT,
            **everything,
        ),
        Platform(RESOURCE_SERVER, PlatformKind.RESOURCE_SERVER, "Sandbox resource server", jwks[RESOURCE_SERVER]),
        *(_bank_client(bank, jwks[bank.client_id]) for bank in layout.banks),
    ]


def _bank_client(bank: SandboxBank, jwks: dict[str, Any]) -> Platform:
    options = Options(machine_scopes=_OF_BANKS)
    return Platform(bank.client_id, PlatformKind.BANK, bank.name, jwks, bank_id=bank.id, options=options)


def register(services: Services, layout: Layout, clients: list[Platform], scopes: Mapping[str, str]) -> None:
    """Write banks and platforms into the broker's database; what is registered already is left alone.

    `scopes` maps a bank's id to what the broker asks for at sign-in.
    """
    now = services.clock()
    new_banks = [
        banks.Bank(
            bank.id, bank.name, bank.standard, bank.url, bank.url + bank.api_path, CLIENT_AT_BANKS, scopes[bank.id]
        )
        for bank in layout.banks
    ]
    with services.sequencer.transaction([None, *(bank.id for bank in new_banks)]) as transaction:
        session = transaction.session
        for bank in new_banks:
            if banks.find(session, bank.id) != bank:
                banks.add(session, bank, now)
                transaction.append(Entry(Event.BANK_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, bank_id=bank.id))
        for client in clients:
            if platforms.find(session, client.id) != client:
                platforms.add(session, services.catalogue, client, http_loopback=True, now=now)
                transaction.append(
                    Entry(Event.PLATFORM_REGISTERED, Initiator.DATA_ACCESS_PLATFORM, platform_id=client.id)
                )


def invite(services: Services) -> str:
    """Return a new initial access token for 20 clients, with everything; that of an earlier start ends."""
    catalogue, now = services.catalogue, services.clock()
    with services.database.write() as session:
        for one in initial_tokens.listed(session):
            if one.label == _INVITED:
                initial_tokens.revoke(session, one.id, now)
        _, secret = initial_tokens.create(
            session,
            catalogue,
            label=_INVITED,
            purposes=tuple(catalogue.purposes),
            scopes=(*catalogue.categories, *_OWN_GRANTS),
            most_uses=_INVITATION_USES,
            days=initial_tokens.LONGEST_DAYS,
            now=now,
        )
    return secret
