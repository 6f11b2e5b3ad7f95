"""What a page weighs: every byte that a browser without a cache receives for it, headers and all."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Page

MOST_BYTES = 100_000


@dataclass
class Scale:
    """Weighs whatever a window shows, from its last navigation on."""

    page: Page
    received: dict[str, float] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        debugger = self.page.context.new_cdp_session(self.page)
        debugger.on("Network.requestWillBeSent", self._begin)
        debugger.on("Network.loadingFinished", self._end)
        debugger.send("Network.enable")
        debugger.send("Network.setCacheDisabled", {"cacheDisabled": True})

    @property
    def bytes(self) -> int:
        """What came over the wire for the page that is shown."""
        return round(sum(self.received.values()))

    def told(self) -> str:
        """Say what weighs how much, the heaviest first."""
        heaviest = sorted(self.received.items(), key=lambda one: -one[1])
        return ", ".join(f"{self.asked.get(one, '?')}: {size:.0f}" for one, size in heaviest)

    def _begin(self, event: dict[str, Any]) -> None:
        if event.get("type") == "Document":
            self.received.clear()
        self.asked[event["requestId"]] = event["request"]["url"]

    def _end(self, event: dict[str, Any]) -> None:
        self.received[event["requestId"]] = event["encodedDataLength"]
