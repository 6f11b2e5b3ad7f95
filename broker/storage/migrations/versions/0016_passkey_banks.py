"""At which bank the owner of a passkey had signed in when it was made, and under which id their device knows them."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ONE_BANK = (
    "UPDATE passkeys SET bank_id = (SELECT min(bank_id) FROM user_identities WHERE user_id = passkeys.owner_id) "
    "WHERE owner_kind = 'user' AND 1 = (SELECT count(*) FROM user_identities WHERE user_id = passkeys.owner_id)"
)


def upgrade() -> None:
    """Add them. The bank stays unknown of who has linked several: such a passkey is removed when one is unlinked."""
    op.add_column("passkeys", sa.Column("made_for", sa.String(length=64), nullable=True))
    op.add_column("passkeys", sa.Column("bank_id", sa.String(length=64), nullable=True))
    op.execute("UPDATE passkeys SET made_for = owner_id")
    op.execute(_ONE_BANK)
    with op.batch_alter_table("passkeys") as batch:
        batch.alter_column("made_for", existing_type=sa.String(length=64), nullable=False)


def downgrade() -> None:
    """Drop them: passkeys that have changed their user since open nothing any more."""
    op.drop_column("passkeys", "bank_id")
    op.drop_column("passkeys", "made_for")
