"""Looks at the key file: there, private, whole, each key usable, and the one that this database was sealed with."""

import stat
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from broker.cli.doctor.finding import Finding, doubtful, looking, well, wrong
from broker.crypto.keyset import Keyset, load_keyset
from broker.crypto.sealing import Sealer
from broker.crypto.signing import SIGNING_ALGORITHMS
from broker.errors import ConfigurationInvalid
from broker.settings import Settings
from broker.storage.engine import Database
from broker.users.service import Users

_PROBE = b"probe"
_SKEW = timedelta(seconds=5)


def findings(settings: Settings, now: datetime) -> Generator[Finding, None, Keyset | None]:
    """Read and try the keys and return them, None when they cannot be used."""
    try:
        keyset = load_keyset(settings.key_file)
    except ConfigurationInvalid as error:
        mend = "Run `broker keys upgrade`." if error.code == "keys-outdated" else _mend(settings)
        yield wrong("keys", error.detail, mend)
        return None
    problem = _problem(keyset, now)
    if problem is not None:
        yield wrong("keys", problem, "Restore the key file from its backup.")
        return None
    if keyset.created_at > now + _SKEW:
        yield doubtful(
            "keys",
            f"The key file says that it was made later than now ({keyset.created_at:%Y-%m-%d}).",
            "Set the machine's clock right.",
        )
    else:
        yield well("keys", f"Each key works; they are {(now - keyset.created_at).days} days old.")
    return keyset


def _mend(settings: Settings) -> str:
    try:
        mode = settings.key_file.stat().st_mode
    except FileNotFoundError:
        return "Restore the key file from its backup; only for a new broker, run `broker keys generate`."
    except OSError:
        return f"Let the broker's user read {settings.key_file}."
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"Run `chmod 600 {settings.key_file}`, and find out who may have read it."
    return "Restore the key file from its backup."


def _problem(keyset: Keyset, now: datetime) -> str | None:
    """Use every key once."""
    symmetric = (keyset.sealing, keyset.pairwise, keyset.subject, keyset.cookie)
    if len(set(symmetric)) != len(symmetric):
        return "Two keys that must differ are the same."
    sealer = Sealer(keyset.sealing)
    if sealer.open(sealer.seal(_PROBE, "doctor"), "doctor") != _PROBE:
        return "What the sealing key seals does not open again."
    try:
        public = ECKey.import_key(keyset.assertion.as_dict(private=False))
        jwt.decode(keyset.client_assertion("doctor", "doctor", now), public, algorithms=["ES256"])
    except (JoseError, ValueError):
        return "What the assertion key signs is not valid under its public half."
    try:
        jwt.decode(
            keyset.signing.sign({}, typ="JWT", now=now),
            KeySet.import_key_set(keyset.signing.public_jwks()),  # type: ignore[arg-type] # a dict, as it says
            algorithms=list(SIGNING_ALGORITHMS),
        )
    except (JoseError, ValueError):
        return "What the signing key signs is not valid under its public half."
    return None


def fit(keyset: Keyset | None, database: Database) -> Iterator[Finding]:
    """Open something that is sealed in the database."""

    def look() -> Iterator[Finding]:
        if keyset is None:
            return
        with database.read() as session:
            has_opened = Users(Sealer(keyset.sealing), keyset.subject).check_key(session)
        told = "They open what is sealed in this database." if has_opened else "Nothing is sealed in this database yet."
        yield well("keys and database", told)

    yield from looking("keys and database", look, "Put the key file back that this database was used with.")
