"""The log becomes a tree: hashes, checkpoints, cosignatures, chains of each person's entries.

What was logged before is hashed as it stands. Its details get no digests in it, so their salts are empty.
"""

# ruff: noqa: S608 - the names in the statements are those of our own tables

import sqlalchemy as sa
from alembic import op

from broker.errors import ConfigurationInvalid
from broker.tlog.compact_range import CompactRange, grow
from broker.tlog.merkle import leaf_hash

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BATCH = 4_096
_TILE_HEIGHT = 8
_ONLY_GROW = ("audit_nodes", "audit_cosignatures")


def upgrade() -> None:
    """Add the tree and hash what is there."""
    _drop_triggers()
    op.add_column("audit_logs", sa.Column("is_dropped", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("audit_logs", sa.Column("frontier", sa.LargeBinary(), nullable=False, server_default=""))
    op.add_column("audit_logs", sa.Column("checkpoint", sa.LargeBinary(), nullable=False, server_default=""))
    op.add_column("audit_entries", sa.Column("leaf_hash", sa.LargeBinary(length=32), nullable=False, server_default=""))
    with op.batch_alter_table("audit_subjects") as batch:
        batch.add_column(sa.Column("platform_id", sa.String(length=64), nullable=False, server_default=""))
        batch.add_column(sa.Column("chain_log", sa.String(length=160), nullable=False, server_default=""))
        batch.add_column(sa.Column("chain_size", _BIG, nullable=False, server_default="0"))
        batch.add_column(sa.Column("chain_hash", sa.LargeBinary(length=32), nullable=False, server_default=""))
        batch.drop_constraint(op.f("uq_audit_subjects_user_id_bank_id"), type_="unique")
        batch.create_unique_constraint(
            op.f("uq_audit_subjects_user_id_bank_id_platform_id"), ["user_id", "bank_id", "platform_id"]
        )
    op.create_table(
        "audit_nodes",
        sa.Column("log", sa.String(length=160), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", _BIG, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(["log"], ["audit_logs.name"], name=op.f("fk_audit_nodes_log_audit_logs")),
        sa.PrimaryKeyConstraint("log", "level", "number", name=op.f("pk_audit_nodes")),
    )
    op.create_table(
        "audit_cosignatures",
        sa.Column("log", sa.String(length=160), nullable=False),
        sa.Column("size", _BIG, nullable=False),
        sa.Column("witness", sa.String(length=160), nullable=False),
        sa.Column("line", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["log"], ["audit_logs.name"], name=op.f("fk_audit_cosignatures_log_audit_logs")),
        sa.PrimaryKeyConstraint("log", "size", "witness", name=op.f("pk_audit_cosignatures")),
    )
    _hash_what_is_there()
    _create_triggers()


def downgrade() -> None:
    """Drop the tree; the entries stay, but not whom those of the new form are about."""
    _drop_triggers()
    op.drop_table("audit_cosignatures")
    op.drop_table("audit_nodes")
    op.execute("DELETE FROM audit_subjects WHERE platform_id <> ''")  # the older revision knows one row a person
    with op.batch_alter_table("audit_subjects") as batch:
        batch.drop_constraint(op.f("uq_audit_subjects_user_id_bank_id_platform_id"), type_="unique")
        batch.create_unique_constraint(op.f("uq_audit_subjects_user_id_bank_id"), ["user_id", "bank_id"])
        for name in ("chain_hash", "chain_size", "chain_log", "platform_id"):
            batch.drop_column(name)
    for table, column in (
        ("audit_entries", "leaf_hash"),
        *(("audit_logs", name) for name in ("checkpoint", "frontier", "is_dropped")),
    ):
        op.drop_column(table, column)
    _create_first_triggers()


def _hash_what_is_there() -> None:
    """Hash the entries of each log into its tree; the next entry signs the checkpoint."""
    connection = op.get_bind()
    for name, size in connection.execute(sa.text("SELECT name, size FROM audit_logs")).all():
        frontier = CompactRange.load(0, b"")
        while frontier.size < size:
            page = {"log": name, "first": frontier.size, "next": frontier.size + _BATCH}
            leaves = connection.execute(
                sa.text(
                    "SELECT number, leaf FROM audit_entries WHERE log = :log AND number >= :first AND number < :next "
                    "ORDER BY number"
                ),
                page,
            ).all()
            last = min(frontier.size + _BATCH, size)
            if [row.number for row in leaves] != list(range(frontier.size, last)):
                raise ConfigurationInvalid(f"Entries of {name} are missing between {frontier.size} and {last}.")
            hashes = [leaf_hash(bytes(row.leaf)) for row in leaves]
            connection.execute(
                sa.text("UPDATE audit_entries SET leaf_hash = :hash WHERE log = :log AND number = :number"),
                [{"log": name, "number": n, "hash": h} for n, h in enumerate(hashes, start=frontier.size)],
            )
            growth = grow(frontier, hashes)
            nodes = [
                {"log": name, "level": node.level, "number": node.index, "hash": value}
                for node, value in growth.nodes
                if node.level % _TILE_HEIGHT == 0
            ]
            if nodes:
                insert = "INSERT INTO audit_nodes (log, level, number, hash) VALUES (:log, :level, :number, :hash)"
                connection.execute(sa.text(insert), nodes)
            frontier = growth.after
        kept = {"log": name, "frontier": frontier.dump()}
        connection.execute(sa.text("UPDATE audit_logs SET frontier = :frontier WHERE name = :log"), kept)


# Not a defence against the database's owner; they keep mistakes and injected statements from altering history.
def _drop_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in ("audit_entries", *_ONLY_GROW):
            for act in ("update", "delete", "replace"):
                op.execute(f"DROP TRIGGER IF EXISTS {table}_no_{act}")
        return
    op.execute("DROP FUNCTION audit_entries_append_only() CASCADE")


def _create_triggers() -> None:
    """Let the rows of a log be deleted only when the log is marked as dropped (a year that is kept no longer)."""
    same = {
        "audit_entries": "log = NEW.log AND number = NEW.number",
        "audit_nodes": "log = NEW.log AND level = NEW.level AND number = NEW.number",
        "audit_cosignatures": "log = NEW.log AND size = NEW.size AND witness = NEW.witness",
    }
    refused = "SELECT RAISE(ABORT, 'the audit log is append-only')"
    dropped = "EXISTS (SELECT 1 FROM audit_logs WHERE name = OLD.log AND is_dropped)"
    if op.get_bind().dialect.name == "sqlite":
        for table, key in same.items():
            op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refused}; END")
            op.execute(
                f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN NOT {dropped} BEGIN {refused}; END"
            )
            # REPLACE deletes without the trigger above unless a connection asks for recursive triggers.
            exists = f"EXISTS (SELECT 1 FROM {table} WHERE {key})"
            op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {exists} BEGIN {refused}; END")
        return
    op.execute(
        "CREATE FUNCTION audit_entries_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF {dropped} THEN RETURN OLD; END IF; END IF; "
        "RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    for table in same:
        for when, each in (("UPDATE OR DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(
                f"CREATE TRIGGER {table}_append_only_{each.lower()} BEFORE {when} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION audit_entries_append_only()"
            )


def _create_first_triggers() -> None:
    if op.get_bind().dialect.name == "sqlite":
        refuse = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        for act in ("UPDATE", "DELETE"):
            op.execute(f"CREATE TRIGGER audit_entries_no_{act.lower()} BEFORE {act} ON audit_entries {refuse}")
        op.execute(
            "CREATE TRIGGER audit_entries_no_replace BEFORE INSERT ON audit_entries WHEN EXISTS "
            f"(SELECT 1 FROM audit_entries WHERE log = NEW.log AND number = NEW.number) {refuse}"
        )
        return
    op.execute(
        "CREATE FUNCTION audit_entries_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_entries_append_only()"
    )
