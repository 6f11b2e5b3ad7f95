"""The mount table: every blueprint with its prefix, behind exactly one gate."""

from dataclasses import dataclass

from flask import Blueprint

from broker.api import answers, audit_log, deletions, fraud_alerts, stream_acts, streams
from broker.api import receipts as grant_receipts
from broker.api import routes as api
from broker.edge import gates, health
from broker.oauth import grant_resource, metadata, registration
from broker.oauth import routes as oauth
from broker.reference import pages as reference
from broker.web import (
    access_export,
    account,
    agreement,
    bank_accesses,
    bank_console,
    bank_facts,
    bank_log_health,
    closing,
    consent,
    deleting,
    history,
    history_charts,
    history_export,
    home,
    language,
    linking,
    my_sharing,
    narrowing,
    one_entry,
    one_grant,
    passkeys,
    receipts,
    release_map,
    renewing,
    sign_in,
    styleguide,
    switches,
    verify_receipt,
)
from broker.web.developer import deliveries
from broker.web.developer import pages as developer
from broker.web.developer import passkeys as developer_passkeys
from broker.web.developer import welcome as developer_welcome
from broker.web.notices import choices as notices
from broker.web.notices import inbox


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table."""

    blueprint: Blueprint
    prefix: str
    gate: gates.Gate


MOUNT_TABLE = (
    Mount(health.blueprint, "", gates.public),
    Mount(home.blueprint, "", gates.public),
    Mount(language.blueprint, "", gates.own_page),
    Mount(styleguide.blueprint, "", gates.public),
    Mount(sign_in.blueprint, "", gates.public),
    Mount(passkeys.sign_in, "", gates.public),
    Mount(passkeys.blueprint, "", gates.person),
    Mount(account.blueprint, "", gates.somebody),
    Mount(closing.blueprint, "", gates.person),
    Mount(closing.afterwards, "", gates.public),
    Mount(inbox.blueprint, "", gates.person),
    Mount(notices.blueprint, "", gates.person),
    Mount(consent.blueprint, "", gates.person),
    Mount(agreement.blueprint, "", gates.person),
    Mount(my_sharing.blueprint, "", gates.person),
    Mount(linking.blueprint, "", gates.person),
    Mount(one_grant.blueprint, "", gates.person),
    Mount(deleting.blueprint, "", gates.person),
    Mount(renewing.blueprint, "", gates.person),
    Mount(narrowing.blueprint, "", gates.person),
    Mount(history.blueprint, "", gates.person),
    Mount(history_export.blueprint, "", gates.person),
    Mount(history_charts.blueprint, "", gates.person),
    Mount(release_map.blueprint, "", gates.person),
    Mount(one_entry.blueprint, "", gates.person),
    Mount(receipts.blueprint, "", gates.person),
    Mount(verify_receipt.blueprint, "", gates.public),
    Mount(bank_console.blueprint, "", gates.staff),
    Mount(bank_accesses.blueprint, "", gates.staff),
    Mount(access_export.blueprint, "", gates.staff),
    Mount(bank_log_health.blueprint, "", gates.staff),
    Mount(bank_facts.blueprint, "", gates.staff),
    Mount(switches.blueprint, "", gates.staff),
    Mount(reference.blueprint, "", gates.public),
    Mount(developer_welcome.blueprint, "", gates.public),
    Mount(developer.blueprint, "", gates.developer),
    Mount(deliveries.blueprint, "", gates.developer),
    Mount(developer_passkeys.blueprint, "", gates.developer),
    Mount(metadata.blueprint, "/.well-known", gates.public),
    Mount(streams.well_known, "/.well-known", gates.public),
    Mount(streams.blueprint, "/ssf", gates.machine),
    Mount(stream_acts.blueprint, "/ssf", gates.machine),
    Mount(oauth.browser, "/oauth", gates.public),
    Mount(oauth.blueprint, "/oauth", gates.client),
    Mount(grant_resource.blueprint, "/oauth", gates.machine),
    Mount(registration.blueprint, "/oauth", gates.registrant),
    Mount(api.blueprint, "/v1", gates.token),
    Mount(answers.blueprint, "/v1", gates.token),
    Mount(deletions.blueprint, "/v1", gates.machine),
    Mount(fraud_alerts.blueprint, "/v1", gates.token),
    Mount(fraud_alerts.of_banks, "/v1/bank", gates.machine),
    Mount(grant_receipts.blueprint, "/v1", gates.token),
    Mount(audit_log.hashes, "/audit", gates.public),
    Mount(audit_log.entries, "/audit", gates.auditor),
)
WITHOUT_TOKEN = (gates.own_page, gates.client, gates.token, gates.machine, gates.registrant, gates.auditor)
"""The gates of programs: what stands behind them takes no cookie, so no other site can use one."""
