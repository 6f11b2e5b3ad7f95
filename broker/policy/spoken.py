"""Reads the words of the policies in one more language: `words/<language>.yaml` says the same lists again.

A key that the lists do not know is refused; a text that is missing is said in English, and named.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from broker.policy.catalogue import Category, ForbiddenPurpose, Need, Purpose
from broker.policy.files import Node

_VERSION = 1
_Step = TypeVar("_Step", bound=str)


class _Said:
    """One mapping of translations, which may not be there; what it lacks is remembered."""

    def __init__(self, node: Node | None, where: str, missing: list[str]) -> None:
        self._node = node
        self._where = where
        self._missing = missing

    def below(self, key: str, known: Iterable[str]) -> "_Said":
        """Return the mapping under a key; it may hold these keys and no other."""
        child = None
        if self._node is not None and key in self._node.value:
            child = self._node.child(key)
            child.only(*known)
        return _Said(child, f"{self._where}.{key}" if self._where else key, self._missing)

    def text(self, key: str, english: str) -> str:
        """Return the text under a key, or the English one."""
        if self._node is None or key not in self._node.value:
            self._missing.append(f"{self._where}.{key}")
            return english
        return self._node.text(key)

    def texts(self, key: str, english: Mapping[_Step, str]) -> dict[_Step, str]:
        """Return the texts of a mapping of steps."""
        said = self.below(key, english)
        return {step: said.text(step, text) for step, text in english.items()}


class Translation:
    """The lists of the catalogue in the words of one file. `missing` grows as they are read."""

    def __init__(self, root: Node) -> None:
        root.only("version", "categories", "purposes", "forbidden")
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
            details=said.texts("detail_titles", english.details),
            precisions=said.texts("precision_titles", english.precisions),
            precision_examples=said.texts("precision_examples", english.precision_examples),
        )


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
