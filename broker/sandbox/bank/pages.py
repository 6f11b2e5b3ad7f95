"""The bank's pages for people, apart from sign-in, and what every answer has in common."""

from flask import Blueprint, Response, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException, SecurityError

from broker.sandbox.bank.config import Standard
from broker.sandbox.bank.context import bank

blueprint = Blueprint("pages", __name__)

_WORDS = {
    400: ("That did not work", "The page was open for too long or the request was damaged. Go back and start again."),
    404: ("Page not found", "There is no page at this address."),
    405: ("That did not work", "This address is not used that way."),
    413: ("That did not work", "More was sent than we accept."),
}
_TAGLINES = {
    Standard.FDX: "Money with a safe place to moor",
    Standard.OBIE: "At home wherever you are",
}
_STANDARDS = {Standard.FDX: "FDX API v6", Standard.OBIE: "UK Open Banking v4"}
_OTHERWISE = ("Something went wrong", "The fault is on our side. Try again in a moment.")


@blueprint.get("/")
def home() -> str:
    """Show what this bank is."""
    return render_template("home.html")


@blueprint.get("/healthz")
def health() -> Response:
    """Answer that the bank is up."""
    return jsonify({"status": "ok"})


def failed(error: HTTPException) -> Response:
    """Answer a request that no page or endpoint could; programs get JSON, people a page."""
    status = error.code or 500
    if isinstance(error, SecurityError):
        # Flask makes no links for a host it does not trust, so this is not one of the bank's pages.
        return Response("This is not the address of this bank.\n", status, content_type="text/plain; charset=utf-8")
    if request.path in ("/token", "/revoke", "/userinfo") or request.path.startswith("/sandbox/"):
        response = jsonify({"error": "invalid_request", "error_description": error.name})
    else:
        title, text = _WORDS.get(status, _OTHERWISE)
        response = make_response(render_template("message.html", title=title, text=text))
    response.status_code = status
    return response


def harden(response: Response) -> Response:
    """Give every answer its security headers."""
    target = g.get("form_target", "")
    policy = f"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {target}".rstrip()
    response.headers["Content-Security-Policy"] = f"{policy}; base-uri 'none'; frame-ancestors 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Frame-Options"] = "DENY"
    # "no-referrer" would make browsers send "Origin: null" with the form.
    response.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static":
        response.headers["Cache-Control"] = "no-store"
    return response


def page_facts() -> dict[str, str]:
    """Return what every template may print about the bank."""
    config = bank().config
    return {
        "bank_name": config.name,
        "bank_id": config.bank_id,
        "mark": "meridian.svg" if config.bank_id == "meridian" else "harbor.svg",
        "tagline": _TAGLINES[config.standard],
        "standard_name": _STANDARDS[config.standard],
    }
