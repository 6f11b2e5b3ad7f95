"""The pages of ours to which a sign-in leads back: a closed list, so that a link never leads to another site.

And the way on from a page that says what failed.
"""

import re
from typing import cast

from flask import g, request

_UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PAGES = (
    f"/my-sharing(?:/banks|/confirm|/{_UUID}(?:/renew|/narrow)?)?",
    "/history(?:/charts|/map)?",
    "/history/entries/[a-z0-9-]{1,64}/[a-z0-9-]{1,40}/[0-9]{1,12}",
    "/account(?:/close|/inbox|/notices|/notices/confirm|/passkeys/new)?",
    f"/consent/{_UUID}(?:/receipt)?",
)
_PAGE = re.compile("|".join(_PAGES))


def leads_back(path: str) -> bool:
    """Say whether the path is one of these pages, to the last character."""
    return _PAGE.fullmatch(path) is not None


def keep_way_on(path: str) -> None:
    """Say where this visitor tries again if this request fails: its own address may work only once, or only by POST."""
    g.way_on = path


def way_on() -> str:
    """Return where the visitor tries again: what was kept, else the same address."""
    return cast("str", g.get("way_on", request.path))
