"""Under which user a customer of a bank went before they linked or unlinked it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; nobody has moved yet."""
    op.create_table(
        "user_moves",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("bank_id", sa.String(length=64), nullable=False),
        sa.Column("to_user_id", sa.String(length=36), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "bank_id", name=op.f("pk_user_moves")),
    )


def downgrade() -> None:
    """Drop it: what is linked stays linked."""
    op.drop_table("user_moves")
