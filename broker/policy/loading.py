"""Builds the catalogue out of the policy files and refuses the first mistake with its file (fail closed)."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from broker.errors import ConfigurationInvalid
from broker.policy.budgets import budgets
from broker.policy.catalogue import Catalogue, Words
from broker.policy.cedar import Engine
from broker.policy.entries import bank_facts, categories, purposes
from broker.policy.files import read_folder, read_yaml
from broker.policy.rulebook import read_rules
from broker.policy.spoken import Translation

_NOTICES = "notices/"
_NOTICE = re.compile(r"(?P<category>[a-z_]+)\.(?P<language>[a-z]{2})\.v(?P<version>[1-9][0-9]*)\.md")
_WORDS = re.compile(r"words/(?P<language>[a-z]{2})\.yaml")
_BANK = re.compile(r"banks/(?P<bank>[^/]+)\.yaml")


def load_catalogue(folder: Path, *, language: str = "en") -> Catalogue:
    """Read all policy files of a folder.

    Raises:
        ConfigurationInvalid: a file is missing, unreadable, not YAML, or says something the broker does not understand.
    """
    return _catalogue(tuple(read_folder(folder).items()), language)


@lru_cache(maxsize=1)
def _catalogue(files: tuple[tuple[str, bytes], ...], language: str) -> Catalogue:
    """Judge contents once in a process and those that come from it: each worker of a broker reads the same ones."""
    contents = dict(files)
    notices, notice_version = _notices(contents, language)
    known = categories(read_yaml(contents, "categories.yaml"), notices)
    allowed, forbidden = purposes(read_yaml(contents, "purposes.yaml"), known)
    banks = {bank: bank_facts(read_yaml(contents, name), bank, known, allowed) for name, bank in _banks(contents)}
    found = Catalogue(
        digest=_digest(contents.items()),
        categories=known,
        purposes=allowed,
        forbidden=forbidden,
        banks=banks,
        harvest=budgets(read_yaml(contents, "harvest.yaml")),
        notice_digest=_notice_digest(notices),
        notice_version=notice_version,
        engine=Engine(read_rules(contents)),
        language=language,
    )
    return replace(found, words={code: _words(contents, code, found) for code in _languages(contents, language)})


def _languages(contents: Iterable[str], source: str) -> Iterator[str]:
    for name in contents:
        if not name.startswith("words/"):
            continue
        match = _WORDS.fullmatch(name)
        if match is None or match["language"] == source:
            raise ConfigurationInvalid(
                f"{name}: must be named words/<language>.yaml, after a language other than {source}"
            )
        yield match["language"]


def _words(contents: Mapping[str, bytes], code: str, english: Catalogue) -> Words:
    """Read one more language. The digest is over the notices as they are shown, English ones among them."""
    translation, (notices, version) = Translation(read_yaml(contents, f"words/{code}.yaml")), _newest(contents, code)
    spoken, rules = translation.categories(english.categories, notices), english.engine.rulebook.rules.values()
    return Words(
        categories=spoken,
        purposes=translation.purposes(english.purposes),
        forbidden=translation.forbidden(english.forbidden),
        rules=translation.rules({rule.id: rule.words for rule in rules if rule.words}),
        notice_digest=_notice_digest({name: category.notice for name, category in spoken.items()}),
        notice_version=version,
        missing=tuple(translation.missing),
    )


def _banks(contents: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in contents:
        if match := _BANK.fullmatch(name):
            yield name, match["bank"]


def _notices(contents: Mapping[str, bytes], language: str) -> tuple[dict[str, str], int]:
    found, version = _newest(contents, language)
    if not found:
        raise ConfigurationInvalid(f"{_NOTICES}: no notice in language {language}")
    return found, version


def _newest(contents: Mapping[str, bytes], language: str) -> tuple[dict[str, str], int]:
    """Return the newest notice of each category in one language, and the highest version among them, 0 for none."""
    newest: dict[str, tuple[int, str]] = {}
    for name in contents:
        if not name.startswith(_NOTICES):
            continue
        match = _NOTICE.fullmatch(name.removeprefix(_NOTICES))
        if match is None:
            raise ConfigurationInvalid(f"{name}: must be named <category>.<language>.v<N>.md")
        version = int(match["version"])
        if match["language"] == language and version > newest.get(match["category"], (0, ""))[0]:
            newest[match["category"]] = (version, _notice(name, contents[name]))
    versions = [version for version, _ in newest.values()]
    return {name: text for name, (_, text) in newest.items()}, max(versions, default=0)


def _notice(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(f"{name}: is not UTF-8 text") from error


def _notice_digest(notices: Mapping[str, str]) -> str:
    return _digest((name, text.encode()) for name, text in sorted(notices.items()))


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    """Hash names and contents with their lengths, so that nothing can move between two files unseen."""
    total = hashlib.sha256()
    for name, content in parts:
        for piece in (name.encode(), content):
            total.update(len(piece).to_bytes(8, "big"))
            total.update(piece)
    return total.hexdigest()
