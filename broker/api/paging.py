"""Pages of a list: the cursor is sealed, and works for the grant, the address and the filters it was made for only.

It names the read that it goes on with. Where that one is too old or too long, the cursor begins a read of its own.
"""

import binascii
import json
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from broker.crypto.digests import base64url
from broker.crypto.sealing import Sealer
from broker.errors import ConfigurationInvalid, InvalidRequest
from broker.policy.minimise import Record
from broker.release import ReadPage


@dataclass(frozen=True, slots=True)
class Page:
    """One page of records; `next_cursor` is None on the last page."""

    records: Sequence[Record]
    total: int
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Pager:
    """Cuts lists into pages.

    `scope` names everything a cursor is bound to; `key` is the record's id field; `page` is the one to cut now;
    `after` is the id of the last record seen.
    """

    sealer: Sealer
    scope: str
    key: str
    size: int
    page: ReadPage
    after: str | None

    @classmethod
    def of(cls, sealer: Sealer, scope: str, key: str, size: int, *, cursor: str | None, now: datetime) -> "Pager":
        """Make a pager; the cursor is opened here, before anything is asked of a bank.

        Raises:
            InvalidRequest: the cursor is not ours, or belongs to another question.
        """
        page, after = ReadPage.first(now), None
        if cursor is not None:
            named, after = _opened(sealer, scope, cursor)
            page = named if named.goes_on(now) else page
        return cls(sealer, scope, key, size, page, after)

    def cut(self, records: Sequence[Record], size: int) -> Page:
        """Return `size` records of the page that the cursor asks for.

        A list that changed meanwhile goes on after the last record seen.

        Raises:
            InvalidRequest: the record that the cursor names has left the list.
        """
        start = 0 if self.after is None else self._position(records, self.after) + 1
        part = records[start : start + size]
        has_more = start + size < len(records)
        return Page(part, len(records), self._cursor_after(part[-1]) if has_more else None)

    def _cursor_after(self, record: Record) -> str:
        page = self.page.following
        named = [record[self.key], page.read_id, page.number, page.began_at.isoformat()]
        return base64url(self.sealer.seal(json.dumps(named).encode(), f"cursor/{self.scope}"))

    def _position(self, records: Sequence[Record], last: str) -> int:
        for number, record in enumerate(records):
            if record[self.key] == last:
                return number
        raise InvalidRequest("This cursor is too old; start again without it.")


def _opened(sealer: Sealer, scope: str, cursor: str) -> tuple[ReadPage, str]:
    try:
        sealed = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        last, read_id, number, began_at = json.loads(sealer.open(sealed, f"cursor/{scope}"))
        page = ReadPage(read_id, number, datetime.fromisoformat(began_at))
    except (ConfigurationInvalid, binascii.Error, ValueError) as error:
        raise InvalidRequest("This cursor does not belong to this question.") from error
    return page, last


def scope_of(grant_id: str, path: str, parameters: dict[str, str]) -> str:
    """Name the question that a cursor belongs to: grant, address and filters, without the cursor itself."""
    return f"{grant_id} {path}?{urlencode(sorted((k, v) for k, v in parameters.items() if k != 'cursor'))}"
