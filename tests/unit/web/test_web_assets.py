"""Static files: compressed, kept for ever under the digest of their content, and never a page among them."""

import gzip
import re

from web_world import World


def address_in(page: str, name: str) -> str:
    found = re.search(rf'"(/static/{re.escape(name)}\?v=[0-9a-f]{{16}})"', page)
    assert found is not None, page[:800]
    return found[1]


def test_the_address_of_a_static_file_names_its_content_and_the_answer_is_kept(world: World) -> None:
    browser = world.browser()
    address = address_in(browser.get("/").text, "broker.css")
    answer = browser.get(address)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert ":root" in answer.text
    assert "@media print" in answer.text


def test_an_address_without_the_digest_or_with_another_is_asked_again_each_time(world: World) -> None:
    browser = world.browser()
    for address in ("/static/broker.css", "/static/broker.css?v=0123456789abcdef"):
        answer = browser.get(address)
        assert answer.headers["Cache-Control"] == "no-cache"
        again = browser.get(address, **{"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


def test_static_files_are_compressed_for_who_takes_it_and_pages_never(world: World) -> None:
    browser = world.browser()
    asking = {"Accept-Encoding": "gzip, deflate, br"}
    packed, plain = browser.get("/static/broker.css", **asking), browser.get("/static/broker.css")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) * 3 < len(plain.data)
    assert packed.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]
    refused = browser.get("/static/broker.css", **{"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers
    assert "Content-Encoding" not in browser.get("/", **asking).headers


def test_what_is_no_static_file_is_not_found(world: World) -> None:
    browser = world.browser()
    for path in ("css", "css/none.css", "../app.py", "%2e%2e/app.py", "..%2fassets.py", "css/../../assets.py", "x.py"):
        assert browser.get(f"/static/{path}").status_code == 404, path
