"""What a bank or the operator has turned off."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_IS_SWITCH = sa.text("event IN ('switch.off', 'switch.on')")


def upgrade() -> None:
    """Add the table, in which nothing is off, and an index of the entries of switches."""
    op.create_table(
        "switches",
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("bank_id", sa.String(length=64), nullable=False),
        sa.Column("platform_id", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("sealed_by", sa.LargeBinary(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("side", "bank_id", "platform_id", "category", name=op.f("pk_switches")),
    )
    op.create_index(
        "ix_audit_entries_switches",
        "audit_entries",
        ["log", "number"],
        unique=False,
        sqlite_where=_IS_SWITCH,
        postgresql_where=_IS_SWITCH,
    )


def downgrade() -> None:
    """Drop it. The older revision knows no switches: what is off goes on again there."""
    op.drop_index("ix_audit_entries_switches", table_name="audit_entries")
    op.drop_table("switches")
