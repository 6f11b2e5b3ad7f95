"""Draws the pictures of docs/img: `make screenshots` starts a sandbox, brings a browser into states, and writes PNGs.

A picture is what a person sees first, without scrolling; a map is scrolled to. One more is one more line in `PICTURES`.
"""

import shutil
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, sync_playwright

from tests.browser.arrivals import Cast
from tests.browser.states import STATES
from tests.support.windows import DESKTOP, PHONE, window
from tests.support.world import World

PICTURES = {
    "home": "home",
    "consent": "consent",
    "consent-preview": "consent-preview",
    "consent-receipt": "consent-receipt",
    "my-sharing": "my-sharing",
    "history": "history",
    "history-map": "history-map",
    "one-permission": "one-grant",
    "console": "bank-console-of-a-sharer",
    "log-health": "bank-log-health",
    "switches": "switches",
}
"""The name of each picture, and of its state in tests/browser/states.py."""

MOST_BYTES, MOST_BYTES_IN_ALL = 200_000, 4_000_000
_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FOLDER = Path(__file__).resolve().parents[2] / "docs" / "img"


def main() -> None:
    """Draw all pictures, or those that are named."""
    names = sys.argv[1:] or [*PICTURES]
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder)).start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
                _draw(browser, Cast(world.info), names)
                browser.close()
        finally:
            world.stop()
    drawn = [_FOLDER / file for name in PICTURES for file in _files(name)]
    total = sum(file.stat().st_size for file in drawn if file.exists())
    assert total <= MOST_BYTES_IN_ALL, f"the pictures weigh {total} bytes"
    sys.stdout.write(f"{len(names)} pages, {total} bytes in {_FOLDER}\n")


def _draw(browser: Browser, cast: Cast, names: list[str]) -> None:
    states = {state.name: state for state in STATES}
    with window(browser) as page:
        for name in names:
            page.set_viewport_size(DESKTOP)
            states[PICTURES[name]].reached(cast, page)
            files = iter(_files(name))
            for size in (DESKTOP, PHONE):
                page.set_viewport_size(size)
                for scheme in _SCHEMES:
                    page.emulate_media(color_scheme=scheme)
                    page.evaluate("document.querySelector('svg.map')?.scrollIntoView({ block: 'end' })")
                    picture = packed(page.screenshot(animations="disabled", caret="hide"))
                    assert len(picture) <= MOST_BYTES, f"{name} weighs {len(picture)} bytes"
                    (_FOLDER / next(files)).write_bytes(picture)


def packed(png: bytes) -> bytes:
    """Return the very same picture in fewer bytes: its lines deflated as well as can be (RFC 2083, one IDAT chunk)."""
    kinds, at = [], len(_SIGNATURE)
    while at < len(png):
        length = int.from_bytes(png[at : at + 4])
        kinds.append((png[at + 4 : at + 8], png[at + 8 : at + 8 + length]))
        at += length + 12
    lines = zlib.decompress(b"".join(data for kind, data in kinds if kind == b"IDAT"))
    chunks = [(b"IHDR", kinds[0][1]), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b"")]
    return _SIGNATURE + b"".join(
        len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4) for kind, data in chunks
    )


def _files(name: str) -> list[str]:
    return [f"{name}-{width}-{scheme}.png" for width in ("desktop", "phone") for scheme in _SCHEMES]


if __name__ == "__main__":
    main()
