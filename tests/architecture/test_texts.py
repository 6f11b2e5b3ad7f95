"""Every text of the pages goes through gettext, is translated, and can bring no markup of others onto a page."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes
from jinja2.ext import InternationalizationExtension

from broker.translations import LANGUAGES
from tests.architecture.tree import PACKAGE
from tests.support.messages import TEMPLATES, faults_of, kept, wanted

_TRANSLATED = [code for code in LANGUAGES if code != "en"]
_GETTEXT = {"_", "gettext", "ngettext", "lazy_gettext", "lazy_ngettext", "pgettext", "npgettext"}
_LAZY = {"lazy_gettext", "lazy_ngettext"}
_HIDDEN = re.compile(r"<(code|pre|kbd|script|style)\b.*?</\1>|<!--.*?-->|<[^<>]*>|&\w+;|&#\d+;", re.DOTALL)
_SPOKEN = re.compile(r"""\b(?:aria-label|alt|title|placeholder|content)="([^"]*)""")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
# Names that are the same in every language, and parts of attributes that stand in a block of their own.
_NO_TEXTS = {
    "Consent Broker",
    "\N{EN DASH} Consent Broker",
    "width=device-width, initial-scale=1",
    "light dark",
    "UTC",
    "SHA-256",
    "CSV",
    "JSON",
    "narrow",
    "reading",
    'class="is-wide"',
    "sub",
    "kid",
    "jti",
    "client_id",
}


def templates() -> list[Path]:
    return sorted(TEMPLATES.rglob("*.html"))


def parsed(path: Path) -> nodes.Template:
    environment = Environment(extensions=[InternationalizationExtension], autoescape=True)
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined] # the extension adds it
    return environment.parse(path.read_text(encoding="utf-8"))


def computed_texts(path: Path) -> Iterator[str]:
    """The texts that a template chooses or joins outside gettext."""
    tree = parsed(path)
    for chosen in tree.find_all(nodes.CondExpr):
        yield from (one.value for one in (chosen.expr1, chosen.expr2) if isinstance(one, nodes.Const))
    for joined in tree.find_all(nodes.Concat):
        yield from (one.value for one in joined.nodes if isinstance(one, nodes.Const))


def literal_texts(path: Path) -> Iterator[str]:
    """The texts of a template that stand outside gettext: between tags, and in attributes that are read out."""
    whole = "".join(
        node.data if isinstance(node, nodes.TemplateData) else "\x00"
        for output in parsed(path).find_all(nodes.Output)
        for node in output.nodes
    )
    for text in [*_HIDDEN.split(whole), *_SPOKEN.findall(whole)]:
        for part in (text or "").split("\x00"):
            said = " ".join(part.split())
            if (
                _LETTERS.search(said)
                and said not in _NO_TEXTS
                and said not in {"code", "pre", "kbd", "script", "style"}
            ):
                yield said


@pytest.mark.parametrize("code", _TRANSLATED)
def test_every_text_has_its_translation_with_the_same_placeholders_and_markup(code: str) -> None:
    known = kept(code)
    faults = {str(message.id): "not in the file" for message in wanted() if message.id and message.id not in known}
    faults |= {str(message.id): fault for message in known if message.id for fault in faults_of(message)}
    assert faults == {}


@pytest.mark.parametrize("code", _TRANSLATED)
def test_no_translation_is_left_over(code: str) -> None:
    found, known = wanted(), kept(code)
    assert [message.id for message in known if message.id and message.id not in found] == []
    assert list(known.obsolete) == []


def test_a_lost_placeholder_an_empty_text_and_other_markup_are_found() -> None:
    known = kept("es")
    for source, said in (("%(a)s sees", "ve"), ("Stop", ""), ("<strong>No</strong>", "<b>No</b>"), ("a", "%(b)s")):
        assert list(faults_of(known.add(source, said))) != [], source


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_no_text_of_a_template_stands_outside_gettext(path: Path) -> None:
    assert list(literal_texts(path)) == []


def test_a_text_outside_gettext_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text('<p>{{ _("Said") }} and more</p><img alt="a picture"><code>x-y</code>', encoding="utf-8")
    assert sorted(literal_texts(page)) == ["a picture", "and more"]


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_no_text_is_put_together_outside_gettext(path: Path) -> None:
    said = [text for text in computed_texts(path) if isinstance(text, str)]
    assert [text for text in said if " " in text.strip() or text[:1].isupper()] == []


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_a_template_translates_its_own_words_alone(path: Path) -> None:
    """What gettext returns in a template is markup: a name that somebody chose must come as a placeholder."""
    for call in parsed(path).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in _GETTEXT:
            assert call.args, path.name
            assert isinstance(call.args[0], nodes.Const), f"{path.name}:{call.lineno}"


def test_a_late_translation_holds_no_values() -> None:
    """Flask-Babel's late texts say of themselves that they are markup: with a value in them, a name could be some."""
    for path in sorted((PACKAGE / "web").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in _LAZY:
                assert len(call.args) == 1, f"{path.name}:{call.lineno}"
                assert not call.keywords, f"{path.name}:{call.lineno}"
                assert isinstance(call.args[0], ast.Constant), f"{path.name}:{call.lineno}"
