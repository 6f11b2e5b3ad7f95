"""The secrets of a sandbox world: made at the first start, kept for the next, never committed."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey, RSAKey

from broker.sandbox.layout import STRICT_APP, Layout
from broker.sandbox.own_people import loaded
from broker.sandbox.people.roster import personas_of
from broker.sandbox.private_files import write_private

_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "hazel", "indigo", "jasper", "kelp", "linden")
_OWN = "your own data"
_RSA_BITS = 2048
STAFF = {"auditor": "Audit Desk", "admin": "Data Desk"}


@dataclass(frozen=True, slots=True)
class Login:
    """One sandbox sign-in. `role` is None for customers; `about` says who it is; `is_own` that somebody loaded them."""

    username: str
    password: str
    name: str
    bank: str
    role: str | None = None
    about: str = ""
    is_own: bool = False


def logins(layout: Layout) -> list[Login]:
    """Return every sign-in of the world; passwords are made once and kept."""
    path = layout.data_dir / "passwords.json"
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    found: list[Login] = []
    for bank in layout.banks:
        found.extend(_login(known, one.username, one.name, bank.id, about=one.about) for one in personas_of(bank.id))
        found.extend(
            Login(one.username, one.password, one.name, bank.id, about=_OWN, is_own=True)
            for one in loaded(layout, bank.id)
        )
        found.extend(
            _login(known, f"{bank.id}-{role}", f"{bank.name} {name}", bank.id, role=role)
            for role, name in STAFF.items()
        )
    write_private(path, known)
    return found


def _login(
    known: dict[str, str], username: str, name: str, bank: str, *, role: str | None = None, about: str = ""
) -> Login:
    password = known.setdefault(f"{bank}/{username}", new_password())
    return Login(username, password, name, bank, role, about)


def new_password() -> str:
    """Make a password that is easy to type: three words and five digits."""
    words = "-".join(secrets.choice(_WORDS) for _ in range(3))
    return f"{words}-{secrets.randbelow(100_000):05d}"


def public_jwks(layout: Layout, client_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the public key set of each client; private keys are made at the first time."""
    return {client_id: {"keys": [_key(layout, client_id).as_dict(private=False)]} for client_id in client_ids}


def _key(layout: Layout, client_id: str) -> ECKey | RSAKey:
    path, kind = layout.jwk_file(client_id), RSAKey if client_id == STRICT_APP else ECKey
    if not path.exists():
        key = _new_rsa_key() if kind is RSAKey else _new_ec_key()
        write_private(path, key.as_dict(private=True))
    return kind.import_key(json.loads(path.read_text(encoding="utf-8")))


def _new_ec_key() -> ECKey:
    return ECKey.generate_key("P-256", {"alg": "ES256", "use": "sig"}, private=True, auto_kid=True)


def _new_rsa_key() -> RSAKey:
    return RSAKey.generate_key(_RSA_BITS, {"alg": "PS256", "use": "sig"}, private=True, auto_kid=True)
