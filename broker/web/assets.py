"""Static files: compressed, and kept by browsers for a year under an address that names their content.

Pages are never compressed: a page holds secrets (the token of its forms, a person's data) next to what an address
made it say, and the length of both, compressed together, would tell of the one by the other (BREACH). Static files
hold none.
"""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, Response, request
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join
from werkzeug.wrappers import Response as AnyResponse

BUNDLES = {"broker.css": tuple(f"css/{part}.css" for part in ("tokens", "base", "forms", "cards", "lists", "print"))}
"""Files that are made of others: one style sheet for every page. A page may bring one more of its own."""

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""What is served at all, and as what: a file of another kind is none of ours. All of it shrinks."""

_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it goes over the wire."""

    content: bytes
    compressed: bytes
    digest: str
    kind: str


def install(app: Flask) -> None:
    """Serve the application's static files, and let templates write `asset("broker.css")`."""
    folder = Path(app.static_folder or "")

    def serve(filename: str) -> AnyResponse:
        return _answer(_found(folder, filename))

    def address(filename: str) -> str:
        return f"/static/{filename}?{urlencode({'v': _found(folder, filename).digest})}"

    app.view_functions["static"] = serve
    app.jinja_env.globals["asset"] = address


def _answer(asset: Asset) -> AnyResponse:
    takes_gzip = request.accept_encodings["gzip"] > 0
    response = Response(asset.compressed if takes_gzip else asset.content)
    response.headers["Content-Type"] = asset.kind
    if takes_gzip:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    response.set_etag(f"{asset.digest}-{'gzip' if takes_gzip else 'plain'}")
    # An address that names another content is one of another version of the broker: this answer is not for keeping.
    response.headers["Cache-Control"] = _FOR_EVER if request.args.get("v") == asset.digest else _ASK_AGAIN
    return response.make_conditional(request)


def _found(folder: Path, name: str) -> Asset:
    paths = [safe_join(str(folder), part) for part in BUNDLES.get(name, (name,))]
    kind = _TYPES.get(Path(name).suffix)
    if kind is None or not all(path is not None and Path(path).is_file() for path in paths):
        raise NotFound
    return _loaded(tuple(path for path in paths if path is not None), kind)


@cache
def _loaded(paths: tuple[str, ...], kind: str) -> Asset:
    content = b"".join(Path(path).read_bytes() for path in paths)
    # Without a time in it: every process sends the same bytes.
    compressed = gzip.compress(content, compresslevel=9, mtime=0)
    return Asset(content, compressed, hashlib.sha256(content).hexdigest()[:16], kind)
