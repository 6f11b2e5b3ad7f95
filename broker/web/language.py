"""In which language a page is written: what the person chose, else what the browser asks for, else English."""

import re
from typing import Any

from babel.support import NullTranslations
from flask import Blueprint, Flask, Response, current_app, has_request_context, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel, Domain
from marshmallow import fields
from marshmallow.validate import OneOf
from werkzeug.wrappers import Response as AnyResponse

from broker.edge.answers import see_other
from broker.edge.services import services
from broker.edge.visitor import visitor
from broker.edge.wording import language as current
from broker.edge.wording import spoken
from broker.notices.addresses import keep_language
from broker.translations import LANGUAGES, SOURCE, Language, messages
from broker.web import directions
from broker.web.forms import Form, parsed

_YEAR_S = 365 * 86_400
_LONGEST_PATH = 2_000
_HOME = "/"
_PRIMARY = re.compile("[-_]")
_OWN_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]*")  # printable ASCII without a backslash, which browsers read as a slash

__all__ = [
    "LANGUAGES",
    "Language",
    "blueprint",
    "chosen",
    "here",
    "install",
    "messages",
    "own_path",
    "spoken",
    "switched",
]

blueprint = Blueprint("language", __name__)


class _Choice(Form):
    language = fields.String(required=True, validate=OneOf([*LANGUAGES]))
    next = fields.String(load_default=_HOME)


class _Messages(Domain):
    """The texts of the pages, read from the files that translators edit: nothing has to be compiled."""

    def get_translations(self) -> NullTranslations:
        """Return the texts in the language of this request; outside one, those of the source."""
        return messages(current())


def chosen() -> str:
    """Return the code of this request's language. What is not on the list counts as if it were not there."""
    if not has_request_context():
        return SOURCE
    kept = request.cookies.get(_cookie_name())
    if kept is not None and kept in LANGUAGES:
        return kept
    # Werkzeug's own match takes `en` out of `es-MX, en;q=0.5`: it looks for the whole tag first.
    asked = (_PRIMARY.split(tag, maxsplit=1)[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((code for code in asked if code in LANGUAGES), SOURCE)


def install(app: Flask) -> None:
    """Let every page of an application be written in the language of who asks.

    A catalogue that cannot be read stops the start, not a page.
    """
    app.jinja_env.policies["ext.i18n.trimmed"] = True
    babel = Babel(app, locale_selector=lambda: LANGUAGES[chosen()].locale)  # type: ignore[no-untyped-call] # Flask-Babel
    babel.domain_instance = _Messages()  # type: ignore[no-untyped-call] # Flask-Babel
    directions.install(app)
    app.after_request(_label)
    for code in LANGUAGES:
        messages(code)


@blueprint.app_context_processor
def page_facts() -> dict[str, Any]:
    """Give every page its language, the others, and where to come back to."""
    return {"language": current(), "languages": LANGUAGES.values(), "here": here}


@blueprint.post("/language")
def choose() -> ResponseReturnValue:
    """Keep the language that somebody chose and lead back to where they were."""
    form = parsed(_Choice(), request.form)
    return switched(form["language"], own_path(form["next"]))


def switched(code: str, path: str) -> AnyResponse:
    """Keep a language, one of the list, and lead on to a path of ours."""
    _remember(code)
    response = see_other(path)
    is_secure = services().settings.is_secure
    response.set_cookie(
        _cookie_name(), code, max_age=_YEAR_S, path="/", httponly=True, secure=is_secure, samesite="Lax"
    )
    return response


def _remember(code: str) -> None:
    """Let mails to a person who is signed in be written in the language that they chose."""
    who = visitor()
    if who is not None and who.role is None:
        with services().database.write() as session:
            keep_language(session, who.user_id, code)


def here() -> str:
    """Return the address of this page, to come back to; the front page's where it cannot be opened again.

    A form that was sent answers at an address of its own, which may know no GET.
    """
    if request.method in {"GET", "HEAD"}:
        return own_path(request.full_path.rstrip("?"))
    sent_to = request.url_rule.rule if request.url_rule else ""
    opened = {rule.rule for rule in current_app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    return own_path(request.path) if sent_to in opened else _HOME


def own_path(path: str) -> str:
    """Return a path of this site as it is, and the front page for whatever could lead to another site."""
    return path if len(path) <= _LONGEST_PATH and _OWN_PATH.fullmatch(path) else _HOME


def _cookie_name() -> str:
    """Return the cookie's name. It says `broker`, because in a sandbox all parties share one host."""
    return "__Host-broker_language" if services().settings.is_secure else "broker_language"


def _label(response: Response) -> Response:
    """Say of a page in which language it is, and by what that was decided."""
    if response.mimetype == "text/html":
        response.headers["Content-Language"] = current()
        response.vary.update(["Accept-Language", "Cookie"])
    return response
