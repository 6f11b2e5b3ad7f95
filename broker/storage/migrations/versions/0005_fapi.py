"""Clients with options of their own, machine tokens, registration by clients, amendments of grants."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ADDED = {
    "platforms": ("jwks_uri", "bank_id", "options", "registration_digest", "registered_by", "updated_at", "removed_at"),
    "tokens": ("requires_nonce",),
    "codes": ("amends",),
}


def upgrade() -> None:
    """Add columns and tables; what is there goes on as it was."""
    op.add_column("platforms", sa.Column("jwks_uri", sa.String(length=2000), nullable=True))
    op.add_column("platforms", sa.Column("bank_id", sa.String(length=64), nullable=True))
    op.add_column("platforms", sa.Column("options", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("platforms", sa.Column("registration_digest", sa.LargeBinary(length=32), nullable=True))
    op.add_column("platforms", sa.Column("registered_by", sa.String(length=36), nullable=True))
    op.add_column("platforms", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("platforms", sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_platforms_registration_digest"), "platforms", ["registration_digest"], unique=True)
    op.add_column("tokens", sa.Column("requires_nonce", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("codes", sa.Column("amends", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "machine_tokens",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("platform_id", sa.String(length=64), nullable=False),
        sa.Column("jkt", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("requires_nonce", sa.Boolean(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_machine_tokens")),
    )
    op.create_index(op.f("ix_machine_tokens_platform_id"), "machine_tokens", ["platform_id"], unique=False)
    op.create_index(op.f("ix_machine_tokens_expires_at"), "machine_tokens", ["expires_at"], unique=False)
    op.create_table(
        "initial_access_tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("purposes", sa.JSON(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("most_uses", sa.Integer(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_initial_access_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_initial_access_tokens_digest")),
    )
    op.create_table(
        "grant_amendments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("notice", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("status_code", sa.String(length=40), nullable=False),
        sa.Column("consent_key", sa.String(length=64), nullable=False),
        sa.Column("return_path", sa.String(length=255), nullable=False),
        sa.Column("return_origin", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_grant_amendments_grant_id_grants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grant_amendments")),
    )
    op.create_index(op.f("ix_grant_amendments_grant_id"), "grant_amendments", ["grant_id"], unique=False)
    op.create_index(op.f("ix_grant_amendments_consent_key"), "grant_amendments", ["consent_key"], unique=False)
    op.create_table(
        "grant_versions",
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=24), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("accounts", sa.JSON(), nullable=False),
        sa.Column("notice", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", "version", name=op.f("pk_grant_versions")),
    )


def downgrade() -> None:
    """Drop them; who was removed stays without keys, since the older revision knows no removal."""
    op.execute("UPDATE platforms SET jwks = '{\"keys\": []}', redirect_uris = '[]' WHERE removed_at IS NOT NULL")
    # The older revision knows neither the kind nor the key sets at an address, which stay empty.
    op.execute("DELETE FROM platforms WHERE kind = 'bank'")
    for table in ("grant_versions", "grant_amendments", "initial_access_tokens", "machine_tokens"):
        op.drop_table(table)
    op.drop_index(op.f("ix_platforms_registration_digest"), table_name="platforms")
    for table, columns in _ADDED.items():
        for column in columns:
            op.drop_column(table, column)
