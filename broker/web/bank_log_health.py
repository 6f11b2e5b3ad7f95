"""The console's page of log health: how far the bank's logs have got, who has witnessed them, what was checked."""

from base64 import b64encode

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from broker.audit import credentials, health, tree
from broker.audit.vouching import vkeys_of
from broker.audit.witnesses import configured_witnesses
from broker.edge.services import services
from broker.web import parties

blueprint = Blueprint("bank_log_health", __name__)
_MOST_LOGS = 12


@blueprint.get("/console/<bank_id>/log-health")
def show(bank_id: str) -> ResponseReturnValue:
    """Show how the bank's logs are, newest first, and how to find out without the broker."""
    witnesses, keys = configured_witnesses(services().settings), services().log_keys
    with services().database.read() as session:
        bank = parties.bank_named(session, bank_id)
        listed = [log for log in tree.listed(session, bank.id) if log.size][::-1]
        logs = [health.health_of(session, keys, log.origin, witnesses.members) for log in listed[:_MOST_LOGS]]
        readers = credentials.listed(session, bank.id)
    return render_template(
        "bank_log_health.html",
        bank=bank,
        logs=logs,
        left_out=len(listed) - len(logs),
        vkeys={log.origin: vkeys_of(keys, log) for log in listed[:_MOST_LOGS]},
        quorum=witnesses.quorum,
        readers=readers,
        now=services().clock(),
        base_url=services().settings.base_url,
        in_text=lambda hashed: b64encode(hashed).decode(),
    )
