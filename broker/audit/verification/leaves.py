"""Reads one leaf and refuses every byte form but the canonical one (RFC 8785, of texts, whole numbers and lists).

Parsing and writing again would take most of the time of a check. A log has few forms of leaves, which differ in nothing
but their texts and digits: so the first leaf of each form is checked at length, and makes a pattern for the others.
Leaves of one length are mostly of one form.
"""

import json
import re
from collections.abc import Callable
from typing import Any

from broker.audit.verification.faults import Fault

Fields = dict[str, Any]
Entry = tuple[Any, ...]
"""The texts and digits of the members that are NEEDED, in that order; None for one that a leaf has not."""
NEEDED = (
    "access", "event", "interactionId", "log", "number", "subject", "subjectPrev", "subjectSeq", "time", "v"
)  # fmt: skip
"""The members that are read of a leaf to check it against others, in the order in which it has them."""
_REQUIRED = {"v": int, "log": str, "number": int, "time": int, "event": str, "initiator": str, "decision": str}
_KINDS = {"access": str, "interactionId": str, "subject": str, "subjectPrev": str, "subjectSeq": int}
_LARGEST_INTEGER = 2**53 - 1  # RFC 8785 §3.2.2.3: beyond it numbers differ between programs
_MOST_DEPTH = 8
_MOST_FORMS = 512
_read = json.JSONDecoder().raw_decode
# What a text holds only escaped (but its end) and the sign of an escape become a byte that UTF-8 does not have, so that
# decoding finds them. Patterns that look for them take three times as long.
_ESCAPES_SHOWN = bytes.maketrans(bytes(range(0x20)) + b"\\", b"\xff" * 0x21)
_TEXT = '[^"]*+'
# The digits of a whole number that is surely small enough.
_DIGITS = r"0|[1-8][0-9]{0,15}+|9[0-9]{0,14}+"
_NUMBER = re.compile(rf":(?:{_DIGITS})([,}}])")
_ABSENT = "(){0}"  # a group that takes part in no match
_Form = Callable[[str], re.Match[str] | None]


def fields_of(leaf: bytes) -> Fields:
    """Return all members of a leaf.

    Raises:
        Fault: it is not the canonical JSON of an object, or has not the members that every leaf has.
    """
    fields = canonical_object(leaf)
    _check_members(fields)
    return fields


def canonical_object(leaf: bytes) -> Fields:
    """Return the one value that these bytes are the canonical form of.

    Raises:
        Fault: they are not the canonical JSON of an object.
    """
    try:
        text = leaf.decode()
        fields, end = _read(text)
    except (ValueError, RecursionError) as error:
        raise Fault("leaf-malformed", "is not JSON in UTF-8") from error
    if type(fields) is not dict or end != len(text):
        raise Fault("leaf-malformed", "is not one JSON object")
    try:
        written = json.dumps(_ordered(fields, 0), ensure_ascii=False, separators=(",", ":")).encode()
    except (ValueError, TypeError) as error:
        raise Fault("leaf-not-canonical", "holds a value that canonical JSON here does not have") from error
    if written != leaf:
        raise Fault("leaf-not-canonical", "is not written as canonical JSON")
    return fields


class Leaves:
    """Reads many leaves of one log. It lets pass what `fields_of` lets pass, and nothing else."""

    def __init__(self) -> None:
        self._forms: dict[int, list[_Form]] = {}
        self._likely: dict[int, _Form] = {}
        self._known = 0

    def read(self, leaf: bytes) -> Entry:
        """Return what is needed to check a leaf against others.

        Raises:
            Fault: as `fields_of`.
        """
        try:
            text = leaf.translate(_ESCAPES_SHOWN).decode()
        except UnicodeDecodeError:
            return _entry_of(fields_of(leaf))  # it has escapes, or is refused
        likely = self._likely.get(len(leaf))
        if likely is not None and (found := likely(text)) is not None:
            return found.groups()
        marks = text.count('"')
        for form in self._forms.get(marks, ()):
            if (found := form(text)) is not None:
                self._likely[len(leaf)] = form
                return found.groups()
        fields = fields_of(leaf)
        if self._known < _MOST_FORMS and (learned := _form_of(text)) is not None:
            self._known += 1
            self._forms.setdefault(marks, []).append(learned)
        return _entry_of(fields)


def _entry_of(fields: Fields) -> Entry:
    return tuple(str(fields[name]) if name in fields else None for name in NEEDED)


def _form_of(text: str) -> _Form | None:
    """Make the form of a canonical leaf; None when it has objects within, or numbers elsewhere than in members.

    It matches the leaves that differ from this one in texts and digits alone, and finds the needed members.
    Without a backslash every quotation mark begins or ends a text, so what stands between texts is at even places.
    """
    if text.count("{") != 1:
        return None
    parts = text.split('"')
    pattern, reached, is_needed = [re.escape(parts[0])], 0, False
    for place in range(1, len(parts), 2):
        inside, behind = parts[place], parts[place + 1]
        if behind.startswith(":"):
            if is_needed := inside in NEEDED:
                pattern.append(_ABSENT * (NEEDED.index(inside) - reached))
                reached = NEEDED.index(inside) + 1
            pattern.append(re.escape(f'"{inside}"'))
        else:
            pattern.append(f'"({_TEXT})"' if is_needed else f'"{_TEXT}"')
        if (number := _NUMBER.fullmatch(behind)) is not None:
            pattern.append(f":({_DIGITS}){number[1]}" if is_needed else f":(?:{_DIGITS}){number[1]}")
        elif any(map(str.isdigit, behind)):
            return None
        else:
            pattern.append(re.escape(behind))
    return re.compile("".join(pattern) + _ABSENT * (len(NEEDED) - reached)).fullmatch


def _check_members(fields: Fields) -> None:
    for name, kind in _REQUIRED.items():
        if type(fields.get(name)) is not kind:
            raise Fault("leaf-malformed", f"has no {name}")
    for name, kind in _KINDS.items():
        if name in fields and type(fields[name]) is not kind:
            raise Fault("leaf-malformed", f"has another {name} than entries have")


def _utf16(name: str) -> bytes:
    return name.encode("utf-16-be")


def _ordered(value: Any, depth: int) -> Any:
    if depth > _MOST_DEPTH or isinstance(value, float) or (type(value) is int and abs(value) > _LARGEST_INTEGER):
        raise ValueError("no such value in a leaf")
    if isinstance(value, dict):
        return {key: _ordered(value[key], depth + 1) for key in sorted(value, key=_utf16)}
    return [_ordered(item, depth + 1) for item in value] if isinstance(value, list) else value
