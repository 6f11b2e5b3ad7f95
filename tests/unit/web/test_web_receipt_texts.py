"""The scripts that check a receipt say nothing that the page does not bring along in its own language."""

import re

from broker.web.language import LANGUAGES
from broker.web.receipt_texts import _TEXTS
from tests.architecture.tree import PACKAGE
from tests.support.messages import kept

_SCRIPTS = ("verify-receipt.js", "receipt.js", "disclosure.js")
_SAID = re.compile(
    r"""(?:\bsaid\(|Unverifiable\(\s*"[a-z-]+",\s*|\bdetail(?::|\s=)\s*|^\s{4}\[)"([^"]+)\"""", re.MULTILINE
)
_UNSAID = re.compile(r"""element\("(?:p|h2|li|dt|dd)", (?:\[\s*)?["`]""")


def said_by_scripts(source: str) -> set[str]:
    return set(_SAID.findall(source))


def sources() -> str:
    return "\n".join((PACKAGE / "web" / "static" / name).read_text(encoding="utf-8") for name in _SCRIPTS)


def test_each_text_of_the_scripts_is_brought_along_by_the_page_and_no_other() -> None:
    assert said_by_scripts(sources()) == set(_TEXTS)
    assert len(_TEXTS) > 40


def test_no_element_of_the_verdict_is_made_of_a_text_past_the_page() -> None:
    assert _UNSAID.findall(sources()) == []


def test_a_text_that_the_page_does_not_bring_along_would_be_found() -> None:
    assert said_by_scripts('element("p", said("Something new."))') - set(_TEXTS) == {"Something new."}
    assert _UNSAID.findall('element("h2", "Verified")') != []


def test_a_translation_keeps_the_places_of_its_text() -> None:
    for code in LANGUAGES:
        if code != "en":
            told = {message.id: message.string for message in kept(code)}
            differing = [text for text in _TEXTS if _places(str(told[text])) != _places(text)]
            assert differing == []


def _places(text: str) -> list[str]:
    return sorted(re.findall(r"\{\w+\}", text))
