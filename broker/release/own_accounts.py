"""Lists a person's own accounts for the consent page: the recipient is the person, and it is logged all the same."""

from dataclasses import dataclass, replace
from typing import Final

from broker.audit.vocabulary import Entry, Event, Initiator
from broker.banks.connector import BankAccount, OpenStatus
from broker.banks.facts import in_force
from broker.errors import BrokerError, PolicyRefused
from broker.grants.acts import Actor
from broker.grants.contents import OfferedAccount
from broker.grants.views import Grant
from broker.release.asking import new_access_id
from broker.release.service import Release
from broker.switches.condition import StaysOn
from broker.users.service import Identity

_ENDPOINT: Final = "GET /consent"
"""Where the person sees the list: what stands in place of an endpoint of the API."""

_SWITCHED_OFF = "The bank or the operator has turned this off for now. Nothing was asked of the bank. Try again later."


@dataclass(frozen=True, slots=True)
class OwnAccount:
    """One account as the consent page shows it to its owner, and what the grant keeps of it if it is picked."""

    account_id: str
    name: str
    masked_number: str
    product_category: str
    currency: str
    offered: OfferedAccount


class OwnAccounts:
    """Lists accounts through the same doors as every release."""

    def __init__(self, release: Release) -> None:
        self._release = release

    def of(self, actor: Actor, proposal: Grant) -> list[OwnAccount]:
        """Return the open accounts that the person may share; joint ones only where the bank's facts allow.

        Raises:
            PolicyRefused: there are no facts for this bank any more, or sharing with the platform is turned off.
            BankUnavailable: or one of its kinds.
            LogUnavailable: the request could not be announced, so the bank was not asked (invariant 2).
        """
        release = self._release
        with release.database.read() as session:
            catalogue = in_force(session, release.catalogue, proposal.bank_id).catalogue
            identity = release.users.at_bank(session, actor.user_id, proposal.bank_id)
        facts = catalogue.banks.get(proposal.bank_id)
        if facts is None:
            raise PolicyRefused("The bank no longer takes part. Nothing was asked of it.", code="bank-unknown")
        if any(one.is_whole for one in proposal.switches):
            raise PolicyRefused(_SWITCHED_OFF, code="grant-suspended")
        announced = _entry(actor, proposal, catalogue.digest, identity)
        appended = release.sequencer.append(announced, [StaysOn(proposal.bank_id, proposal.platform_id, "")])
        if appended.lost:
            raise PolicyRefused(_SWITCHED_OFF, code=appended.lost.code, rule=appended.lost.rule)
        try:
            access = release.access(identity, actor.interaction_id, "accounts", appended)
            accounts = release.connector(proposal.bank_id).accounts(access)
        except BrokerError as error:
            release.sequencer.append(replace(announced, event=Event.ACCESS_FAILED, reasons=(error.code,)))
            raise
        return [
            self._own(proposal, access.subject, account)
            for account in accounts
            if account.open_status is OpenStatus.OPEN and (facts.joint_accounts or not account.is_joint)
        ]

    def _own(self, proposal: Grant, subject: str, account: BankAccount) -> OwnAccount:
        name = account.nickname or account.display_name
        account_id = self._release.pairwise.of("account", proposal.platform_id, proposal.bank_id, subject, account.ref)
        return OwnAccount(
            account_id=account_id,
            name=name,
            masked_number=account.masked_number,
            product_category=account.product_category,
            currency=account.currency,
            offered=OfferedAccount(
                account_id, account.ref, f"{name} {account.masked_number}", is_joint=account.is_joint
            ),
        )


def _entry(actor: Actor, proposal: Grant, digest: str, identity: Identity | None) -> Entry:
    """Announce the list. It names no accounts: which there are is what the bank is asked."""
    details = {"endpoint": _ENDPOINT} | ({"customer": identity.subject} if identity else {})
    return Entry(
        event=Event.ACCOUNTS_LISTED,
        initiator=Initiator.INDIVIDUAL,
        bank_id=proposal.bank_id,
        user_id=actor.user_id,
        platform_id=proposal.platform_id,
        grant_id=proposal.id,
        access_id=new_access_id(),
        category="accounts",
        purpose=proposal.terms.purpose,
        interaction_id=actor.interaction_id,
        policy_digest=digest,
        details=details,
    )
