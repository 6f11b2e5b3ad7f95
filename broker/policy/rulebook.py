"""The rules of the Cedar files, checked when they are read: what Cedar would let pass silently is refused here.

Trusted: a rule that is not here refuses nothing. A set that could fail open is never loaded (fail closed).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cedarpy import PolicySet, Schema, pst, validate_policies

from broker.errors import ConfigurationInvalid
from broker.policy.bounds import refuse_unbounded
from broker.policy.decision import OWN_RULES
from broker.policy.statements import Statement, parsed, place_of, statements, tree_of

SCHEMA = "schema.cedarschema"
BASELINE = "00-baseline.cedar"
PLACES = frozenset(
    {
        "category",
        "purpose",
        *(f"bank.maximum{name}" for name in ("DurationDays", "LookbackDays", "FrequencyPerDay")),
        *(f"purpose.maximum{name}" for name in ("DurationDays", "LookbackDays", "FrequencyPerDay", "DataLifeDays")),
        "reads.attendedCeiling",
        "reads.unattendedCeiling",
    }
)
"""What the words of a rule may name in braces: these are filled in, every other is refused when the rules are read."""

PLACE = re.compile(r"\{([^{}]*)\}")
_ID = re.compile(r"[a-z]+([.-][a-z]+)*")
_CODE = re.compile(r"[a-z]+(-[a-z]+)*")
_KNOWN = frozenset({"id", "code", "reason", "alone"})
_LONGEST_WORDS = 200
_LONGEST_ID = 40


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the files. A permission has no code and no words.

    `is_alone`: when it refuses, what later rules say is not told.
    """

    id: str
    is_permission: bool
    code: str
    words: str
    is_alone: bool
    where: str

    def said(self, names: Mapping[str, str]) -> str:
        """Return the words with the places filled in."""
        return PLACE.sub(lambda place: names.get(place[1], "?"), self.words)


@dataclass(frozen=True, slots=True, eq=False)
class Rulebook:
    """All rules, in the order of the files, and what Cedar needs to judge by them."""

    schema: Schema
    policies: PolicySet
    rules: Mapping[str, Rule]
    """By the name that Cedar gives the policy at this place: policy0, policy1, …"""

    @property
    def codes(self) -> frozenset[str]:
        """Return every code that a rule refuses with."""
        return frozenset(rule.code for rule in self.rules.values() if not rule.is_permission)


def read_rules(files: Mapping[str, bytes]) -> Rulebook:
    """Read schema and policies out of the contents of a folder's files, by name.

    Raises:
        ConfigurationInvalid: one is missing or unreadable, does not fit the schema, or could fail open; with its place.
    """
    schema = _schema(files)
    found = [one for name in sorted(files) if name.endswith(".cedar") for one in statements(name, _text(files, name))]
    rules = [_rule(statement, schema) for statement in found]
    _check(rules)
    # Cedar numbers policies by their place in the text: so the n-th rule is its policy n.
    policies = PolicySet.from_str("\n".join(statement.text for statement in found))
    numbered = {f"policy{number}": rule for number, rule in enumerate(rules)}
    told = {name: policy.annotations.get("id") for name, policy in tree_of(policies, "the policies").items()}
    if told != {name: rule.id for name, rule in numbered.items()}:
        raise ConfigurationInvalid("the policies cannot be told apart: Cedar numbers them in another way than expected")
    return Rulebook(schema, policies, numbered)


def _schema(files: Mapping[str, bytes]) -> Schema:
    text = _text(files, SCHEMA)
    refuse_unbounded(SCHEMA, text)
    try:
        return Schema.from_str(text)
    except ValueError as error:
        raise ConfigurationInvalid(f"{place_of(Schema.from_str, SCHEMA, 1, text, str(error))}: {error}") from error


def _text(files: Mapping[str, bytes], name: str) -> str:
    if name not in files:
        raise ConfigurationInvalid(f"{name}: the file is missing")
    try:
        return files[name].decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationInvalid(f"{name}: is not UTF-8 text") from error


def _rule(statement: Statement, schema: Schema) -> Rule:
    read = parsed(statement)
    if read.templates():
        raise ConfigurationInvalid(
            f"{statement.where}: a template allows nothing by itself; write out whom it is about"
        )
    checked = validate_policies(statement.text, schema)
    if not checked.validation_passed:
        problems = dict.fromkeys(error.error.removeprefix("for policy `policy0`, ") for error in checked.errors)
        raise ConfigurationInvalid(f"{statement.where}: {'; '.join(problems) or 'does not fit the schema'}")
    (policy,) = tree_of(read, statement.where).values()
    _check_notes(statement, policy)
    notes = policy.annotations
    return Rule(
        id=notes["id"],
        is_permission=policy.effect == "permit",
        code=notes.get("code", ""),
        words=notes.get("reason", ""),
        is_alone="alone" in notes,
        where=statement.where,
    )


def _check_notes(statement: Statement, policy: pst.Template) -> None:
    notes = policy.annotations
    for name in notes:
        if name not in _KNOWN:
            raise ConfigurationInvalid(f"{statement.where}: @{name} is not known here")
    if len(notes.get("id", "")) > _LONGEST_ID or not _ID.fullmatch(notes.get("id", "")):
        raise ConfigurationInvalid(f'{statement.where}: needs @id("…"): lower-case words with dots and hyphens')
    if policy.effect == "permit":
        if statement.file != BASELINE:
            raise ConfigurationInvalid(f"{statement.where}: only {BASELINE} permits; everywhere else rules forbid")
        return
    if not _CODE.fullmatch(notes.get("code", "")):
        raise ConfigurationInvalid(f'{statement.where}: {notes["id"]} needs @code("…"): lower-case words with hyphens')
    words = notes.get("reason", "")
    if not words.strip() or len(words) > _LONGEST_WORDS:
        raise ConfigurationInvalid(
            f'{statement.where}: {notes["id"]} needs @reason("…"): up to {_LONGEST_WORDS} characters for people'
        )
    for place in PLACE.findall(words):
        if place not in PLACES:
            raise ConfigurationInvalid(
                f"{statement.where}: {{{place}}} is not known; known are {', '.join(sorted(PLACES))}"
            )


def _check(rules: Sequence[Rule]) -> None:
    seen: dict[str, str] = {}
    for rule in rules:
        if rule.id.startswith(OWN_RULES):
            raise ConfigurationInvalid(f"{rule.where}: {rule.id} would pass for a rule of the broker itself")
        if rule.id in seen:
            raise ConfigurationInvalid(f"{rule.where}: the id {rule.id} stands at {seen[rule.id]} already")
        seen[rule.id] = rule.where
    if not _has(rules, is_permission=True) or not _has(rules, is_permission=False):
        raise ConfigurationInvalid(f"{BASELINE}: there must be rules that permit and rules that forbid")


def _has(rules: Iterable[Rule], *, is_permission: bool) -> bool:
    return any(rule.is_permission is is_permission for rule in rules)
