"""Which witnesses have contradicted which logs."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "audit_contradictions",
        sa.Column("log", sa.String(length=160), nullable=False),
        sa.Column("witness", sa.String(length=320), nullable=False),
        sa.Column("size", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.PrimaryKeyConstraint("log", "witness", name=op.f("pk_audit_contradictions")),
    )


def downgrade() -> None:
    """Drop it: each process hears the witnesses again when it starts."""
    op.drop_table("audit_contradictions")
