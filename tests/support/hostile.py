"""What hostile callers send, and what must be true of every answer to it."""

import json
import re
from urllib.parse import urlsplit

from werkzeug.test import TestResponse

from tests.support.edge import BASE
from tests.support.town import CALLBACK, ISSUER

MARKS = ("<xss7", "219359", "uid=0(", "root:x:")
_SCHEMES = ("javascript:", "data:text/html,", "file:///etc/passwd", "http://127.0.0.1:22/", "http://169.254.169.254/")
_PLAIN = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1e9",
        "99999999999999999999",
        "NaN",
        "true",
        "null",
        "[]",
        "{}",
        "[1]",
        '{"a":1}',
        "..",
        "*",
    ),
    *(
        "' OR 1=1--",
        "1; DROP TABLE grants;--",
        "') UNION SELECT 1--",
        '" OR ""="',
        "%' AND 1=1--",
        "\\",
        "`id`",
        "$(id)",
    ),
    *(
        "{{31337*7}}",
        "${31337*7}",
        "<%= 31337*7 %>",
        "#{31337*7}",
        "{% print 31337*7 %}",
        "{{config}}",
        "%s%n",
        "%(a)s",
    ),
    *("<xss7>", '"><xss7 a="', "'-alert(1)-'", "<!--<xss7>-->", "</script><xss7>", "javascript:alert(1)"),
    *("a\r\nX-Injected: 1", "a\nX-Injected: 1", "a%0d%0aX-Injected:%201", "\x00", "a\x00b", "\x1b[2J", "\x7f"),
    *("é", "\u202eabc", "ﬁ", "\U0001f4a3" * 20, "\ufeff", "\ufffd", "İ", "\u0000\u0001", "٣", "Å\u030a" * 50),
    *("../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "/etc/passwd", "C:\\x", "//evil.example", "/\\evil.example"),
    *("https://evil.example/", "https:evil.example", "/%09/evil.example", "http://localhost:8400@evil.example/"),
    *("A" * 300, "9" * 5_000, "a=b&" * 500, "[" * 5_000, '{"a":' * 3_000, "," * 4_000, "% " * 900),
)
CORPUS = (*_PLAIN, *_SCHEMES)
HEADERS = (
    *("Authorization", "DPoP", "Accept", "Accept-Language", "Content-Type", "Content-Encoding", "Cookie", "Origin"),
    *("Referer", "Host", "X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Original-URL", "Forwarded"),
    *("X-HTTP-Method-Override", "x-fapi-interaction-id", "Sec-Fetch-Site", "User-Agent", "Range", "If-None-Match"),
)
_JSON = {"application/json", "application/problem+json"}


def sound(answer: TestResponse) -> None:
    """Assert what holds for every answer: no failure of ours, a code, nothing of theirs unescaped, no way elsewhere."""
    kind = answer.mimetype
    assert answer.status_code < 500 or (answer.status_code == 503 and "bank-unavailable" in answer.text), answer.text
    assert "X-Injected" not in answer.headers
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-fapi-interaction-id"])
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if kind == "text/html":
        assert not [mark for mark in MARKS if mark in answer.text]
    if answer.status_code >= 400:
        assert "Traceback" not in answer.text
        assert "sqlalchemy" not in answer.text.lower()
        told = json.loads(answer.text) if kind in _JSON else {"code": re.search(r"[a-z]+-[a-z-]+", answer.text)}
        assert told.get("code") or told.get("error")
    if 300 <= answer.status_code < 400:
        leads_home(answer.headers["Location"])


def leads_home(location: str) -> None:
    """Assert that a redirect leads to us, to the registered address of a platform or to a bank."""
    parts = urlsplit(location)
    assert not set(location) & set("\r\n\t\\ "), location
    if parts.scheme or parts.netloc or location.startswith("//"):
        assert location.startswith((f"{BASE}/", CALLBACK, f"{ISSUER}/")), location
    else:
        assert location.startswith("/"), location
