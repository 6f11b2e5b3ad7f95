"""Puts one bank together."""

from threading import Event
from urllib.parse import urlsplit

from flask import Flask
from flask_wtf.csrf import CSRFProtect
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from werkzeug.exceptions import HTTPException

from broker.sandbox.bank import pages, sandbox_endpoints
from broker.sandbox.bank.broker_line import BrokerLine
from broker.sandbox.bank.config import BankConfig, ConfigError, Standard
from broker.sandbox.bank.context import EXTENSION, Bank
from broker.sandbox.bank.customers import Customers
from broker.sandbox.bank.data import fdx, obie
from broker.sandbox.bank.database import open_database
from broker.sandbox.bank.keys import load_or_create_keys
from broker.sandbox.bank.oidc import endpoints, sign_in
from broker.sandbox.bank.oidc.server import Provider
from broker.sandbox.bank.receipts.trusted import TrustedLog

_LARGEST_BODY = 64 * 1024


def open_bank(config: BankConfig, stopping: Event) -> Bank:
    """Open a bank's files and enrol its people; `stopping` ends its waits.

    Their accounts are written when they sign in: a bank with many customers starts as quickly as one with few.

    Raises: ConfigError when a file cannot be used, a customer is unknown, or the keys of a client or of the broker's
        log are none, or the bank's own key at the broker cannot be read.
    """
    for client in config.clients:
        try:
            KeySet.import_key_set(dict(client.jwks))  # type: ignore[arg-type]  # this is the check
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"the keys of client '{client.client_id}' cannot be read") from error
    rules = config.receipts
    trusted = TrustedLog(config.bank_id, rules.log_keys, rules.recovered) if rules is not None else None
    keys = load_or_create_keys(config.signing_key_file)
    sessions = open_database(config.database)
    customers = Customers(config, sessions)
    customers.open()
    line = BrokerLine(config.broker) if config.broker is not None else None
    bank = Bank(config, keys, sessions, stopping, customers, trusted_log=trusted, broker_line=line)
    bank.provider = Provider(bank)
    return bank


def create_app(bank: Bank) -> Flask:
    """Return the WSGI application of an opened bank."""
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=bank.keys.cookie_secret,
        SESSION_COOKIE_NAME=f"bank_{bank.config.bank_id}_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=bank.config.base_url.startswith("https:"),
        MAX_CONTENT_LENGTH=_LARGEST_BODY,
        TRUSTED_HOSTS=sorted({urlsplit(bank.config.base_url).hostname or "", "localhost", "127.0.0.1"}),
        WTF_CSRF_TIME_LIMIT=3600,
    )
    app.extensions[EXTENSION] = bank
    _mount(app, bank)
    app.before_request(bank.customers.refresh)
    app.after_request(pages.harden)
    app.context_processor(pages.page_facts)
    app.register_error_handler(HTTPException, pages.failed)
    return app


def _mount(app: Flask, bank: Bank) -> None:
    csrf = CSRFProtect(app)
    data = fdx.blueprint if bank.config.standard is Standard.FDX else obie.blueprint
    # These are called by programs, which bring a signed assertion or a token and no cookie.
    for blueprint in (endpoints.blueprint, sandbox_endpoints.blueprint, data):
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
    app.register_blueprint(sign_in.blueprint)
    app.register_blueprint(pages.blueprint)
