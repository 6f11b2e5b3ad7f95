"""Harvest limits: what platforms have read, and holds."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables; counting begins now."""
    op.create_table(
        "harvest_tallies",
        sa.Column("platform_id", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("bank_id", sa.String(length=64), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("agreed", sa.Integer(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("platform_id", "category", "bank_id", name=op.f("pk_harvest_tallies")),
    )
    op.create_table(
        "harvest_reads",
        sa.Column("platform_id", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("bank_id", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("read_s", _BIG, nullable=False),
        sa.Column("reached_s", _BIG, nullable=True),
        sa.PrimaryKeyConstraint("platform_id", "category", "bank_id", "user_id", name=op.f("pk_harvest_reads")),
    )
    op.create_index(op.f("ix_harvest_reads_read_s"), "harvest_reads", ["read_s"], unique=False)
    op.create_index(op.f("ix_harvest_reads_user_id"), "harvest_reads", ["user_id"], unique=False)
    op.create_table(
        "holds",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("platform_id", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("budget", sa.String(length=40), nullable=False),
        sa.Column("counted", _BIG, nullable=False),
        sa.Column("ceiling", _BIG, nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_because", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
    )
    op.create_index(op.f("ix_holds_platform_id_category"), "holds", ["platform_id", "category"], unique=False)
    columns = ["platform_id", "status", "expires_at"]
    op.create_index(op.f("ix_grants_platform_id_status_expires_at"), "grants", columns, unique=False)


def downgrade() -> None:
    """Drop them: a platform that is held is no longer."""
    op.drop_index(op.f("ix_grants_platform_id_status_expires_at"), table_name="grants")
    for table in ("holds", "harvest_reads", "harvest_tallies"):
        op.drop_table(table)
