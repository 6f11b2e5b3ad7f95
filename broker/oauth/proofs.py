"""Checks the DPoP proof of a request to the authorization server, and spends assertion and proof together."""

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from broker.edge.dpop import ALGORITHMS, Proof, check_proof
from broker.edge.nonces import demand
from broker.edge.services import services
from broker.errors import ProofRefused
from broker.oauth.clients import Client, refused
from broker.storage.single_use import claim


def proof_of_request(client: Client) -> Proof:
    """Check the DPoP proof of the present request, with a nonce where this client, or the operator, wants one.

    Raises:
        ProofRefused: missing, or not good for this request.
        ProofNonceNeeded: it is good, but for the nonce; nothing has been spent.
    """
    now = services().wall()
    proof = check_proof(
        request.headers.getlist("DPoP"),
        method=request.method,
        url=services().settings.base_url + request.path,
        access_token=None,
        now=now,
    )
    demand(proof, "as", required=client.platform.options.requires_nonce, now=now)
    return proof


def announced(_base_url: str) -> dict[str, Any]:
    """Return what the metadata says of proofs (RFC 9449 §5.1)."""
    return {"dpop_signing_alg_values_supported": list(ALGORITHMS)}


def spend(session: Session, client: Client, proof: Proof | None = None) -> Exception | None:
    """Take the claims of assertion and proof; return the refusal if one was taken before.

    It is returned, not raised: raising inside the transaction would forget the claim that was taken.
    """
    if not claim(session, client.claim):
        return refused()
    if proof is not None and not claim(session, proof.claim):
        return ProofRefused("The DPoP proof was used before.")
    return None
