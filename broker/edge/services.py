"""What handlers may call: built once by `app`, found through the current application."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask import current_app

from broker.alerts.service import Alerts
from broker.audit.log_keys import LogKeys
from broker.audit.sequencer import Sequencer
from broker.clock import Clock
from broker.crypto.keyset import Keyset
from broker.crypto.sealing import Sealer
from broker.crypto.signing_keys import SigningKeyFile
from broker.grants.amendments import Amendments
from broker.grants.closing import Closing
from broker.grants.consents import Consents
from broker.grants.deletions import Deletions
from broker.grants.extensions import Extensions
from broker.grants.fence import Fences
from broker.grants.linking import Linking
from broker.grants.narrowing import Narrowing
from broker.grants.reader import GrantReader
from broker.grants.service import Grants
from broker.notices.addresses import Addresses
from broker.notices.mailing import Mailing
from broker.outbound import OutboundSession
from broker.platforms.client_keys import ClientKeys
from broker.policy import Catalogue
from broker.release import Looks, OwnAccounts, OwnReceipts, Previews, Release
from broker.settings import Settings
from broker.storage.engine import Database
from broker.switches.service import Switches
from broker.users.passkeys import Passkeys
from broker.users.service import Users

_KEY = "broker"


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the broker is made of. `bank_session(bank_id)` makes a session that goes through `outbound`.

    `clock` judges our own promises: grants, tokens, codes, sessions, what the log says. `wall` is the real time, for
    whatever outsiders made or will judge: proofs, assertions, banks' tokens. They differ in an advanced sandbox alone.

    `mailing` is None without a mail server: people are told in their inbox alone.
    """

    settings: Settings
    clock: Clock
    wall: Clock
    keyset: Keyset
    sealer: Sealer
    database: Database
    log_keys: LogKeys
    sequencer: Sequencer
    fences: Fences
    catalogue: Catalogue
    users: Users
    passkeys: Passkeys
    grants: Grants
    consents: Consents
    amendments: Amendments
    extensions: Extensions
    narrowing: Narrowing
    linking: Linking
    closing: Closing
    deletions: Deletions
    grant_reader: GrantReader
    switches: Switches
    release: Release
    own_receipts: OwnReceipts
    alerts: Alerts
    bank_session: Callable[[str], OutboundSession]
    client_keys: ClientKeys
    addresses: Addresses
    mailing: Mailing | None
    signing: SigningKeyFile

    @property
    def own_accounts(self) -> OwnAccounts:
        """Return the way to people's own account lists."""
        return OwnAccounts(self.release)

    @property
    def previews(self) -> Previews:
        """Return the way to what a consent would release."""
        return Previews(self.release)

    @property
    def looks(self) -> Looks:
        """Return the way to what an app sees."""
        return Looks(self.release)

    def close(self) -> None:
        """Close all pooled connections; the next use opens new ones (needed before a fork)."""
        self.database.close()
        self.fences.close()
        self.release.renewals.close()


def services() -> Services:
    """Return the services of the application that answers this request."""
    return cast("Services", current_app.extensions[_KEY])


def install(app: Any, built: Services) -> None:
    """Hand the services to an application; called by `app` alone."""
    app.extensions[_KEY] = built
