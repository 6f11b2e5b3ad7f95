"""Objects of a bank's answer and the members that they have; nothing of the product is used here.

Every member also knows what it usually looks like (`usual`), draws whatever it accepts (`good`), and lists what looks
nearly so (`near`).
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from hypothesis import strategies as st
from marshmallow import EXCLUDE, Schema, ValidationError, fields, missing

MOST_ROWS = 5_000


class Row(Schema):
    """One object of a bank. Members that nobody asks for are let be: standards grow.

    `also` are the schemas by which such an object is read further where it counts.
    """

    also: ClassVar[tuple[type[Schema], ...]] = ()

    class Meta:
        unknown = EXCLUDE


class Form(fields.Field):
    """One member, by its name in the standard; `maybe`: it may be missing or null."""

    usual: Any
    good: st.SearchStrategy[Any]
    near: Sequence[Any]

    def __init__(self, name: str, *, maybe: bool = False) -> None:
        optional = {"allow_none": True, "load_default": None} if maybe else {"required": True}
        super().__init__(data_key=name, **optional)

    def _deserialize(self, value: Any, *_place: Any, **_more: Any) -> Any:
        try:
            return self.read(value)
        except (ValueError, ArithmeticError) as error:
            raise ValidationError("not of this form") from error

    def read(self, value: Any) -> Any:
        """Return what the value says; ValueError where it is not of the form."""
        raise NotImplementedError


class Later(fields.Field):
    """What is looked at only where it counts: the loaded value reads it when it is called."""

    def __init__(self, inner: Form) -> None:
        super().__init__(data_key=inner.data_key)
        self.inner = inner

    def deserialize(self, value: Any, *_place: Any, **_more: Any) -> Callable[[], Any]:
        """Return what reads the value; a member that is missing is like one that is null."""
        given = None if value is missing else value
        return lambda: self.inner.deserialize(given)


class Part(Form):
    """An object of another schema."""

    near = ([], [{}], "", 0, False)

    def __init__(self, name: str, schema: type[Schema], *, maybe: bool = False) -> None:
        super().__init__(name, maybe=maybe)
        self.schema = schema()

    def read(self, value: Any) -> Any:
        check(isinstance(value, dict))
        return self.schema.load(value)


class Unopened(Part):
    """An object of which the members are looked at only where they count, as with `Later`."""

    def read(self, value: Any) -> Callable[[], Any]:
        check(isinstance(value, dict))
        return lambda: self.schema.load(value)


class Rows(Part):
    """An array of objects of another schema, at most 5,000. `is_first`: of the objects only the first is looked at."""

    near = ({}, [0], [[]], [None], [{}, 0], "", 0, False)

    def __init__(self, name: str, schema: type[Schema], *, maybe: bool = False, is_first: bool = False) -> None:
        super().__init__(name, schema, maybe=maybe)
        self.is_first = is_first

    def read(self, value: Any) -> Any:
        check(isinstance(value, list) and len(value) <= MOST_ROWS)
        check(all(isinstance(one, dict) for one in value))
        if self.is_first:
            check(value)
            return self.schema.load(value[0])
        return [self.schema.load(one) for one in value]


def check(holds: object) -> None:
    """Refuse a value that is not of the form."""
    if not holds:
        raise ValueError


def must(holds: object) -> None:
    """Refuse an object whose members do not go together."""
    if not holds:
        raise ValidationError("the members contradict each other")


def only(found: Sequence[Any]) -> Any | None:
    """Return the one that was found, None for none; two contradict each other."""
    must(len(found) <= 1)
    return found[0] if found else None
