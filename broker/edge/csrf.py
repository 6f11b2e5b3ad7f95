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


def check_origin(*, must_say: bool = False) -> None:
    """Refuse unsafe requests that say they come from elsewhere; browsers that say nothing need the token alone.

    With `must_say` there is no token, and who says nothing is refused too.

    Raises:
        FormExpired: `Origin` is not ours, or `Sec-Fetch-Site` names another site, or neither says that it is ours.
    """
    if request.method in _SAFE:
        return
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    is_foreign = origin not in {None, services().settings.base_url} or site not in {None, *_OWN_SITES}
    if is_foreign or (must_say and origin is None and site != "same-origin"):
        raise FormExpired
