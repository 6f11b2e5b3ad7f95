"""Asks a browser for a passkey and judges what comes back (WebAuthn 3 §7); nothing that it says is trusted.

The library checks the form, the origin, the relying party, the flags and the signature. What it cannot know is judged
here: the challenge, whose the passkey is, and its counter, which counts only after the signature has been checked.
"""

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from broker.edge.services import services
from broker.errors import PasskeyRefused
from broker.users.passkeys import NewPasskey, Owner, Passkey
from broker.web.passkeys import challenges
from broker.web.passkeys.challenges import Ceremony

LONGEST_ANSWER: Final = 16_000
"""Characters of JSON that a browser may send of a passkey."""
_NAME = "Consent Broker"
_REQUIRED = UserVerificationRequirement.REQUIRED
# What the library and the decoders below it raise when an answer is not what it should be.
_UNUSABLE = (
    WebAuthnException,
    UnsupportedAlgorithm,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    EOFError,
)


def to_register(owner: Owner, name: str, known: Sequence[Passkey]) -> str:
    """Return the options with which a browser makes a passkey, as JSON; `known` are the owner's own."""
    return options_to_json(
        generate_registration_options(
            rp_id=_rp_id(),
            rp_name=_NAME,
            user_id=owner.handle,
            user_name=name,
            challenge=challenges.new(Ceremony.REGISTER),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_REQUIRED
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in known],
        )
    )


def registered(answer: str) -> NewPasskey:
    """Judge a passkey that a browser says it has made.

    Raises:
        PasskeyRefused: the answer proves nothing.
    """
    try:
        sent = parse_registration_credential_json(answer)
        challenge = _challenge_of(sent.response.client_data_json)
        challenges.take(Ceremony.REGISTER, challenge)
        found = verify_registration_response(
            credential=sent,
            expected_challenge=challenge,
            expected_rp_id=_rp_id(),
            expected_origin=_origin(),
            require_user_verification=True,
        )
    except _UNUSABLE as error:
        raise PasskeyRefused from error
    return NewPasskey(
        credential_id=found.credential_id,
        public_key=found.credential_public_key,
        sign_count=found.sign_count,
        may_be_backed_up=found.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        is_backed_up=found.credential_backed_up,
    )


def to_prove(ceremony: Ceremony, known: Sequence[Passkey] = ()) -> str:
    """Return the options with which a browser uses a passkey, as JSON.

    `known` are the passkeys of whoever is signed in; none when the browser is to say who it is: then nobody's are told.
    """
    return options_to_json(
        generate_authentication_options(
            rp_id=_rp_id(),
            challenge=challenges.new(ceremony),
            allow_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in known],
            user_verification=_REQUIRED,
        )
    )


def proved(ceremony: Ceremony, answer: str, owner: Owner | None = None) -> Passkey:
    """Judge an assertion and return the passkey that made it; with an `owner` it has to be one of theirs.

    Raises:
        PasskeyRefused: the answer proves nothing, or nothing about this owner.
    """
    try:
        sent = parse_authentication_credential_json(answer)
        challenge = _challenge_of(sent.response.client_data_json)
        challenges.take(ceremony, challenge)
        passkey = _known(sent.raw_id, sent.response.user_handle, owner)
        found = verify_authentication_response(
            credential=sent,
            expected_challenge=challenge,
            expected_rp_id=_rp_id(),
            expected_origin=_origin(),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,  # judged below: a forged signature must not be taken for a copied passkey
            require_user_verification=True,
        )
    except _UNUSABLE as error:
        raise PasskeyRefused from error
    if (found.credential_device_type is CredentialDeviceType.MULTI_DEVICE) is not passkey.may_be_backed_up:
        raise PasskeyRefused
    _count(passkey, found.new_sign_count, is_backed_up=found.credential_backed_up)
    return passkey


def _count(passkey: Passkey, sign_count: int, *, is_backed_up: bool) -> None:
    kept, now = services().passkeys, services().clock()
    with services().database.write() as session:
        goes_up = kept.count_use(session, passkey.id, sign_count, is_backed_up=is_backed_up, at=now)
    if not goes_up:
        raise PasskeyRefused(
            "This passkey may have been copied, so it was not accepted. Sign in with your bank and remove it.",
            code="passkey-counter",
        )


def _known(credential_id: bytes, handle: bytes | None, owner: Owner | None) -> Passkey:
    """Return the passkey; the answer is the same for one that nobody has and one that is another's."""
    with services().database.read() as session:
        found = services().passkeys.by_credential(session, credential_id)
    # An authenticator that was told nothing has to say which account it is for (WebAuthn 3 §7.2 step 6).
    is_named = handle is not None or owner is not None
    if found is None or not is_named or owner not in {None, found.owner} or handle not in {None, found.handle}:
        raise PasskeyRefused("This passkey is not known here. It may have been removed.", code="passkey-unknown")
    return found


def _challenge_of(client_data: bytes) -> bytes:
    """Return the challenge that was signed, once the page that asked is known to be ours.

    Raises:
        PasskeyRefused: another site asked for it.
    """
    found = parse_client_data_json(client_data)
    if found.origin != _origin() or found.cross_origin:
        raise PasskeyRefused("This passkey was used on another site.", code="passkey-wrong-origin")
    return found.challenge


def _rp_id() -> str:
    return services().settings.base_host


def _origin() -> str:
    parts = urlsplit(services().settings.base_url)
    return f"{parts.scheme}://{parts.netloc}"
