"""Shapes answers: the envelope of the Consumer Data Standards around minimised records."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from broker.api.paging import Page, Pager
from broker.errors import ReleaseRefused
from broker.policy.minimise import Record
from broker.release import BODY_MAX_BYTES, Rendered, plain


@dataclass(frozen=True, slots=True)
class ListShape:
    """How a list is told: `name` under `data`, the address without query, the query's other parameters."""

    name: str
    url: str
    parameters: Mapping[str, str]


def list_renderer(
    shape: ListShape, pager: Pager, keep: Callable[[list[Record]], list[Record]]
) -> Callable[[list[Record]], Rendered]:
    """Return what `release` calls to turn minimised records into the bytes of one page."""

    def render(records: list[Record]) -> Rendered:
        kept, size = keep(records), pager.size
        rendered = render_page(pager.cut(kept, size))
        while len(rendered.body) > BODY_MAX_BYTES and size > 1:
            size //= 2  # long texts: the rest stands on the next page
            rendered = render_page(pager.cut(kept, size))
        return rendered

    def render_page(page: Page) -> Rendered:
        others = {name: value for name, value in shape.parameters.items() if name != "cursor"}
        links = {"self": _url(shape.url, dict(shape.parameters)), "first": _url(shape.url, others)}
        if page.next_cursor is not None:
            links["next"] = _url(shape.url, {**others, "cursor": page.next_cursor})
        data = {shape.name: [plain(record) for record in page.records]}
        body = {"data": data, "links": links, "meta": {"totalRecords": page.total}}
        return Rendered(_bytes(body), len(page.records))

    return render


def one_renderer(url: str) -> Callable[[list[Record]], Rendered]:
    """Return what `release` calls to turn the one minimised record into bytes."""

    def render(records: list[Record]) -> Rendered:
        if not records:
            raise ReleaseRefused("The bank no longer lists this account.", code="account-closed")
        return Rendered(_bytes({"data": plain(records[0]), "links": {"self": url}, "meta": {}}), 1)

    return render


def _url(url: str, parameters: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(parameters)}" if parameters else url


def _bytes(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
