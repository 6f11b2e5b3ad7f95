"""Reads the YAML files of the policies with checks whose complaints name the file, the line and the key."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from broker.errors import ConfigurationInvalid


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read every policy file and notice once, by its path below the folder, so that what is judged is what is hashed.

    Raises:
        ConfigurationInvalid: there is no such folder, or a file cannot be read or is too large; the message names it.
    """
    if not folder.is_dir():
        raise ConfigurationInvalid(f"{folder}: there is no such folder")
    files = sorted(p for p in folder.rglob("*") if p.suffix in _SUFFIXES and p.name != "README.md")
    contents = {}
    for path in files:
        name = path.relative_to(folder).as_posix()
        try:
            with path.open("rb") as file:
                contents[name] = file.read(_LARGEST + 1)
        except OSError as error:
            raise ConfigurationInvalid(f"{name}: cannot be read: {error.strerror}") from error
        if len(contents[name]) > _LARGEST:
            raise ConfigurationInvalid(f"{name}: is larger than {_LARGEST} bytes")
    return contents


_LARGEST = 131_072  # bytes
_SUFFIXES = frozenset({".yaml", ".md", ".cedar", ".cedarschema"})


class Lined(dict[Any, Any]):
    """A mapping of a YAML file; `lines` says in which line (from 1) each key stands, `line` where it begins."""

    line: int
    lines: Mapping[Any, int]


class StrictLoader(yaml.SafeLoader):
    """YAML without repeated keys: the second of two equal keys would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(keys) != len({str(key) for key in keys}):
            raise yaml.constructor.ConstructorError(None, None, "a key is repeated", node.start_mark)
        return super().construct_mapping(node, deep)

    def construct_lined(self, node: yaml.MappingNode) -> Iterator[Lined]:
        """Make a mapping that knows its lines; in two steps, as YAML wants it, for a mapping may hold itself."""
        made = Lined()
        yield made
        made.update(self.construct_mapping(node))
        made.line = node.start_mark.line + 1
        made.lines = {self.construct_object(key, deep=True): key.start_mark.line + 1 for key, _ in node.value}


StrictLoader.add_constructor("tag:yaml.org,2002:map", StrictLoader.construct_lined)


class Node:
    """One mapping of a policy file; every read is checked and every complaint names the file, the line and the key.

    `inside` is the way to this mapping in its file, empty for the whole; `line` is where it stands.
    """

    def __init__(self, file: str, value: Any, inside: str = "", line: int = 1) -> None:
        self.file = file
        self.inside = inside
        if not isinstance(value, Lined):
            raise self._error(line, "must be a mapping")
        self.value = value

    def fail(self, key: str, problem: str) -> ConfigurationInvalid:
        """Make the error that names this place; a key that is missing is missed where the mapping begins."""
        return self._error(self.line_of(key), f"{key}: {problem}")

    def line_of(self, key: str) -> int:
        """Return the line of a key, that of the mapping when the key is not there."""
        return self.value.lines.get(key, self.value.line)

    def _error(self, line: int, problem: str) -> ConfigurationInvalid:
        inside = f"{self.inside}: " if self.inside else ""
        return ConfigurationInvalid(f"{self.file}:{line}: {inside}{problem}")

    def _below(self, key: str, step: str, value: Any) -> "Node":
        inside = f"{self.inside}: {step}" if self.inside else step
        return Node(self.file, value, inside, self.line_of(key))

    def only(self, *known: str) -> None:
        """Refuse every other key: a misspelt limit would otherwise be no limit at all."""
        for key in self.value:
            if key not in known:
                raise self.fail(str(key), f"is not known here; known are {', '.join(known) or 'no keys'}")

    def text(self, key: str) -> str:
        """Read a text that is not empty."""
        found = self.value.get(key)
        if not isinstance(found, str) or not found.strip():
            raise self.fail(key, "must be a text that is not empty")
        return found.strip()

    def number(self, key: str, *, most: int = 10_000) -> int:
        """Read a whole number from 1 to `most`."""
        found = self.value.get(key)
        if type(found) is not int or not 1 <= found <= most:
            raise self.fail(key, f"must be a whole number from 1 to {most}")
        return found

    def rising(self, key: str) -> tuple[int, ...]:
        """Read a list of rising whole numbers from 1 on that is not empty."""
        found = self.value.get(key)
        if (
            not isinstance(found, list)
            or not found
            or any(type(number) is not int for number in found)
            or found != sorted({number for number in found if number >= 1})
        ):
            raise self.fail(key, "must be a list of rising whole numbers, each at least 1")
        return tuple(found)

    def child(self, key: str) -> "Node":
        """Read a mapping."""
        return self._below(key, key, self.value.get(key))

    def flag(self, key: str) -> bool:
        """Read true or false."""
        found = self.value.get(key)
        if type(found) is not bool:
            raise self.fail(key, "must be true or false")
        return found

    def names(self, key: str, known: frozenset[str]) -> list[str]:
        """Read a list of names out of a closed list."""
        found = self.value.get(key)
        if not isinstance(found, list) or not all(isinstance(name, str) and name in known for name in found):
            raise self.fail(key, f"must be a list of names out of {', '.join(sorted(known))}")
        return found

    def steps(self, key: str, order: tuple[str, ...]) -> list[str]:
        """Read an optional list of steps: those of the order, from its first one on and without a gap."""
        if key not in self.value:
            return []
        found = self.value[key]
        if not isinstance(found, list) or not found or found != list(order[: len(found)]):
            raise self.fail(key, f"must be {', '.join(order)} in this order, or the first of them")
        return found

    def step(self, key: str, known: frozenset[str]) -> str | None:
        """Read an optional name out of a closed list."""
        found = self.value.get(key)
        if found is not None and (not isinstance(found, str) or found not in known):
            raise self.fail(key, f"must be one of {', '.join(sorted(known))}")
        return found

    def items(self, key: str) -> "list[Node]":
        """Read a list of mappings that is not empty."""
        found = self.value.get(key)
        if not isinstance(found, list) or not found:
            raise self.fail(key, "must be a list that is not empty")
        return [self._below(key, f"{key}[{number}]", item) for number, item in enumerate(found)]

    def named(self, key: str, by: str) -> "dict[str, Node]":
        """Read a list of mappings by the name that each gives itself under the key `by`; none stands there twice."""
        found: dict[str, Node] = {}
        for node in self.items(key):
            name = node.text(by)
            if name in found:
                raise node.fail(by, f"{name} stands there twice")
            found[name] = node
        return found

    def mapping(self, key: str) -> "dict[str, Node]":
        """Read a mapping of mappings that is not empty."""
        found = self.value.get(key)
        if not isinstance(found, dict) or not found:
            raise self.fail(key, "must be a mapping that is not empty")
        return {str(name): self._below(key, f"{key}.{name}", item) for name, item in found.items()}

    def texts(self, key: str, names: list[str]) -> dict[str, str]:
        """Read a mapping that has a text for each of these names and for no other; without names it may be absent."""
        if not names and key not in self.value:
            return {}
        node = self._below(key, key, self.value.get(key))
        node.only(*names)
        return {name: node.text(name) for name in names}


def read_yaml(contents: Mapping[str, bytes], name: str) -> Node:
    """Return the mapping that one of the read files holds.

    Raises:
        ConfigurationInvalid: the file is missing, is not YAML or holds something else.
    """
    if name not in contents:
        raise ConfigurationInvalid(f"{name}: the file is missing")
    try:
        value = yaml.load(contents[name].decode("utf-8"), Loader=StrictLoader)  # noqa: S506 - a SafeLoader
    # Besides bad syntax: bytes that are no UTF-8, nesting deeper than the stack, and what the library stumbles over
    # where a tag promises a date, a number or a truth that the text is not.
    except (
        yaml.YAMLError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise ConfigurationInvalid(f"{name}: not readable as YAML: {error}") from error
    return Node(name, value)
