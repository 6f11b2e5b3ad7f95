"""Messenger's web application put together: settings, services, pages, headers, errors."""

import logging
from datetime import timedelta
from urllib.parse import urlsplit

from flask import Flask, Response, render_template
from flask_wtf.csrf import CSRFError, CSRFProtect
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, SecurityError

from . import keys, money
from .api import BrokerApi
from .assistant import Assistant
from .config import LOOPBACK, Config
from .events import wiring
from .events.receiver import receiver
from .linking import Linking
from .oauth import OAuth
from .outbound import Outbound
from .pages import Services, pages
from .store import Store
from .store.database import open_database
from .was_it_me import WasItMe

LARGEST_FORM = 16 * 1024
SESSION_LIFE = timedelta(days=30)

log = logging.getLogger("messenger")


def create_app(config: Config) -> Flask:
    """Build the application.

    Raises:
        ConfigError: the key file or the database cannot be used.

    """
    secrets = keys.load_or_create(config.state_key_file)
    store = Store.over(open_database(config.database), keys.Seal(secrets.seal))
    http = Outbound()
    oauth = OAuth(config, secrets.dpop, http)
    api = BrokerApi(config, oauth, store.connections, http)
    was_it_me = WasItMe(config, api, store)
    assistant = Assistant(config, api, store, was_it_me)
    reception = wiring.reception(config, secrets, wiring.Calls(oauth, api, http), store)

    app = Flask("broker.sandbox.messenger")
    app.config.update(_flask_settings(config, secrets.cookie))
    app.extensions["messenger"] = Services(
        config, store, assistant, Linking(config, oauth, store), was_it_me, reception.worker.wake_for_stream
    )
    app.extensions["messenger-events"] = reception
    app.jinja_env.filters["day"] = money.show_day
    app.jinja_env.globals["config_name"] = config.name
    # The broker has no session here: its events are known by their header and their signature.
    CSRFProtect(app).exempt(receiver)
    app.register_blueprint(pages)
    app.register_blueprint(receiver)
    _add_headers(app, config.onward_origins)
    _add_errors(app)
    reception.worker.start()
    return app


def _flask_settings(config: Config, cookie_key: bytes) -> dict[str, object]:
    return {
        "SECRET_KEY": cookie_key,
        "SESSION_COOKIE_NAME": "messenger_session",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": config.base_url.startswith("https:"),
        "PERMANENT_SESSION_LIFETIME": SESSION_LIFE,
        "MAX_CONTENT_LENGTH": LARGEST_FORM,
        "MAX_FORM_MEMORY_SIZE": LARGEST_FORM,
        # A page of another name that resolves to this machine must not reach the chat.
        "TRUSTED_HOSTS": [urlsplit(config.base_url).hostname, *(LOOPBACK - {"::1"})],
        "WTF_CSRF_TIME_LIMIT": None,
    }


def _add_headers(app: Flask, onward: tuple[str, ...]) -> None:
    # Chromium holds every redirect after a form to form-action: all stops of "connect" must be named.
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; "
        "base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {' '.join(onward)}"
    )

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = policy
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def _add_errors(app: Flask) -> None:
    @app.errorhandler(CSRFError)
    def stale_form(_error: CSRFError) -> tuple[str, int]:
        return _page(400, "This form is out of date", "Please go back to the chat and try once more.")

    @app.errorhandler(SecurityError)
    def other_host(_error: SecurityError) -> Response:
        # Plain words: no URL of a page can be built for a host that is not ours.
        return Response("This host name is not mine.\n", 400, mimetype="text/plain")

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[str, int]:
        title = {404: "This page does not exist", 413: "That was too long"}.get(error.code or 500, error.name)
        return _page(error.code or 500, title, "Please go back to the chat.")

    @app.errorhandler(SQLAlchemyError)
    @app.errorhandler(keys.SealBrokenError)
    def not_stored(error: Exception) -> tuple[str, int]:
        log.error("the database cannot be used: %s", type(error).__name__)
        return _page(503, "Messenger cannot remember anything now", "Please try again in a moment.")


def _page(status: int, title: str, words: str) -> tuple[str, int]:
    return render_template("error.html", title=title, words=words), status
