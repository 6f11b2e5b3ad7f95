"""Reads one YAML file of the policies with checks whose complaints name the file and the key."""

from pathlib import Path
from typing import Any

import yaml

from broker.errors import ConfigurationInvalid


class StrictLoader(yaml.SafeLoader):
    """YAML without repeated keys: the second of two equal keys would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(keys) != len({str(key) for key in keys}):
            raise yaml.constructor.ConstructorError(None, None, "a key is repeated", node.start_mark)
        return super().construct_mapping(node, deep)


class Node:
    """One mapping of a policy file; every read is checked and every complaint names the file and the key."""

    def __init__(self, where: str, value: Any) -> None:
        if not isinstance(value, dict):
            raise ConfigurationInvalid(f"{where}: must be a mapping")
        self.where = where
        self.value = value

    def fail(self, key: str, problem: str) -> ConfigurationInvalid:
        """Make the error that names this place."""
        return ConfigurationInvalid(f"{self.where}: {key}: {problem}")

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

    def step(self, key: str, known: frozenset[str]) -> str | None:
        """Read an optional name out of a closed list."""
        found = self.value.get(key)
        if found is not None and found not in known:
            raise self.fail(key, f"must be one of {', '.join(sorted(known))}")
        return found

    def items(self, key: str) -> "list[Node]":
        """Read a list of mappings that is not empty."""
        found = self.value.get(key)
        if not isinstance(found, list) or not found:
            raise self.fail(key, "must be a list that is not empty")
        return [Node(f"{self.where}: {key}[{number}]", item) for number, item in enumerate(found)]

    def mapping(self, key: str) -> "dict[str, Node]":
        """Read a mapping of mappings that is not empty."""
        found = self.value.get(key)
        if not isinstance(found, dict) or not found:
            raise self.fail(key, "must be a mapping that is not empty")
        return {str(name): Node(f"{self.where}: {key}.{name}", item) for name, item in found.items()}

    def texts(self, key: str, names: list[str]) -> dict[str, str]:
        """Read a mapping that has a text for each of these names."""
        node = Node(f"{self.where}: {key}", self.value.get(key))
        return {name: node.text(name) for name in names}


class PolicyFile:
    """One YAML file of the policies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            value = yaml.load(path.read_text(encoding="utf-8"), Loader=StrictLoader)  # noqa: S506 - a SafeLoader
        except FileNotFoundError as error:
            raise ConfigurationInvalid(f"{path.name}: the file is missing") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigurationInvalid(f"{path.name}: not readable as YAML: {error}") from error
        self.root = Node(path.name, value)
