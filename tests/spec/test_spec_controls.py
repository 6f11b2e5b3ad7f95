"""The negative controls of the tables: faults in a copy of the product that they must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_URIS, _JOSE, _PEERS = (f"tests/spec/test_{name}.py" for name in ("redirect_uris", "jose", "peers_mistakes"))
PLANTS = (
    Plant(
        "broker/oauth/par.py",
        'if required(form, "redirect_uri") not in platform.redirect_uris:',
        'if not required(form, "redirect_uri").startswith(tuple(platform.redirect_uris)):',
        f"{_URIS}::when_pushed",
    ),
    Plant(
        "broker/oauth/par.py",
        'if required(form, "redirect_uri") not in platform.redirect_uris:',
        'if required(form, "redirect_uri").lower() not in [one.lower() for one in platform.redirect_uris]:',
        f"{_URIS}::when_pushed",
    ),
    Plant(
        "broker/oauth/token.py",
        'form.get("redirect_uri") == code.redirect_uri\n        and ',
        "",
        f"{_URIS}::is_not_redeemed",
    ),
    Plant("broker/crypto/jwt.py", ' or "crit" in jwt.header', "", f"{_JOSE}::crit"),
    Plant("broker/crypto/strict_json.py", "if len(members) < len(pairs):", "if False:", f"{_JOSE}::twice"),
    Plant(
        "broker/oauth/clients.py",
        'claims.get("aud") == services().settings.base_url',
        'services().settings.base_url in claims.get("aud", "")',
        f"{_JOSE}::authenticates_nobody and aud",
    ),
    Plant(
        "broker/edge/dpop.py",
        "if access_token is not None and not _names(",
        "if False and not _names(",
        f"{_PEERS}::names_the_token",
    ),
    Plant(
        "broker/oauth/clients.py",
        'Claim("assertion", f"{client_id} {jti}"',
        'Claim("dpop", f"{jti}"',
        f"{_PEERS}::one_value",
    ),
    Plant("broker/edge/dpop.py", "_MEMORY = _OLDEST", "_MEMORY = -20 * _OLDEST", f"{_PEERS}::a_proof_is_remembered"),
    Plant(
        "broker/tokens/service.py",
        "if row is None or row.platform_id != platform_id:",
        "if row is None:",
        f"{_PEERS}::ends_nothing",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
def test_the_tables_find_every_planted_fault(tmp_path: Path) -> None:
    assert survivors(tmp_path, PLANTS) == []
