"""Shapes answers: the envelope of the Consumer Data Standards around minimised records."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from broker.api.paging import Page, Pager
from broker.errors import ReleaseRefused
from broker.policy.minimise import Record
from broker.release import BODY_MAX_BYTES, Missing, Render, Rendered, plain


def _closed() -> ReleaseRefused:
    return ReleaseRefused("The bank no longer has this account.", code="account-closed")


@dataclass(frozen=True, slots=True)
class ListShape:
    """How a list is told: `name` under `data`, the address without query, the query's other parameters."""

    name: str
    url: str
    parameters: Mapping[str, str]


def list_renderer(shape: ListShape, pager: Pager, keep: Callable[[list[Record]], list[Record]]) -> Render:
    """Return what `release` calls to turn minimised records into the bytes of one page."""

    def render(records: list[Record], missing: Missing) -> Rendered:
        kept, size = keep(records), pager.size
        rendered = render_page(pager.cut(kept, size), missing)
        while len(rendered.body) > BODY_MAX_BYTES and size > 1:
            size //= 2  # long texts: the rest stands on the next page
            rendered = render_page(pager.cut(kept, size), missing)
        return rendered

    def render_page(page: Page, missing: Missing) -> Rendered:
        others = {name: value for name, value in shape.parameters.items() if name != "cursor"}
        links = {"self": _url(shape.url, dict(shape.parameters)), "first": _url(shape.url, others)}
        if page.next_cursor is not None:
            links["next"] = _url(shape.url, {**others, "cursor": page.next_cursor})
        data = {shape.name: [plain(record) for record in page.records]}
        body = {"data": data, "links": links, "meta": {"totalRecords": page.total, **_meta(missing)}}
        return Rendered(_bytes(body), len(page.records))

    return render


def one_renderer(url: str, gone: Callable[[], ReleaseRefused] = _closed) -> Render:
    """Return what `release` calls to turn the one minimised record into bytes; `gone` makes what is raised for none."""

    def render(records: list[Record], missing: Missing) -> Rendered:
        if not records:
            raise gone()
        return Rendered(_bytes({"data": plain(records[0]), "links": {"self": url}, "meta": _meta(missing)}), 1)

    return render


def _meta(missing: Missing) -> dict[str, Any]:
    """Say of which accounts there is nothing here, and why; nothing when there is all that was granted."""
    told = [{"accountId": account_id, "code": code} for account_id, code in sorted(missing.items())]
    return {"missingAccounts": told} if told else {}


def _url(url: str, parameters: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(parameters)}" if parameters else url


def _bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
