"""The style guide: every part that pages are made of, in every state, drawn by the macros that pages use."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from broker.edge.services import services
from broker.errors import NotFound
from broker.settings import Mode

blueprint = Blueprint("styleguide", __name__)


@blueprint.get("/styleguide")
def show() -> ResponseReturnValue:
    """Show all parts, in a sandbox; elsewhere there is no such page.

    Raises:
        NotFound: this is not a sandbox.
    """
    if services().settings.mode is not Mode.SANDBOX:
        raise NotFound
    return render_template("styleguide.html")
