"""Forms of one registered redirect URI that look like it and are not it: what peers have taken for the same."""

from collections.abc import Iterator
from urllib.parse import quote

REGISTERED = "https://app.example.com:8443/oauth/callback?tenant=a%2Fb&lang=en"
"""With a port, two path segments, an escape and two parameters: every part can be tampered with."""

_SCHEME, _HOST, _PORT = "https://", "app.example.com", ":8443"
_PATH, _QUERY = "/oauth/callback", "?tenant=a%2Fb&lang=en"
_EVIL = "evil.example"
_REST = f"{_PORT}{_PATH}{_QUERY}"
_ORIGIN = f"{_SCHEME}{_HOST}{_PORT}"

_HOSTS = """
APP.example.com App.Example.Com app.example.com. app.example.com.. .app.example.com example.com www.app.example.com
app.example.co app.example.comm aapp.example.com pp.example.com *.example.com app-example.com
app.example.com.evil.example evil.example.app.example.com app.examplecom app..example.com app%2eexample%2ecom
%61pp.example.com app.example.com%00 app.example.com%20 app.example.com%2e app.example.com%0a app.example.com%09
app_example.com app.example.com; app.example.com,evil.example localhost 127.0.0.1 127.1 2130706433 0x7f000001
0177.0.0.1 0 0.0.0.0 127.0.0.1.nip.io [::1] [::ffff:127.0.0.1] [::] [0:0:0:0:0:0:0:1] [fe80::1%25lo]
[app.example.com] [ ] [] 169.254.169.254 10.0.0.1 1.1 xn--pp-eka.example.com xn--app-.example.com
app.example.xn--com \u0430pp.example.com app.\u0435xample.com \uff41pp.example.com app\u3002example\u3002com
app\uff0eexample.com app.example.c\xf6m \xe4pp.example.com app.example\u2024com a\xadpp.example.com
app.exam\u200bple.com app.example.com\u2044evil app.example.com\uff0f app.example.com\uff20evil.example
\u24d0pp.example.com app.example.com\\evil.example app.example.com#evil app.example.com?evil app.example.com/evil
"""
_PATHS = """
/ // /oauth /oauth/ /callback /oauth/callback/ //oauth/callback /oauth//callback /oauth/callback// /OAuth/callback
/oauth/Callback /oauth/callbac /oauth/callbackk /oauth/callback. /oauth/callback.html /oauth/callback;
/oauth/callback;x=1 /oauth/callback;jsessionid=1 /oauth/callback%20 /./oauth/callback /oauth/./callback
/oauth/callback/. /oauth/../oauth/callback /x/../oauth/callback /oauth/callback/.. /oauth/callback/../evil
/oauth/callback/../../evil /oauth/x/../callback /../oauth/callback /oauth/..;/oauth/callback /..;/oauth/callback
/oauth/callback/..;/ /oauth/callback/..;/evil /oauth/.;/callback /oauth/%2e/callback /oauth/%2e%2e/oauth/callback
/oauth/callback/%2e%2e/evil /oauth/%2E%2E/oauth/callback /oauth/callback/%2e%2e%2fevil /oauth/callback%2f..%2fevil
/oauth/callback/..%2fevil /oauth/callback/.%2e/evil /oauth/callback/%252e%252e/evil /oauth/callback/..%252fevil
/oauth/callback/..%c0%afevil /oauth/callback/..%5cevil /oauth\\callback \\oauth\\callback /oauth/callback\\
/oauth/callback\\..\\evil /oauth%5ccallback /oauth%2fcallback /oauth%2Fcallback %2foauth/callback /%6fauth/callback
/oauth/c%61llback /oauth/%63allback /oauth/callback%00 /oauth/callback%00.evil /oauth/callback%0d%0aX-Injected:1
/oauth/callback%09 /oauth/callback%23 /oauth/callback%3f /oauth/callback+ /oauth/callback* /oauth/* /*
/oauth/callback/* /oauth/callback$ /oauth/callback! /oauth/callback~ /oauth/callback' /oauth/callback(1)
/oauth/callback| /oauth/callback^ /oauth/callback/evil /oauth/callbackevil /evil /evil/oauth/callback
/oauth/callback@evil.example /@evil.example /oauth/c\u0430llback /oauth/callb\xe4ck /\uff4fauth/callback
/oauth\u2215callback /oauth/callback\u200b
"""
_QUERIES = """
? ?tenant=a%2Fb ?lang=en ?lang=en&tenant=a%2Fb ?tenant=a/b&lang=en ?tenant=a%2fb&lang=en ?tenant=a%252Fb&lang=en
?tenant=a%2Fb&lang=en& ?&tenant=a%2Fb&lang=en ?tenant=a%2Fb&&lang=en ??tenant=a%2Fb&lang=en ?tenant=a%2Fb;lang=en
?tenant=a%2Fb&amp;lang=en ?tenant=a%2Fb&lang=EN ?Tenant=a%2Fb&lang=en ?tenant=a%2Fb&lang=en#
?tenant=a%2Fb&lang=en&code=stolen ?tenant=a%2Fb&lang=en&state=x ?tenant=a%2Fb&lang=en&lang=en ?tenant=a%2Fb&lang
?tenant=a%2Fb&lang= ?tenant=a%2Fb&lang=en%20 ?tenant=a%2Fb&lang=en+ ?tenant=a%2Fb&lang=%65n ?ten%61nt=a%2Fb&lang=en
?tenant=a%2Fb&lang=en? ?tenant=a%2Fb&lang=en/ ?tenant=a%2Fb&lang=en\\ ?tenant=a%2Fb&lang[]=en
?tenant=a%2Fb%26lang=en ?next=https://evil.example ?tenant=a%2Fb&lang=en&next=//evil.example ?tenant=b&lang=en
?tenant=a%2Fb&lang=en%00
"""


def _schemes() -> Iterator[str]:
    rest = REGISTERED.removeprefix("https:")
    for scheme in ("http", "HTTPS", "Https", "hTTps", "httpss", "ttps", "ftp", "ws", "wss", "file", "data", "blob"):
        yield f"{scheme}:{rest}"
    for scheme in ("view-source:https", "https:https", "url:https", "feed:https", "intent", "app.example.com"):
        yield f"{scheme}:{rest}"
    yield from (rest, rest.removeprefix("//"), rest.removeprefix("/"), f"://{rest[2:]}", f":{rest}")
    yield from (f"https:{rest[2:]}", f"https:/{rest[2:]}", f"https:///{rest[2:]}", f"https:////{rest[2:]}")
    yield from (f"https:\\\\{rest[2:]}", f"https:/\\{rest[2:]}", f"https:\\/{rest[2:]}", f"https;{rest}")
    for script in ("javascript:alert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)", "vbscript:x", "data:,x"):
        yield script
        yield f"{script}//{REGISTERED}"
    yield f"javascript://{_HOST}{_PORT}/%0aalert(1)"
    yield f"data:text/html;base64,PHNjcmlwdD4={REGISTERED}"


def _users() -> Iterator[str]:
    for user in ("user", "user:pass", ":", "", _EVIL, f"{_EVIL}:443", f"{_EVIL}%2f", "a@b", f"{_EVIL}@{_EVIL}", "%40"):
        yield f"{_SCHEME}{user}@{_HOST}{_REST}"
    for user in (
        _HOST,
        f"{_HOST}{_PORT}",
        f"{_HOST}%3A8443",
        f"x@{_HOST}",
        f"{_HOST}{_PORT}@x",
        f"{_HOST}%40",
        "a:b@c:d",
    ):
        yield f"{_SCHEME}{user}@{_EVIL}{_PATH}{_QUERY}"
        yield f"{_SCHEME}{_EVIL}{_PATH}{_QUERY}#@{user}"
    for cut in ("#", "?", "/", "\\", ";", "%23", "%3f", "%2f", "%5c", "&", "\t", " "):
        yield f"{_SCHEME}{_EVIL}{cut}@{_HOST}{_REST}"
        yield f"{_SCHEME}{_HOST}{_PORT}{cut}@{_EVIL}{_PATH}"


def _hosts() -> Iterator[str]:
    yield from (f"{_SCHEME}{name}{_REST}" for name in _HOSTS.split())
    yield from (f"{_SCHEME}{_EVIL}/{REGISTERED}", f"{_SCHEME}{_EVIL}?{REGISTERED}", f"{_SCHEME}{_EVIL}#{REGISTERED}")
    yield from (f"{_SCHEME}{_EVIL}", f"{_SCHEME}{_EVIL}{_PATH}{_QUERY}", f"//{_EVIL}", f"/\\{_EVIL}", f"\\\\{_EVIL}")


def _ports() -> Iterator[str]:
    ports = ("", ":", ":443", ":80", ":8442", ":8444", ":08443", ":84430", ":65536", ":99999999999", ":-8443", ":+8443")
    for port in (
        *ports,
        ":0",
        ":8443:443",
        ":8443:8443",
        ":844\uff13",
        ":%38443",
        ": 8443",
        ":8443 ",
        ":x",
        "8443",
        ":8443.",
    ):
        yield f"{_SCHEME}{_HOST}{port}{_PATH}{_QUERY}"


def _paths() -> Iterator[str]:
    yield from (f"{_ORIGIN}{path}{_QUERY}" for path in ("", *_PATHS.split()))


def _queries() -> Iterator[str]:
    yield from (f"{_ORIGIN}{_PATH}{query}" for query in ("", *_QUERIES.split()))
    for fragment in ("", "x", "/", "@evil.example", f"//{_EVIL}", "code=x", "%23", "!", "?x"):
        yield f"{REGISTERED}#{fragment}"


def _spaces() -> Iterator[str]:
    for character in (
        "\x00",
        "\t",
        "\n",
        "\r",
        "\r\n",
        " ",
        "\x0b",
        "\x0c",
        "\x1b",
        "\x7f",
        "\x85",
        "\xa0",
        "\u2028",
        "\u202e",
        "\ufeff",
    ):
        yield f"{character}{REGISTERED}"
        yield f"{REGISTERED}{character}"
        yield REGISTERED.replace("app.", f"app.{character}")
        yield REGISTERED.replace("https", f"htt{character}ps")
    yield f"{REGISTERED}\r\nLocation: https://{_EVIL}"
    yield f"{REGISTERED}%0d%0aLocation:%20https://{_EVIL}"


def _lists() -> Iterator[str]:
    for separator in (" ", ",", ";", "|", "\n", "\t", "&redirect_uri="):
        yield f"{REGISTERED}{separator}https://{_EVIL}"
        yield f"https://{_EVIL}{separator}{REGISTERED}"
    yield from (f'"{REGISTERED}"', f"'{REGISTERED}'", f"<{REGISTERED}>", f"[{REGISTERED}]", f'["{REGISTERED}"]')
    yield from (quote(REGISTERED), quote(REGISTERED, safe=""), REGISTERED.upper(), REGISTERED * 2, REGISTERED[:-1])
    yield from (REGISTERED[1:], f"{REGISTERED}{'x' * 3000}", f"{_ORIGIN}/{'a/../' * 500}{_PATH[1:]}{_QUERY}")
    yield from (
        "",
        " ",
        ".",
        "*",
        "null",
        "undefined",
        "about:blank",
        "urn:ietf:wg:oauth:2.0:oob",
        "com.example.app:/cb",
        "/",
    )


def forms() -> tuple[str, ...]:
    """Return every form once, in one order; the registered URI itself is not among them."""
    parts = (_schemes, _users, _hosts, _ports, _paths, _queries, _spaces, _lists)
    found = dict.fromkeys(uri for part in parts for uri in part())
    if REGISTERED in found:
        raise ValueError("the registered URI is no false form of itself")
    return tuple(found)
