"""What people are told: their inbox, mails that wait, addresses, choices, what was told already and what has to be."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; nobody was told of anything yet."""
    _add_notices()
    _add_mails()
    _add_people()
    _add_marks()


def _add_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("what", sa.String(length=24), nullable=False),
        sa.Column("grant_id", sa.String(length=36), nullable=True),
        sa.Column("bank_id", sa.String(length=64), nullable=True),
        sa.Column("platform_id", sa.String(length=64), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_user_id_created_at", "notices", ["user_id", "created_at"], unique=False)
    op.create_index("ix_notices_created_at", "notices", ["created_at"], unique=False)


def _add_mails() -> None:
    op.create_table(
        "notice_mails",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("notice_id", sa.String(length=36), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_mails")),
    )
    op.create_index("ix_notice_mails_due_at", "notice_mails", ["due_at"], unique=False)
    op.create_index("ix_notice_mails_user_id", "notice_mails", ["user_id"], unique=False)


def _add_people() -> None:
    op.create_table(
        "notice_recipients",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("sealed_address", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sealed_asked", sa.LargeBinary(), nullable=True),
        sa.Column("key_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("key_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_notice_recipients")),
    )
    op.create_table(
        "notice_choices",
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("topic", sa.String(length=24), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "topic", "way", name=op.f("pk_notice_choices")),
    )


def _add_marks() -> None:
    op.create_table(
        "notice_marks",
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("what", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("subject", "what", name=op.f("pk_notice_marks")),
    )
    op.create_index("ix_notice_marks_made_at", "notice_marks", ["made_at"], unique=False)
    op.create_table(
        "notice_spreads",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("what", sa.String(length=24), nullable=False),
        sa.Column("bank_id", sa.String(length=64), nullable=False),
        sa.Column("platform_id", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=40), nullable=False),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("after", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_spreads")),
    )


def downgrade() -> None:
    """Drop them: nobody is told any more, and nobody's address is kept."""
    for table in ("notice_spreads", "notice_marks", "notice_choices", "notice_recipients", "notice_mails", "notices"):
        op.drop_table(table)
