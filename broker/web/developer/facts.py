"""What a platform's own pages say of its client: registration, what stops it, keys, counts of grants."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext
from joserfc.jwk import JWKRegistry
from sqlalchemy.orm import Session

from broker.edge.services import services
from broker.edge.wording import spoken
from broker.errors import NotFound
from broker.grants.counts import grants_by_status
from broker.harvest.holds import holds
from broker.platforms import service as platforms
from broker.platforms.service import Platform
from broker.policy.vocabulary import GrantStatus
from broker.settings import Mode
from broker.switches.reader import all_switches
from broker.switches.views import Switch
from broker.web import parties, words


def named(platform_id: str) -> dict[str, Any]:
    """Return the platform, and whether this is a sandbox: what each of the pages begins with.

    Raises:
        NotFound: there is no such platform any more.
    """
    with services().database.read() as session:
        return _named(session, platform_id)


def of_platform(platform_id: str) -> dict[str, Any]:
    """Return everything that the overview shows."""
    now, catalogue = services().clock(), spoken()
    with services().database.read() as session:
        told = _named(session, platform_id)
        counts = grants_by_status(session, platform_id, now)
        held = [hold for hold in holds(session) if hold.platform_id == platform_id]
        off = [one for one in all_switches(session) if _concerns(one, platform_id)]
        names = parties.names(session)
    platform: Platform = told["platform"]
    purposes = [catalogue.purposes[code] for code in platform.purposes if code in catalogue.purposes]
    categories = [catalogue.categories[name] for name in platform.scopes if name in catalogue.categories]
    states = [(title, counts[status]) for status, title in _states().items() if status in counts]
    return told | {
        "states": states,
        "holds": held,
        "off": off,
        "names": names,
        "purposes": purposes,
        "categories": categories,
    }


def of_keys(platform_id: str) -> dict[str, Any]:
    """Return the client's keys with their thumbprints (RFC 7638); keys at a URL are not fetched for a page."""
    with services().database.read() as session:
        told = _named(session, platform_id)
        stored_at = platforms.stored_at(session, platform_id)
    platform: Platform = told["platform"]
    keys = [_key(jwk) for jwk in platform.jwks["keys"]]
    return told | {"keys": keys, "stored_at": stored_at, "kept_s": services().settings.jwks_cache_s}


def of_filters(platform_id: str) -> dict[str, Any]:
    """Return what calls can be filtered by."""
    with services().database.read() as session:
        told = _named(session, platform_id)
        banks = parties.names(session).banks
    return told | {"banks": banks, "decisions": words.DECISIONS, "categories": spoken().categories}


def _named(session: Session, platform_id: str) -> dict[str, Any]:
    platform = platforms.find(session, platform_id)
    if platform is None:
        raise NotFound("There is no such platform here.")
    return {"platform": platform, "is_sandbox": services().settings.mode is Mode.SANDBOX}


def _concerns(switch: Switch, platform_id: str) -> bool:
    return switch.target.platform_id in {"", platform_id}


def _key(jwk: Mapping[str, Any]) -> dict[str, str]:
    """Describe a public key; whoever reads it finds the key again by its thumbprint."""
    key = JWKRegistry.import_key(dict(jwk))
    kind = " ".join(str(jwk[name]) for name in ("kty", "crv") if name in jwk)
    return {"kid": str(jwk.get("kid", "")), "kind": kind, "thumbprint": key.thumbprint()}


def _states() -> dict[GrantStatus, str]:
    return {
        GrantStatus.AWAITING_AUTHORISATION: gettext("Waiting for a decision"),
        GrantStatus.ACTIVE: gettext("Live"),
        GrantStatus.PAUSED: gettext("Paused"),
        GrantStatus.REJECTED: gettext("Refused"),
        GrantStatus.REVOKED: gettext("Stopped"),
        GrantStatus.EXPIRED: gettext("Ended by themselves"),
    }
