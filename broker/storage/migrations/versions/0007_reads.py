"""How often each category was read under each grant on each day."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "grant_reads",
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("attended", sa.Integer(), nullable=False),
        sa.Column("unattended", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", "category", "day", name=op.f("pk_grant_reads")),
    )
    op.create_index(op.f("ix_grant_reads_day"), "grant_reads", ["day"], unique=False)


def downgrade() -> None:
    """Drop it: today's reads are counted from none again."""
    op.drop_index(op.f("ix_grant_reads_day"), table_name="grant_reads")
    op.drop_table("grant_reads")
