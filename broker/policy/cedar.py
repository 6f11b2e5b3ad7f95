"""Asks Cedar, and takes only a clean yes for a yes.

Trusted: Cedar alone can fail open, for a rule that cannot be evaluated refuses nothing. So the schema goes with every
question, and whatever is not "allowed, without any error" is refused here.
"""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, Self

from cedarpy import AuthzResult, Decision, Entities, is_authorized_batch

from broker.policy.catalogue import BankFacts
from broker.policy.decision import Reason
from broker.policy.questions import PurposeFacts, Question, bank_uid, entities
from broker.policy.rulebook import Rulebook

_MOST_PREPARED = 4_096
_MOST_ANSWERED = 256  # a release is judged twice within one call: nearly always the same question, read anew
_NOT_APPLIED = Reason("policy-refused", "policy.error", "The rules could not be applied to this.")
_NOT_PERMITTED = Reason("policy-refused", "policy.default", "No rule permits this.")


class Engine:
    """Judges questions by one rulebook. Purposes and banks are prepared once by value, so they are never stale."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self._prepared = lru_cache(maxsize=_MOST_PREPARED)(self._prepare)
        self._answered = lru_cache(maxsize=_MOST_ANSWERED)(self._answer)
        self._places = {name: place for place, name in enumerate(rulebook.rules)}

    def judge(self, questions: Sequence[Question]) -> tuple[Reason, ...]:
        """Return the reasons to refuse, those of earlier rules first; none when every question got a clean yes.

        All questions are about the same purpose and bank.
        """
        if not questions:
            return (_NOT_PERMITTED,)
        first, asked = questions[0], tuple(_Asked.of(question) for question in questions)
        try:
            results = self._answered(first.purpose, first.bank, asked)
        except ValueError:  # a name or a figure that Cedar cannot hold
            return (_NOT_APPLIED,)
        found = [one for question, result in zip(questions, results, strict=True) for one in self._of(question, result)]
        found.sort(key=lambda one: one[0])
        reasons = tuple(dict.fromkeys(reason for _, reason, _ in found))
        return reasons[:1] if found and found[0][2] else reasons

    def _of(self, question: Question, result: AuthzResult) -> Iterable[tuple[int, Reason, bool]]:
        """Return place, reason and whether it stands alone, of each rule that refuses this question."""
        if result.decision is Decision.Allow and not result.diagnostics.errors:
            return
        refused, names = False, question.names()
        for name in result.diagnostics.reasons:
            rule = self.rulebook.rules.get(name)
            if rule is not None and not rule.is_permission:
                refused = True
                yield self._places[name], Reason(rule.code, rule.id, rule.said(names)), rule.is_alone
        if result.diagnostics.errors:
            yield len(self._places), _NOT_APPLIED, False
        elif not refused:
            yield len(self._places), _NOT_PERMITTED, False

    def _answer(self, purpose: PurposeFacts, bank: BankFacts | None, asked: Sequence["_Asked"]) -> list[AuthzResult]:
        """Ask Cedar. What it says depends on nothing but the rulebook and these values, every one of them."""
        requests = [one.request() for one in asked]
        facts = self._prepared(purpose, bank)
        return is_authorized_batch(requests, self.rulebook.policies, facts, self.rulebook.schema)

    def _prepare(self, purpose: PurposeFacts, bank: BankFacts | None) -> Entities:
        return Entities.from_json_str(json.dumps(entities(purpose, bank)), self.rulebook.schema)


class _Asked(NamedTuple):
    """A question as Cedar gets it, whole: equal ones are the same question. `context` is JSON."""

    platform: str
    action: str
    bank: BankFacts | None
    context: str

    @classmethod
    def of(cls, question: Question) -> Self:
        """Write a question down."""
        return cls(question.platform, question.action, question.bank, json.dumps(question.context))

    def request(self) -> dict[str, object]:
        """Return what Cedar's interface takes."""
        return {
            "principal": {"type": "Platform", "id": self.platform},
            "action": {"type": "Action", "id": self.action},
            "resource": bank_uid(self.bank),
            "context": self.context,
        }
