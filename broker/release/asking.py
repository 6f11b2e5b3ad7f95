"""What a call is, what it wants, and what it gets."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.banks.connector import Window
from broker.banks.facts import SameFacts
from broker.crypto.digests import base64url
from broker.grants.fence import Held
from broker.grants.views import Grant, GrantedAccount
from broker.harvest.counting import Count
from broker.policy import Catalogue
from broker.policy.answers import Question
from broker.policy.minimise import Record
from broker.release.pages import ReadPage
from broker.storage.single_use import Claim

_ACCESS_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated call of a platform. `claims` are what the log's transaction must win (the DPoP jti).

    `is_attended` is the platform's word that the person is using it now.
    """

    grant_id: str
    platform_id: str
    token_categories: frozenset[str]
    interaction_id: str
    endpoint: str
    is_attended: bool = False
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class Announcement:
    """One thing that a bank has announced, which may be read `most_reads` times until `ends_at`.

    `id` is what this platform calls it, `ref` the bank.
    """

    id: str
    ref: str
    most_reads: int
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the call wants: a category, one account (None: all granted), instants, and fields its filters look at.

    `page` is which part of a list it is, None where the answer has one part; `question` is what it asks of a category
    that gives answers instead of data; `announced` is the one thing that it may see of a category that banks push.
    """

    category: str
    account_id: str | None = None
    oldest_at: datetime | None = None
    newest_at: datetime | None = None
    filtered_fields: frozenset[str] = frozenset()
    page: ReadPage | None = None
    question: Question | None = None
    announced: Announcement | None = None

    def accounts_of(self, grant: Grant) -> tuple[GrantedAccount, ...]:
        """Return the live accounts of the grant that are wanted."""
        return tuple(a for a in grant.live_accounts if self.account_id in {None, a.account_id})

    def fields_of(self, grant: Grant, catalogue: Catalogue) -> tuple[str, ...]:
        """Return the names of the fields that the grant lets out; none when it does not name the category."""
        category = grant.category(self.category)
        if category is None:
            return ()
        return tuple(field.name for field in catalogue.categories[self.category].fields_in(category.term))


@dataclass(frozen=True, slots=True)
class Access:
    """What the entries of one access have in common, beside the grant: the id that joins them, and what the bank knows.

    `customer` is the bank's id of the person, None when it is not known; `window` is what transactions are asked from;
    `facts` are those that the request was judged by: what was fetched and cut down under them leaves under no others.
    `counts` is what the read counts against; `closed` are the accounts that the bank turned out to have no longer.
    """

    id: str
    customer: str | None
    window: Window
    facts: SameFacts
    counts: Count
    closed: frozenset[str] = frozenset()


def new_access_id() -> str:
    """Make the id that joins the entries of one access."""
    return base64url(secrets.token_bytes(_ACCESS_ID_BYTES))


@dataclass(frozen=True, slots=True)
class Rendered:
    """The exact bytes that will leave, and how many records stand in them."""

    body: bytes
    records: int


Missing = Mapping[str, str]
"""The accounts of a grant of which an answer has nothing, by the platform's id, each with a reason code."""
Render = Callable[[list[Record], Missing], Rendered]


@dataclass(frozen=True, slots=True)
class Released:
    """What may be handed to the transport: bytes whose entry is durable. `number` is the entry's place in its log.

    `receipt` is that entry's receipt; `disclosures` lets the platform find the digest of these very bytes in it (both
    as headers carry them, base64url).

    `held` is the grant's fence: whoever hands the bytes over must drop it when the transport has them all, or has
    failed, and not before; a revocation waits for that.
    """

    body: bytes
    log: str
    number: int
    receipt: str
    disclosures: str
    held: Held
