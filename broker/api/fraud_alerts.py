"""Fraud alerts: a bank says that there is one, a platform that was told an id fetches it. Nothing of it rests here."""

from flask import Blueprint, Response, g, jsonify

from broker.alerts.posted import Posted
from broker.api import schemas
from broker.api.rendering import one_renderer
from broker.api.routes import address, handed_over, releases
from broker.edge.gates import needs
from broker.edge.interaction import interaction_id
from broker.edge.services import services
from broker.errors import ReleaseRefused
from broker.policy.vocabulary import MachineScope

blueprint = Blueprint("fraud_alerts", __name__)
of_banks = Blueprint("bank_alerts", __name__)


@blueprint.get("/fraud-alerts/<alert_id>")
@releases("fraud_alerts", blueprint)
def fraud_alert(alert_id: str) -> Response:
    """Show one alert of a granted account, by the id that was announced."""
    schemas.query(schemas.EmptyQuery())
    wanted = services().alerts.wanted(g.call, alert_id)
    return handed_over(services().release.read(g.call, wanted, one_renderer(address(), _gone)))


@of_banks.post("/fraud-alerts")
def announce() -> tuple[Response, int]:
    """Tell every app that may know that this bank has raised an alert, and say how many were told."""
    client = needs(MachineScope.FRAUD_ALERTS_PUSH)
    posted = Posted(
        client_id=client.platform_id, interaction_id=interaction_id(), **schemas.body(schemas.PostedAlert())
    )
    return jsonify({"announced": services().alerts.announce(posted)}), 202


def _gone() -> ReleaseRefused:
    return ReleaseRefused("The bank has taken this alert back.", code="alert-gone")
