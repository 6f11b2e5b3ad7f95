"""Which event of a grant its receiver took last: it is in sync when that is the newest one."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# What is still on its way, or was given up, was not taken; what came before it was.
_TAKEN = (
    "UPDATE event_chains SET acknowledged_sequence = coalesce((SELECT min(sequence) - 1 FROM event_deliveries "
    "WHERE event_deliveries.receiver = event_chains.receiver AND event_deliveries.grant_id = event_chains.grant_id "
    "AND state <> 'taken'), last_sequence) WHERE acknowledged_at IS NOT NULL"
)


def upgrade() -> None:
    """Add it; nobody asked when one was sent last."""
    op.add_column("event_chains", sa.Column("acknowledged_sequence", sa.Integer(), nullable=False, server_default="0"))
    op.execute(_TAKEN)
    with op.batch_alter_table("event_chains") as batch:
        batch.alter_column("acknowledged_sequence", existing_type=sa.Integer(), server_default=None)
        batch.drop_column("sent_at")


def downgrade() -> None:
    """Drop it."""
    op.add_column("event_chains", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_column("event_chains", "acknowledged_sequence")
