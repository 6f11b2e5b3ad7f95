"""The people of platforms: who may see a platform's own pages."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "platform_people",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("platform_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("link_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("link_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_people")),
    )
    op.create_index(op.f("ix_platform_people_platform_id"), "platform_people", ["platform_id"], unique=False)
    op.create_index(op.f("ix_platform_people_link_digest"), "platform_people", ["link_digest"], unique=True)


def downgrade() -> None:
    """Drop it: nobody of a platform can sign in any more."""
    op.drop_table("platform_people")
