"""Passkeys: made in one's account, signed in with, and asked for again before what must not happen by mistake."""

from broker.web.passkeys.routes import blueprint
from broker.web.passkeys.sign_in import blueprint as sign_in

__all__ = ["blueprint", "sign_in"]
