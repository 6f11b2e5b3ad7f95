"""Reads one leaf and refuses every byte form but the canonical one (RFC 8785, of texts, whole numbers and lists).

Parsing and writing again would take most of the time of a check. A log has few forms of leaves, which differ in nothing
but their texts and digits: so the first leaf of each form is checked at length, and makes a pattern for the others.
"""

import json
import re
from typing import Any

from broker.audit.verification.faults import Fault

Fields = dict[str, Any]
NEEDED = frozenset({
    "access", "event", "interactionId", "log", "number", "subject", "subjectPrev", "subjectSeq", "time", "v"
})  # fmt: skip
"""The members that are read of a leaf that follows others; of the first of its form all are."""
_REQUIRED = {"v": int, "log": str, "number": int, "time": int, "event": str, "initiator": str, "decision": str}
_KINDS = {"access": str, "interactionId": str, "subject": str, "subjectPrev": str, "subjectSeq": int}
_LARGEST_INTEGER = 2**53 - 1  # RFC 8785 §3.2.2.3: beyond it numbers differ between programs
_MOST_DEPTH = 8
_MOST_FORMS = 512
_read = json.JSONDecoder().raw_decode
# What may stand in a text without being escaped, and the digits of a whole number that is surely small enough.
_TEXT = r'[^"\\\x00-\x1f]*+'
_DIGITS = r"0|[1-8][0-9]{0,15}+|9[0-9]{0,14}+"
_NUMBER = re.compile(rf":(?:{_DIGITS})([,}}])")


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
        self._known = 0

    def read(self, leaf: bytes) -> Fields:
        """Return the members of a leaf that are needed to check it against others.

        Raises:
            Fault: as `fields_of`.
        """
        for form in self._forms.get(leaf.count(b'"'), ()):
            fields = form.read(leaf)
            if fields is not None:
                return fields
        found = fields_of(leaf)
        if self._known < _MOST_FORMS and (learned := _form_of(leaf.decode())) is not None:
            self._known += 1
            self._forms.setdefault(leaf.count(b'"'), []).append(learned)
        return found


class _Form:
    """Leaves that differ in texts and digits alone: each is canonical if one of them is."""

    def __init__(self, pattern: str, names: list[str], numbers: list[str]) -> None:
        self._match = re.compile(pattern).fullmatch
        self._names = names
        self._numbers = numbers

    def read(self, leaf: bytes) -> Fields | None:
        """Return the needed members of a leaf, None when it is of another form."""
        try:
            found = self._match(leaf.decode())
        except UnicodeDecodeError:
            return None
        if found is None:
            return None
        fields: Fields = dict(zip(self._names, found.groups()))  # noqa: B905 - a group a name; `strict` costs time
        for name in self._numbers:
            fields[name] = int(fields[name])
        return fields


def _form_of(text: str) -> _Form | None:
    """Make the form of a canonical leaf; None when it has escapes, objects within or numbers elsewhere than in members.

    Nor has an entry about the log's keys one, which are read each time.

    Without a backslash every quotation mark begins or ends a text, so what stands between texts is at even places.
    """
    if "\\" in text or text.count("{") != 1 or '"logKeys"' in text:
        return None
    parts = text.split('"')
    pattern, names, numbers, name = [re.escape(parts[0])], [], [], ""
    for place in range(1, len(parts), 2):
        inside, behind = parts[place], parts[place + 1]
        if behind.startswith(":"):
            name = inside
            pattern.append(re.escape(f'"{inside}"'))
        else:
            is_needed = name in NEEDED and parts[place - 1] == ":"
            pattern.append(f'"({_TEXT})"' if is_needed else f'"{_TEXT}"')
            names += [name] * is_needed
        if (number := _NUMBER.fullmatch(behind)) is not None:
            is_needed = name in NEEDED
            pattern.append(f":({_DIGITS}){number[1]}" if is_needed else f":(?:{_DIGITS}){number[1]}")
            names += [name] * is_needed
            numbers += [name] * is_needed
        elif any(map(str.isdigit, behind)):
            return None
        else:
            pattern.append(re.escape(behind))
    return _Form("".join(pattern), names, numbers)


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
