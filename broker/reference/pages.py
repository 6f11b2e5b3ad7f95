"""Shows the reference: the document for programs, and one page of it for people, readable without JavaScript."""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, render_template
from flask.typing import ResponseReturnValue

from broker.edge.headers import allow_explorer
from broker.edge.services import services
from broker.reference.document import document

blueprint = Blueprint("reference", __name__)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Answer with the OpenAPI document of the API."""
    response = jsonify(_document())
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@blueprint.get("/developers/reference")
def show() -> ResponseReturnValue:
    """Show every route of the API, what it takes and what it answers."""
    return render_template("reference.html", api=_document())


@blueprint.get("/developers/reference/explorer")
def explore() -> ResponseReturnValue:
    """Show the same document in Swagger UI: the one page with a large script, and with a policy of its own."""
    allow_explorer()
    return render_template("reference_explorer.html")


def _document() -> dict[str, Any]:
    return document(current_app, services().catalogue, services().settings.base_url)
