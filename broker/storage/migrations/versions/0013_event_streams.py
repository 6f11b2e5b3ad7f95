"""Who is told of events, how far each grant's have come, and each event on its way."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; nobody has asked for events yet."""
    _streams()
    op.create_table(
        "event_chains",
        sa.Column("receiver", sa.String(length=64), nullable=False),
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("is_bank", sa.Boolean(), nullable=False),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.Column("suspended", sa.JSON(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("receiver", "grant_id", name=op.f("pk_event_chains")),
    )
    op.create_index(op.f("ix_event_chains_grant_id"), "event_chains", ["grant_id"], unique=False)
    _deliveries()


def downgrade() -> None:
    """Drop them: what was on its way is lost, and nobody is told of anything."""
    op.drop_table("event_deliveries")
    op.drop_table("event_chains")
    op.drop_table("event_streams")


def _streams() -> None:
    op.create_table(
        "event_streams",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("receiver", sa.String(length=64), nullable=False),
        sa.Column("bank_id", sa.String(length=64), nullable=True),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("endpoint", sa.String(length=2000), nullable=True),
        sa.Column("sealed_authorization", sa.LargeBinary(), nullable=True),
        sa.Column("requested", sa.JSON(), nullable=False),
        sa.Column("description", sa.String(length=300), nullable=True),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("status_reason", sa.String(length=300), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verification_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_streams")),
        sa.UniqueConstraint("receiver", name=op.f("uq_event_streams_receiver")),
    )
    op.create_index(op.f("ix_event_streams_bank_id"), "event_streams", ["bank_id"], unique=False)


def _deliveries() -> None:
    op.create_table(
        "event_deliveries",
        sa.Column("jti", sa.String(length=36), nullable=False),
        sa.Column("stream_id", sa.String(length=36), nullable=False),
        sa.Column("receiver", sa.String(length=64), nullable=False),
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event_type", sa.String(length=100), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waits_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("jti", name=op.f("pk_event_deliveries")),
    )
    for columns in (
        ["stream_id", "state", "jti"],
        ["grant_id", "receiver", "sequence"],
        ["receiver", "created_at"],
        ["state", "waits_since"],
    ):
        op.create_index(op.f("ix_event_deliveries_" + "_".join(columns)), "event_deliveries", columns, unique=False)
