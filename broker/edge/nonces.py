"""Demands nonces in DPoP proofs and offers the next one (RFC 9449 §8, §9)."""

from datetime import datetime

from flask import Response, g

from broker.crypto.nonces import Audience, Nonces
from broker.edge.dpop import Proof
from broker.edge.services import services
from broker.errors import ProofNonceNeeded

HEADER = "DPoP-Nonce"
_FIRST_REFUSAL = 400


def demand(proof: Proof, audience: Audience, *, required: bool, now: datetime) -> None:
    """Refuse a proof without a nonce of ours where one is needed; elsewhere whatever nonce it has means nothing.

    Call it after the proof's signature was checked and before anything is spent or logged: the caller tries again,
    with another proof.

    Raises:
        ProofNonceNeeded: `required`, or the operator's setting, and the nonce is missing, old or the other server's.
    """
    if not required and not services().settings.dpop_nonce_required:
        return
    nonces = Nonces(services().keyset.cookie, audience)
    g.nonce_offer = nonces.current(now)
    if proof.nonce is None or not nonces.knows(proof.nonce, now):
        raise ProofNonceNeeded(g.nonce_offer)


def offer(response: Response) -> Response:
    """Put the present nonce on a good answer, so that the next call need not ask for it (RFC 9449 §8.2).

    On a refusal it stands only when it would have helped: clients take it for the reason and try again.
    """
    if response.status_code < _FIRST_REFUSAL and "nonce_offer" in g:
        response.headers[HEADER] = g.nonce_offer
    return response
