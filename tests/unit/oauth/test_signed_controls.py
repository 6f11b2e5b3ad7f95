"""The negative controls of signed messages: faults in a copy of the product that their tests must find."""

from pathlib import Path

import pytest

from tests.support.controls import Plant, survivors

_OAUTH, _CRYPTO = "broker/oauth/", "broker/crypto/"
_REQUEST = "tests/unit/oauth/test_signed_requests.py"
_RESPONSE = "tests/unit/oauth/test_signed_responses.py"
_INTROSPECTION = "tests/unit/oauth/test_signed_introspection.py"
_KEYS = "tests/unit/crypto/test_signing.py"
PLANTS = (
    Plant(
        f"{_OAUTH}signed_request.py",
        "parameters.get(name) != value",
        "parameters.setdefault(name, value) is None",
        f"{_REQUEST}::beside",
    ),
    Plant(
        f"{_OAUTH}signed_request.py",
        "any(jwt.is_signed_by(key) for key in public_keys(client.platform, jwt))",
        "list(public_keys(client.platform, jwt))",
        f"{_REQUEST}::of_another_client_or_key or changed",
    ),
    Plant(f"{_OAUTH}signed_request.py", ' or claims.get("iss") != client_id', "", f"{_REQUEST}::is_not_good"),
    Plant(
        f"{_OAUTH}signed_request.py",
        "(now - _LIFE).timestamp() <= begins",
        "begins",
        f"{_REQUEST}::is_not_good",
    ),
    Plant(
        f"{_OAUTH}signed_request.py",
        "if client.platform.options.requires_signed_requests:",
        "if False:",
        f"{_REQUEST}::must_sign",
    ),
    Plant(f"{_OAUTH}par.py", " or request_object.spend(session)", "", f"{_REQUEST}::used_once"),
    Plant(
        f"{_OAUTH}redirects.py",
        '"aud": pushed.platform_id',
        '"aud": services().settings.base_url',
        f"{_RESPONSE}::code_comes",
    ),
    Plant(
        f"{_OAUTH}redirects.py",
        '{"response": _signed(pushed, told)}',
        '{**told, "response": _signed(pushed, told)}',
        f"{_RESPONSE}::code_comes",
    ),
    Plant(
        f"{_OAUTH}redirects.py",
        "if mode in _SIGNED and platform.options.authorization_signed_response_alg is None:",
        "if False:",
        f"{_RESPONSE}::has_not_registered",
    ),
    Plant(
        f"{_OAUTH}signed_introspection.py",
        '"aud": found.caller.id',
        '"aud": services().settings.base_url',
        f"{_INTROSPECTION}::who_said_it",
    ),
    Plant(
        f"{_OAUTH}signed_introspection.py",
        " or caller.options.introspection_signed_response_alg is not None",
        "",
        f"{_INTROSPECTION}::never_gets_a_plain_one",
    ),
    Plant(f"{_CRYPTO}signing_keys.py", "(now + AHEAD).replace", "now.replace", f"{_KEYS}::ever_fails"),
    Plant(f"{_CRYPTO}signing_keys.py", "if now < due:", "if False:", f"{_KEYS}::retired_only"),
    Plant(
        f"{_CRYPTO}signing.py",
        "key.jwk.as_dict(private=False) for key",
        "key.jwk.as_dict(private=True) for key",
        f"{_KEYS}::published_keys",
    ),
)


@pytest.mark.control
@pytest.mark.campaign
@pytest.mark.parametrize("plant", PLANTS, ids=[f"{Path(plant.file).stem} {plant.new}" for plant in PLANTS])
def test_every_fault_of_signed_messages_is_found(tmp_path: Path, plant: Plant) -> None:
    assert survivors(tmp_path, (plant,)) == []
