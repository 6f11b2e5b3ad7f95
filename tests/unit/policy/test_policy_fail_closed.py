"""Nothing but a clean yes is a yes: not when something is missing, wrong, unknown or not decided (invariant 7)."""

import json
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from typing import Any

import pytest
from cedarpy import PolicySet

from broker.policy import BankFacts, Catalogue, Harvest, PlatformFacts, Reads, decide, questions
from broker.policy.catalogue import ForbiddenPurpose
from broker.policy.cedar import Engine
from broker.policy.contexts import ReleaseContext, RequestContext
from broker.policy.questions import Question
from broker.policy.rulebook import Rulebook
from broker.release.standing import Standing
from tests.support.core import policies
from tests.unit.policy.test_policy_rules import PLATFORM, RELEASE, REQUEST

ENGINE = policies().engine
CHAT = questions.purpose_facts(policies(), "chat_banking")
assert CHAT is not None
ASKED = (next(questions.requests(REQUEST, CHAT)), questions.release(RELEASE, CHAT))
STRANGE: tuple[Any, ...] = (
    None,
    [],
    {},
    "",
    "x",
    -1,
    1 << 63,
    1 << 70,
    0.5,
    True,
    ["x"],
    {"x": 1},
    "\ud800",
    "ACTIVE\0",
)


def places(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of the context, nested ones too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*path, name)
            yield from places(inner, (*path, name))


def changed(value: Any, path: tuple[str, ...], change: Callable[[dict[str, Any], str], None]) -> Any:
    copy = json.loads(json.dumps(value))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    change(inner, path[-1])
    return copy


KEYS = [(question, path) for question in ASKED for path in places(question.context)]


def rules(question: Question, engine: Engine = ENGINE) -> list[str]:
    return [reason.rule for reason in engine.judge((question,))]


def test_the_questions_are_allowed_as_they_are() -> None:
    assert [rules(question) for question in ASKED] == [[], []]
    assert len(KEYS) > 30


@pytest.mark.parametrize(("question", "path"), KEYS, ids=lambda part: ".".join(part) if isinstance(part, tuple) else "")
def test_without_any_one_key_nothing_is_allowed(question: Question, path: tuple[str, ...]) -> None:
    context = changed(question.context, path, lambda inner, name: inner.pop(name))
    assert rules(replace(question, context=context)) == ["policy.error"]


@pytest.mark.parametrize(("question", "path"), KEYS, ids=lambda part: ".".join(part) if isinstance(part, tuple) else "")
def test_a_key_of_another_kind_allows_nothing(question: Question, path: tuple[str, ...]) -> None:
    kind = type(_at(question.context, path))
    for value in STRANGE:
        if type(value) is not kind or (kind is int and abs(value) >= 1 << 63):
            context = changed(question.context, path, lambda inner, name, value=value: inner.update({name: value}))
            assert rules(replace(question, context=context)) == ["policy.error"], value
    if path[0] != "purpose" or len(path) == 1:  # Cedar overlooks what stands beside type and id of an entity
        context = changed(question.context, path, lambda inner, name: inner.update({f"{name}2": 1}))
        assert rules(replace(question, context=context)) == ["policy.error"]


@pytest.mark.parametrize("question", ASKED, ids=["request", "release"])
def test_an_unknown_action_or_the_wrong_resource_allows_nothing(question: Question) -> None:
    assert rules(replace(question, action="relaese")) == ["policy.error"]
    other = "release" if question.action == "request" else "request"
    assert rules(replace(question, action=other)) == ["policy.error"]
    if question.action == "release":
        assert rules(replace(question, bank=None)) == ["policy.error"]


@pytest.mark.parametrize("name", ["", '"', "a\nb", "\u202e", "x" * 10_000, 'Platform::"x"', "\ud800", "\0"])
def test_a_strange_name_never_breaks_the_question(name: str) -> None:
    """A name that Cedar cannot take is refused, every other is judged by what it is registered for."""
    nobody = PlatformFacts(name, frozenset(), frozenset())
    assert not decide(policies(), replace(RELEASE, platform=nobody)).is_allowed
    assert not decide(policies(), replace(REQUEST, platform=nobody)).is_allowed
    assert not decide(policies(), replace(RELEASE, category=name)).is_allowed
    assert not decide(policies(), replace(RELEASE, purpose=name)).is_allowed
    assert not decide(policies(), replace(REQUEST, terms=replace(REQUEST.terms, purpose=name))).is_allowed


def engine_of(text: str, *, known: int | None = None) -> Engine:
    """Judge by other policies under the shipped schema, as if they had been loaded."""
    book = ENGINE.rulebook
    return Engine(Rulebook(book.schema, PolicySet.from_str(text), dict(list(book.rules.items())[:known])))


def test_what_no_rule_permits_is_refused() -> None:
    assert rules(ASKED[1], engine_of('forbid (principal, action == Action::"request", resource);')) == [
        "policy.default"
    ]
    assert ENGINE.judge(())[0].rule == "policy.default"


def test_a_refusal_by_a_rule_that_is_not_known_is_a_refusal() -> None:
    text = "permit (principal, action, resource); forbid (principal, action, resource);"
    assert rules(ASKED[1], engine_of(text, known=1)) == ["policy.default"]


def test_a_rule_that_cannot_be_evaluated_refuses() -> None:
    """Cedar itself says Allow here: it skips a forbid that fails."""
    overflow = "context.reads.attendedCeiling + 9223372036854775807 > 0"
    scope = '(principal, action == Action::"release", resource)'
    text = f"permit (principal, action, resource); forbid {scope} when {{ {overflow} }};"
    assert rules(ASKED[1], engine_of(text)) == ["policy.error"]
    both = f"{text} forbid (principal, action, resource);"
    assert rules(ASKED[1], engine_of(both)) != []


def test_facts_that_do_not_fit_allow_nothing() -> None:
    huge = replace(RELEASE.bank or _no_bank(), maximum_duration_days=1 << 70)
    assert not decide(policies(), replace(RELEASE, bank=huge)).is_allowed
    assert not decide(policies(), replace(REQUEST, bank=huge)).is_allowed


def test_what_the_list_forbids_is_refused_also_when_the_rules_do_not_name_it() -> None:
    catalogue = forbidding(policies(), "chat_banking")
    facts = replace(PLATFORM, purposes=PLATFORM.purposes)
    for context in (replace(REQUEST, platform=facts), replace(RELEASE, platform=facts)):
        assert [reason.rule for reason in decide(catalogue, context).reasons] == ["purpose.forbidden"]


def test_what_is_never_allowed_is_refused_also_when_a_list_allows_it() -> None:
    """Somebody moves `advertising` to the allowed purposes, registers a platform and a bank for it: still refused."""
    purpose = replace(policies().purposes["chat_banking"], code="advertising")
    catalogue = replace(policies(), purposes={**policies().purposes, "advertising": purpose}, forbidden={})
    platform = replace(PLATFORM, purposes=frozenset({"advertising"}))
    bank = replace(policies().banks["harbor"], purposes=frozenset({"advertising"}))
    asked = replace(REQUEST, platform=platform, bank=bank, terms=replace(REQUEST.terms, purpose="advertising"))
    used = replace(RELEASE, platform=platform, bank=bank, purpose="advertising")
    for context in (asked, used):
        assert [reason.rule for reason in decide(catalogue, context).reasons] == ["purpose.never"]


@pytest.mark.parametrize("kind", [Reads, Harvest, RequestContext, ReleaseContext, Standing])
def test_nothing_that_a_decision_looks_at_may_be_left_out(kind: type[Any]) -> None:
    """A default would be somebody's forgotten fact, and would say that nothing stops the call."""
    open_to_chance = [one.name for one in fields(kind) if {one.default, one.default_factory} != {MISSING}]
    assert open_to_chance == []


@pytest.mark.parametrize("context", [REQUEST, RELEASE], ids=["request", "release"])
def test_a_context_survives_being_written_down(context: RequestContext | ReleaseContext) -> None:
    written = json.loads(json.dumps(context.to_json()))
    assert type(context).from_json(written, context.bank) == context


def forbidding(catalogue: Catalogue, code: str) -> Catalogue:
    allowed = {name: purpose for name, purpose in catalogue.purposes.items() if name != code}
    forbidden = {**catalogue.forbidden, code: ForbiddenPurpose(code, code, "https://d.example/d")}
    return replace(catalogue, purposes=allowed, forbidden=forbidden)


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value[name]
    return value


def _no_bank() -> BankFacts:
    raise AssertionError("the release of these tests has a bank")
