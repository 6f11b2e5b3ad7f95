"""Passkeys, and whose each browser session is."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of passkeys and the owner of a session; sessions that live already have none until they end."""
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("owner_kind", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.String(length=64), nullable=False),
        sa.Column("credential_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("may_be_backed_up", sa.Boolean(), nullable=False),
        sa.Column("is_backed_up", sa.Boolean(), nullable=False),
        sa.Column("sealed_name", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_digest", name=op.f("uq_passkeys_credential_digest")),
    )
    op.create_index("ix_passkeys_owner_kind_owner_id", "passkeys", ["owner_kind", "owner_id"], unique=False)
    op.add_column("web_sessions", sa.Column("owner_kind", sa.String(length=16), nullable=True))
    op.add_column("web_sessions", sa.Column("owner_id", sa.String(length=64), nullable=True))
    op.create_index("ix_web_sessions_owner_kind_owner_id", "web_sessions", ["owner_kind", "owner_id"], unique=False)


def downgrade() -> None:
    """Drop them: who has a passkey signs in with the bank again."""
    op.drop_index("ix_web_sessions_owner_kind_owner_id", table_name="web_sessions")
    op.drop_column("web_sessions", "owner_id")
    op.drop_column("web_sessions", "owner_kind")
    op.drop_index("ix_passkeys_owner_kind_owner_id", table_name="passkeys")
    op.drop_table("passkeys")
