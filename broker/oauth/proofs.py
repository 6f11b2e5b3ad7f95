"""Checks the DPoP proof of a request to the authorization server, and spends assertion and proof together."""

from flask import request
from sqlalchemy.orm import Session

from broker.edge.dpop import Proof, check_proof
from broker.edge.services import services
from broker.errors import ProofRefused
from broker.oauth.clients import Client, refused
from broker.storage.single_use import claim


def proof_of_request() -> Proof:
    """Check the DPoP proof of the present request.

    Raises:
        ProofRefused: missing, or not good for this request.
    """
    return check_proof(
        request.headers.getlist("DPoP"),
        method=request.method,
        url=services().settings.base_url + request.path,
        access_token=None,
        now=services().wall(),
    )


def spend(session: Session, client: Client, proof: Proof | None = None) -> Exception | None:
    """Take the claims of assertion and proof; return the refusal if one was taken before.

    It is returned, not raised: raising inside the transaction would forget the claim that was taken.
    """
    if not claim(session, client.claim):
        return refused()
    if proof is not None and not claim(session, proof.claim):
        return ProofRefused("The DPoP proof was used before.")
    return None
