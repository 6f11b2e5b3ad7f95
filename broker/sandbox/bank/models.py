"""The bank's tables. Instants are whole seconds since 1970, amounts are cents; tokens and codes are digests only."""

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from broker.sandbox.bank.database import Base


class Login(Base):
    """Somebody who can sign in: a customer, or staff when there is a role."""

    __tablename__ = "login"

    username: Mapped[str] = mapped_column(String(64), primary_key=True)
    password_hash: Mapped[str]
    subject: Mapped[str] = mapped_column(String(40), unique=True)
    first_name: Mapped[str]
    last_name: Mapped[str]
    role: Mapped[str | None]

    @property
    def name(self) -> str:
        """Return the name as it is printed."""
        return f"{self.first_name} {self.last_name}".strip()


class AccountRow(Base):
    """One account, and the customer who opened it."""

    __tablename__ = "account"

    account_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject: Mapped[str] = mapped_column(String(40), index=True)
    position: Mapped[int]
    kind: Mapped[str]
    currency: Mapped[str]
    product: Mapped[str]
    nickname: Mapped[str | None]
    number: Mapped[str]
    limit_cents: Mapped[int]
    joint: Mapped[bool]
    closed: Mapped[bool]
    opening_cents: Mapped[int]


class HoldingRow(Base):
    """One joint account that another customer opened."""

    __tablename__ = "holding"

    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40), primary_key=True)


class EntryRow(Base):
    """One line on one account; pending from `occurred_at` until `posted_at`."""

    __tablename__ = "entry"
    __table_args__ = (
        Index("ix_entry_account_time", "account_id", "occurred_at", "entry_id"),
        # A balance is added up from the index alone, however much has happened.
        Index("ix_entry_account_posted", "account_id", "posted_at", "amount_cents"),
    )

    entry_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(40))
    kind: Mapped[str]
    amount_cents: Mapped[int]
    occurred_at: Mapped[int]
    posted_at: Mapped[int]
    description: Mapped[str]
    counterparty: Mapped[str | None]
    reference: Mapped[str | None]
    card_json: Mapped[str | None]


class LedgerDay(Base):
    """Up to which day a customer's accounts have been written; `source` is the digest of what they were written from.

    Invented people have the source "" and go on from day to day; own people are written as a whole.
    """

    __tablename__ = "ledger_day"

    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    last_day: Mapped[str] = mapped_column(String(10))
    source: Mapped[str] = mapped_column(String(64), default="")


class CodeRow(Base):
    """An authorization code, by its digest."""

    __tablename__ = "code"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str]
    redirect_uri: Mapped[str]
    scope: Mapped[str]
    subject: Mapped[str]
    nonce: Mapped[str] = mapped_column(index=True)
    challenge: Mapped[str]
    auth_time: Mapped[int]
    expires_at: Mapped[int]
    used_at: Mapped[int | None]


class TokenRow(Base):
    """An access or refresh token, by its digest; tokens that stem from one code are one family."""

    __tablename__ = "token"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    use: Mapped[str]
    client_id: Mapped[str]
    subject: Mapped[str]
    scope: Mapped[str]
    family: Mapped[str] = mapped_column(index=True)
    expires_at: Mapped[int | None]
    revoked_at: Mapped[int | None]


class SpentAssertion(Base):
    """A client assertion that was used, remembered until it would have expired."""

    __tablename__ = "spent_assertion"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[int] = mapped_column(index=True)


class ServedRow(Base):
    """A data request that was answered with data."""

    __tablename__ = "served"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    interaction_id: Mapped[str]
    served_at: Mapped[str]
    customer: Mapped[str]
    category: Mapped[str]
    accounts_json: Mapped[str]


class AlertRow(Base):
    """One fraud alert that the bank has raised; `told_json` is what its data API says of it."""

    __tablename__ = "fraud_alert"

    alert_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    subject: Mapped[str] = mapped_column(String(40))
    account_id: Mapped[str] = mapped_column(String(40))
    raised_at: Mapped[int]
    told_json: Mapped[str]


class ReceiptUse(Base):
    """One resource that was served under one receipt. `leaf_hash` is the announcing entry's, in hexadecimal."""

    __tablename__ = "receipt_use"

    leaf_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    resource: Mapped[str] = mapped_column(primary_key=True)
    log: Mapped[str]
    number: Mapped[int]
    interaction_id: Mapped[str]
    served_at: Mapped[int] = mapped_column(index=True)
