"""The texts of the pages: found in the templates and the product, compared with what is translated.

`python -m tests.support.messages` brings the files of the translators up to date: new texts are added without a
translation, texts that are gone are dropped. Nothing is guessed: no translation is ever fuzzy.
"""

import ast
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po
from werkzeug.exceptions import default_exceptions

from broker import errors
from broker.edge import problems
from broker.errors import BrokerError
from broker.translations import LANGUAGES
from tests.architecture.tree import PACKAGE

TEMPLATES = PACKAGE / "web" / "templates"
_TRANSLATIONS = PACKAGE / "translations"
_PLACEHOLDER = re.compile(r"%\((\w+)\)[a-z]|%[^(]")
_TAG = re.compile(r"</?\w+[^>]*>")
_KEYWORDS = dict.fromkeys(("_", "gettext", "lazy_gettext", "marked")) | dict.fromkeys(
    ("ngettext", "lazy_ngettext"), (1, 2)
)
_SPEAKING = ("web", "edge", "notices")
# Where an error is raised that a person can come to see on a page; programs are answered in English.
_PAGES = (
    "web",
    "edge/gates.py",
    "edge/problems.py",
    "grants",
    "users",
    "switches",
    "notices/addresses.py",
    "banks/facts.py",
    "audit/sequencer.py",
    "policy/rules.py",
    "release",
)
_ERRORS = {
    name for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, BrokerError)
} - {"ProofRefused", "ProofNonceNeeded", "TokenRefused", "CredentialRefused", "ScopeMissing", "ReleaseRefused"}


@dataclass(frozen=True, slots=True)
class Text:
    """One text with its plural, empty for none, and the file where it stands."""

    singular: str
    plural: str
    file: str


def texts() -> Iterator[Text]:
    """Find every text that a person may read on a page."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        yield from _extracted("jinja2.ext:babel_extract", path)
    for path in sorted(path for folder in _SPEAKING for path in (PACKAGE / folder).rglob("*.py")):
        yield from _extracted("python", path)
    yield from _of_errors()


def wanted() -> Catalog:
    """Return all texts as a catalogue without translations."""
    found = Catalog(charset="utf-8")
    for text in texts():
        found.add((text.singular, text.plural) if text.plural else text.singular, locations=[(text.file, 0)])
    return found


def kept(code: str) -> Catalog:
    """Return the translations of one language as they stand in the repository."""
    with _file(code).open("rb") as file:
        return read_po(file, locale=code, abort_invalid=True)


def faults_of(message: Message) -> Iterator[str]:
    """Name what is wrong about one translation: missing, fuzzy, other placeholders, other markup."""
    said = message.string if isinstance(message.string, tuple) else (message.string,)
    ids = message.id if isinstance(message.id, tuple) else (message.id,)
    if message.fuzzy:
        yield "fuzzy"
    if not all(said) or len(said) != len(ids):
        yield "not translated"
        return
    for form, source in zip(said, (ids[0], ids[-1]), strict=False):
        if isinstance(message.id, str) and sorted(_places(form)) != sorted(_places(source)):
            yield "other placeholders"
        if not set(_places(form)) <= set(_places(ids[-1])) | set(_places(ids[0])):
            yield "other placeholders"
        if sorted(_TAG.findall(form)) != sorted(_TAG.findall(source)):
            yield "other markup"


def _places(text: str) -> list[str]:
    return [found.group() for found in _PLACEHOLDER.finditer(text)]


def _extracted(method: str, path: Path) -> Iterator[Text]:
    options = {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}
    found = extract_from_file(method, path, keywords=_KEYWORDS, options=options if "jinja" in method else None)
    for _line, said, _comments, _context in found:
        singular, plural = said if isinstance(said, tuple) else (said, "")
        if singular:
            yield Text(singular, plural, path.relative_to(PACKAGE).as_posix())


def _of_errors() -> Iterator[Text]:
    """Find the sentences of errors: they are written in English where they are raised, and translated on the page."""
    for status in problems._HTTP:
        yield Text(default_exceptions[status]().name.capitalize(), "", "edge/problems.py")
    for path in (PACKAGE / "errors.py", *_raising()):
        file, tree = path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            for said in _sentences(node):
                yield Text(said, "", file)


def _raising() -> Iterator[Path]:
    for place in _PAGES:
        path = PACKAGE / place
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _sentences(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.ClassDef) and node.name in _ERRORS:
        yield from (_constant(line.value) for line in node.body if _assigns(line, "detail"))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ERRORS:
        yield from filter(None, map(_constant, node.args[:1]))
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Reason":
        yield from filter(None, map(_constant, node.args[2:3]))
    elif _assigns(node, "_UNUSABLE"):
        yield _constant(node.value)
    elif _assigns(node, "TABLE") or _assigns(node, "_HTTP") or _assigns(node, "_HTTP_OTHER"):
        yield from (text for text in map(_constant, ast.walk(node.value)) if " " in text or text[:1].isupper())


def _assigns(node: ast.AST, name: str) -> bool:
    target = node.target if isinstance(node, ast.AnnAssign) else None
    if isinstance(node, ast.Assign):
        target = node.targets[0]
    return isinstance(target, ast.Name) and target.id == name


def _constant(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _file(code: str) -> Path:
    return _TRANSLATIONS / code / "LC_MESSAGES" / "messages.po"


def update(code: str) -> None:
    """Bring one file up to date with the texts of today, sorted by text; its head stays as it is."""
    known, found, written = kept(code), wanted(), io.BytesIO()
    for message in found:
        if message.id and (before := known.get(message.id)) is not None:
            message.string = before.string
    write_po(written, found, width=120, sort_output=True, no_location=True, omit_header=True)
    head = _file(code).read_text(encoding="utf-8").split("\n\n", 1)[0]
    _file(code).write_text(f"{head}\n\n{written.getvalue().decode().strip()}\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    for language in LANGUAGES:
        if _file(language).exists():
            update(language)
