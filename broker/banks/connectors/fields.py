"""A JSON object from a bank, read field by field: what is missing or of the wrong kind refuses the whole answer."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Self, TypeVar

from broker.errors import BankInvalidAnswer

MAX_ITEMS: Final = 5_000
_T = TypeVar("_T")


class Fields:
    """The members of one JSON object. `path` names its place by the standard's own words, never by bank data."""

    __slots__ = ("_members", "_path")

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise invalid(path)
        self._members: Mapping[str, Any] = value
        self._path = path

    def has(self, name: str) -> bool:
        """Tell whether the member is there and not null."""
        return self._members.get(name) is not None

    def get(self, name: str, read: Callable[[Any], _T]) -> _T:
        """Read a mandatory member with a reader of `values`.

        Raises: BankInvalidAnswer
        """
        return self._read(name, self._members.get(name), read)

    def find(self, name: str, read: Callable[[Any], _T]) -> _T | None:
        """Read an optional member; absent and null are the same.

        Raises: BankInvalidAnswer when it is there and wrong.
        """
        value = self._members.get(name)
        return None if value is None else self._read(name, value, read)

    def choice(self, name: str, meanings: Mapping[str, _T]) -> _T:
        """Read a mandatory member of a closed list, as its meaning.

        Raises: BankInvalidAnswer
        """
        value = self._members.get(name)
        if not isinstance(value, str) or value not in meanings:
            raise invalid(f"{self._path}.{name}")
        return meanings[value]

    def child(self, name: str) -> Self:
        """Read a mandatory object.

        Raises: BankInvalidAnswer
        """
        return type(self)(self._members.get(name), f"{self._path}.{name}")

    def find_child(self, name: str) -> Self | None:
        """Read an optional object.

        Raises: BankInvalidAnswer when it is there and no object.
        """
        return self.child(name) if self.has(name) else None

    def children(self, name: str) -> list[Self]:
        """Read a mandatory array of objects, at most `MAX_ITEMS`.

        Raises: BankInvalidAnswer
        """
        path = f"{self._path}.{name}"
        items = self._members.get(name)
        if not isinstance(items, list) or len(items) > MAX_ITEMS:
            raise invalid(path)
        return [type(self)(item, path) for item in items]

    def find_children(self, name: str) -> list[Self]:
        """Read an optional array of objects.

        Raises: BankInvalidAnswer when it is there and wrong.
        """
        return self.children(name) if self.has(name) else []

    def _read(self, name: str, value: Any, read: Callable[[Any], _T]) -> _T:
        try:
            return read(value)
        except ValueError as error:
            raise invalid(f"{self._path}.{name}") from error


def invalid(path: str) -> BankInvalidAnswer:
    """Name the place of what is wrong, and nothing of what stood there."""
    return BankInvalidAnswer(f"The bank's answer could not be used: {path} is missing or not valid.")
