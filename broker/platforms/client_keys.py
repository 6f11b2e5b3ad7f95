"""The public keys of a client: registered ones, or those at its `jwks_uri`, fetched cautiously and kept for a while.

Trusted: whoever answers at a client's `jwks_uri` can speak for that client.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from broker.errors import BankUnavailable
from broker.outbound import OutboundClient
from broker.platforms.key_sets import Keys, usable_keys
from broker.platforms.service import Platform

LARGEST_SET: Final = 65_536
_OK = 200
_PAUSE_S = 10.0
_STALE_S = 3_600.0


@dataclass(slots=True)
class _Kept:
    """What is known of the keys at one client's URL. Instants are seconds on the monotonic clock."""

    uri: str
    fetching: threading.Lock = field(default_factory=threading.Lock)
    keys: Keys = ()
    fetched_at: float = -math.inf
    tried_at: float = -math.inf

    def has(self, kid: str | None) -> bool:
        """Say whether a key with this id is here; without an id, whether there is any key."""
        return any(kid in (None, key.get("kid")) for key in self.keys)


class ClientKeys:
    """Gives the keys that may have signed for a client. Each process keeps its own; safe to share between threads.

    Keys at a URL are kept for `life_s` seconds. A key id that is not among them has them fetched again, at most every
    10 s a client, so that a client may change its keys at any time. While the URL fails, the last good set counts for
    an hour. At most `most_waiting` threads wait for other machines; who finds no room must do with what is here.
    Call it outside of transactions.
    """

    def __init__(
        self,
        http: OutboundClient,
        life_s: float,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        most_waiting: int = 6,
    ) -> None:
        self._http = http
        self._life_s = life_s
        self._monotonic = monotonic
        self._room = threading.BoundedSemaphore(most_waiting)
        self._lock = threading.Lock()
        self._by_client: dict[str, _Kept] = {}

    def of(self, platform: Platform, kid: str | None) -> Keys:
        """Return the client's public JWKs, none when they cannot be had. `kid` is the key id that is looked for."""
        if platform.jwks_uri is None:
            keys: Keys = platform.jwks["keys"]
            return keys
        kept = self._kept(platform.id, platform.jwks_uri)
        if self._is_due(kept, kid) or not kept.has(kid):
            self._bring(kept, kid, platform.id)
        return kept.keys if self._age(kept) < max(_STALE_S, self._life_s) else ()

    def _kept(self, platform_id: str, uri: str) -> _Kept:
        with self._lock:
            kept = self._by_client.get(platform_id)
            if kept is None or kept.uri != uri:
                kept = self._by_client[platform_id] = _Kept(uri)
            return kept

    def _bring(self, kept: _Kept, kid: str | None, platform_id: str) -> None:
        """Fetch the keys, or wait for the thread that does. Once it has begun, who has the key does not come here."""
        if not self._room.acquire(blocking=False):
            return
        try:
            with kept.fetching:
                if self._is_due(kept, kid):
                    self._fetch(kept, platform_id)
        finally:
            self._room.release()

    def _age(self, kept: _Kept) -> float:
        return self._monotonic() - kept.fetched_at

    def _is_due(self, kept: _Kept, kid: str | None) -> bool:
        is_wanted = self._age(kept) >= self._life_s or not kept.has(kid)
        return is_wanted and self._monotonic() - kept.tried_at >= _PAUSE_S

    def _fetch(self, kept: _Kept, platform_id: str) -> None:
        kept.tried_at = self._monotonic()
        try:
            answer = self._http.get(kept.uri, {"Accept": "application/json"}, breaker=f"keys of {platform_id}")
            keys = usable_keys(answer.json()) if answer.status == _OK else ()
        except BankUnavailable:
            return  # logged where it happened; the last good set stands
        if keys:
            kept.keys, kept.fetched_at = keys, self._monotonic()
