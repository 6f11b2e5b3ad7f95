"""What each bank says of itself, version by version."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; its rows can be neither changed nor deleted by mistake."""
    op.create_table(
        "bank_facts",
        sa.Column("bank_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("sealed_by", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("bank_id", "version", name=op.f("pk_bank_facts")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER bank_facts_no_{act.lower()} BEFORE {act} ON bank_facts "
                "BEGIN SELECT RAISE(ABORT, 'versions of facts are never changed'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION bank_facts_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'versions of facts are never changed'; END $$"
    )
    op.execute(
        "CREATE TRIGGER bank_facts_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bank_facts "
        "FOR EACH STATEMENT EXECUTE FUNCTION bank_facts_append_only()"
    )


def downgrade() -> None:
    """Drop it: every bank is what its file says."""
    op.drop_table("bank_facts")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION bank_facts_append_only()")
