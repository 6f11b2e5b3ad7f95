"""Reads the words of the policies in one more language: `words/<language>.yaml` says the same lists again.

A key that the lists do not know is refused; a text that is missing is said in English, and named.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from broker.errors import ConfigurationInvalid
from broker.policy.catalogue import Catalogue, Category, ForbiddenPurpose, Need, Purpose
from broker.policy.files import Node
from broker.policy.rulebook import PLACE
from broker.policy.vocabulary import Detail, Precision

_VERSION = 1
_Step = TypeVar("_Step", bound=str)


class _Said:
    """One mapping of translations, which may not be there; what it lacks is remembered."""

    def __init__(self, node: Node | None, where: str, missing: list[str]) -> None:
        self._node = node
        self._where = where
        self._missing = missing

    def below(self, key: str, known: Iterable[str] | None) -> "_Said":
        """Return the mapping under a key; it may hold these keys and no other, any if None."""
        child = None
        if self._node is not None and key in self._node.value:
            child = self._node.child(key)
            if known is not None:
                child.only(*known)
        return _Said(child, f"{self._where}.{key}" if self._where else key, self._missing)

    def text(self, key: str, english: str) -> str:
        """Return the text under a key, or the English one."""
        if self._node is None or key not in self._node.value:
            self._missing.append(f"{self._where}.{key}")
            return english
        return self._node.text(key)

    def fail(self, key: str, problem: str) -> ConfigurationInvalid:
        """Make the error that names the place of a text."""
        where = ConfigurationInvalid(f"{self._where}.{key}: {problem}")
        return where if self._node is None else self._node.fail(key, problem)

    def texts(self, key: str, english: Mapping[_Step, str], steps: Iterable[str]) -> dict[_Step, str]:
        """Return the texts of those of the steps that are offered; the others may be said for nothing."""
        said = self.below(key, steps)
        return {step: said.text(step, text) for step, text in english.items()}


class Translation:
    """The lists of the catalogue in the words of one file. `missing` grows as they are read."""

    def __init__(self, root: Node) -> None:
        root.only("version", "categories", "purposes", "forbidden", "rules")
        if root.number("version") != _VERSION:
            raise root.fail("version", f"must be {_VERSION}")
        self.missing: list[str] = []
        self._root = _Said(root, "", self.missing)

    def categories(self, english: Mapping[str, Category], notices: Mapping[str, str]) -> dict[str, Category]:
        """Return the categories, each with its notice in this language or the English one."""
        said = self._root.below("categories", english)
        return {name: self._category(said, category, notices) for name, category in english.items()}

    def purposes(self, english: Mapping[str, Purpose]) -> dict[str, Purpose]:
        """Return the purposes with what each says of its categories."""
        said = self._root.below("purposes", english)
        return {code: _purpose(said, purpose) for code, purpose in english.items()}

    def forbidden(self, english: Mapping[str, ForbiddenPurpose]) -> dict[str, ForbiddenPurpose]:
        """Return the purposes that nobody may name."""
        said = self._root.below("forbidden", english)
        return {code: replace(found, title=said.text(code, found.title)) for code, found in english.items()}

    def rules(self, english: Mapping[str, str]) -> dict[str, str]:
        """Return the reasons of the rules; those of rules that there are no more are said for nothing.

        Raises:
            ConfigurationInvalid: one has a place that the English reason does not fill.
        """
        said = self._root.below("rules", None)
        found = {rule: said.text(rule, words) for rule, words in english.items()}
        for rule, words in found.items():
            if unknown := set(PLACE.findall(words)) - set(PLACE.findall(english[rule])):
                raise said.fail(rule, f"{{{min(unknown)}}} does not stand in the English reason")
        return found

    def _category(self, all_said: _Said, english: Category, notices: Mapping[str, str]) -> Category:
        keys = ("title", "summary", "fields", "detail_titles", "precision_titles", "precision_examples")
        said = all_said.below(english.name, keys)
        labels = said.below("fields", (field.name for field in english.fields))
        if english.name not in notices:
            self.missing.append(f"categories.{english.name}: its notice")
        return replace(
            english,
            title=said.text("title", english.title),
            summary=said.text("summary", english.summary),
            fields=tuple(replace(field, label=labels.text(field.name, field.label)) for field in english.fields),
            notice=notices.get(english.name, english.notice),
            details=said.texts("detail_titles", english.details, Detail),
            precisions=said.texts("precision_titles", english.precisions, Precision),
            precision_examples=said.texts("precision_examples", english.precision_examples, Precision),
        )


def retold(catalogue: Catalogue, rule: str, text: str) -> str | None:
    """Say again in the catalogue's language why a rule refused; None when there are no words for that.

    `text` is the English sentence as it was told or logged then. It is taken apart by the rule's reason of today: when
    that has changed since, the sentence of then stands.
    """
    words = catalogue.words.get(catalogue.language)
    if words is None or rule not in words.rules:
        return None
    english = next(known.words for known in catalogue.engine.rulebook.rules.values() if known.id == rule)
    parts = PLACE.split(english)  # texts and the names of places, in turn
    pattern = "".join(r"(\S+)" if number % 2 else re.escape(part) for number, part in enumerate(parts))
    found = re.fullmatch(pattern, text)
    if found is None:
        return None
    values = dict(zip(parts[1::2], (_title(catalogue, value) for value in found.groups()), strict=True))
    return PLACE.sub(lambda place: values[place[1]], words.rules[rule])


def _title(catalogue: Catalogue, value: str) -> str:
    """Return the title of a category or a purpose for its code; anything else as it is."""
    known = catalogue.categories.get(value) or catalogue.purposes.get(value) or catalogue.forbidden.get(value)
    return value if known is None else f"“{known.title}”"


def _purpose(all_said: _Said, english: Purpose) -> Purpose:
    said = all_said.below(english.code, ("title", "summary", "why"))
    why = said.below("why", english.needs)
    needs = {name: Need(need.is_essential, why.text(name, need.why)) for name, need in english.needs.items()}
    return replace(
        english,
        title=said.text("title", english.title),
        summary=said.text("summary", english.summary),
        needs=needs,
    )
