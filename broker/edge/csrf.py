"""Cross-site request forgery: a token in every form, and no unsafe request from another site."""

from flask import Flask, request
from flask_wtf.csrf import CSRFProtect

from broker.edge.services import services
from broker.errors import FormExpired

_SAFE = {"GET", "HEAD", "OPTIONS"}
_OWN_SITES = {"same-origin", "none"}


def protect(app: Flask) -> CSRFProtect:
    """Protect every unsafe method of the application; `app` exempts the blueprints that have no cookies."""
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # the session's end is the token's
    app.config["WTF_CSRF_SSL_STRICT"] = False  # check_origin does it, on http too
    app.config["WTF_CSRF_CHECK_DEFAULT"] = True
    return CSRFProtect(app)


def check_origin() -> None:
    """Refuse unsafe requests that say they come from elsewhere; browsers that say nothing need the token alone.

    Raises:
        FormExpired: `Origin` is not ours, or `Sec-Fetch-Site` names another site.
    """
    if request.method in _SAFE:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    if (origin is not None and origin != services().settings.base_url) or (site is not None and site not in _OWN_SITES):
        raise FormExpired


def check_own_page() -> None:
    """Refuse unsafe requests of which the browser does not say that they come from here; there is no token to ask for.

    Raises:
        FormExpired: neither `Origin` nor `Sec-Fetch-Site` says so, or one of them says otherwise.
    """
    check_origin()
    says = request.headers.get("Origin") is not None or request.headers.get("Sec-Fetch-Site") == "same-origin"
    if request.method not in _SAFE and not says:
        raise FormExpired
