"""Lets the refresh tokens of a grant live on when its person has renewed it."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from broker.tokens.models import TokenRow
from broker.tokens.service import TokenKind


def lengthen(session: Session, grant_id: str, until: datetime) -> None:
    """Let the grant's refresh tokens that have not been ended live until then; access tokens keep their minutes.

    Call it in the transaction that renews the grant. A token has no authority of its own: the grant is asked anyway.
    """
    session.flush()
    theirs = (TokenRow.grant_id == grant_id, TokenRow.kind == TokenKind.REFRESH.value, TokenRow.ended_at.is_(None))
    session.execute(update(TokenRow).where(*theirs).values(expires_at=until))
