"""Puts decisions of the log to two sets of policies, and counts which would have come out otherwise, by rule."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from broker.audit.decisions import Judged, Kept
from broker.banks.facts import Period, periods
from broker.policy import Catalogue, Decision
from broker.policy.decision import OWN_RULES
from broker.policy.replay import decide_again

_EXAMPLES = 3
_MOST_REMEMBERED = 4_096
_NOT_ASKED = frozenset({"page", "filters", "question"})
_NOT_KEPT = {Kept.ERASED: "details erased", Kept.UNREADABLE: "details do not open with this key file"}


@dataclass(slots=True)
class Tally:
    """How many decisions are of a kind, with the words of its rule and the first few interactions."""

    words: str = ""
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, one: Judged, words: str = "") -> None:
        """Count one."""
        self.count += 1
        self.words = self.words or words
        interaction = one.entry.interaction_id or f"{one.entry.log} {one.entry.number}"
        if len(self.examples) < _EXAMPLES and interaction not in self.examples:
            self.examples.append(interaction)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON's values."""
        told = {"text": self.words} if self.words else {}
        return {"decisions": self.count, **told, "interactions": self.examples}


class Side:
    """One folder of policies, with the facts of each bank as they would have counted under it, by period."""

    def __init__(self, catalogue: Catalogue, banks: Mapping[str, list[Period]]) -> None:
        self.catalogue = catalogue
        self.periods = banks
        # Both decisions of an access look at the same, and many accesses differ in their accounts alone.
        self._judged = lru_cache(maxsize=_MOST_REMEMBERED)(self._judge)

    @classmethod
    def of(cls, session: Session, catalogue: Catalogue, banks: list[str]) -> "Side":
        """Look up what the banks have stored."""
        return cls(catalogue, {bank: periods(session, catalogue, bank) for bank in banks})

    def version(self, bank: str, digest: str | None, at: datetime) -> int | None:
        """Return the version of a bank's facts by which an entry of these policies was judged; None: of others."""
        fitting = [period for period in self.periods[bank] if period.digest == digest]
        return _last_begun(fitting, at).version if fitting else None

    def version_at(self, bank: str, at: datetime) -> int:
        """Return the version of a bank's facts that was the newest at an instant."""
        return _last_begun(self.periods[bank], at).version

    def decide(self, bank: str, version: int, context: str) -> Decision:
        """Judge the text of a context; the bank's facts are those of the version, cut down to this folder's file.

        Raises:
            ValueError: the context has another form.
        """
        return self._judged(bank, version, context)

    def _judge(self, bank: str, version: int, context: str) -> Decision:
        facts = next((period.facts for period in self.periods[bank] if period.version == version), None)
        return decide_again(self.catalogue, facts, json.loads(context))


@dataclass(slots=True)
class Comparison:
    """What became of the decisions; every one that is added is counted in exactly one of these.

    `flips` maps (`refused` or `allowed`: how it now ends, rule) to its tally, `otherwise` the first rule of each side;
    `unrepeated` are those that do not replay to what they were under their own policies, `other_policies` those of the
    compared ones that neither folder had made.
    """

    old: Side
    new: Side
    same: int = 0
    flips: dict[tuple[str, str], Tally] = field(default_factory=dict)
    otherwise: dict[tuple[str, str], Tally] = field(default_factory=dict)
    not_replayable: dict[str, Tally] = field(default_factory=dict)
    unrepeated: Tally = field(default_factory=Tally)
    other_policies: int = 0
    other_outcome: int = 0

    def add(self, one: Judged) -> None:
        """Put one decision to both."""
        why, context = _not_replayable(one), one.context
        if why is not None or context is None:
            _counted(self.not_replayable, why or "no context kept").add(one)
            return
        bank, entry, told = one.entry.bank_id, one.entry, [rule for rule, _ in one.rules]
        as_old = self.old.version(bank, entry.policy_digest, entry.at)
        as_new = self.new.version(bank, entry.policy_digest, entry.at)
        version = next((known for known in (as_old, as_new) if known is not None), None)
        if version is None:
            side = self.old if len(self.old.periods[bank]) > 1 else self.new
            version = side.version_at(bank, entry.at)
        try:
            asked = _asked(context)
            before, after = self.old.decide(bank, version, asked), self.new.decide(bank, version, asked)
        except ValueError:
            _counted(self.not_replayable, "context of another version of the broker").add(one)
            return
        own = before if as_old is not None else after if as_new is not None else None
        if own is not None and _rules(own) != told:
            self.unrepeated.add(one)
            return
        if own is None:
            self.other_policies += 1
            self.other_outcome += before.is_allowed is bool(told)
        self._compare(one, before, after)

    @property
    def compared(self) -> int:
        """Return how many decisions were put to both sides."""
        changed = (*self.flips.values(), *self.otherwise.values())
        return self.same + sum(tally.count for tally in changed)

    @property
    def total(self) -> int:
        """Return how many decisions were looked at."""
        left_out = sum(tally.count for tally in self.not_replayable.values())
        return self.compared + left_out + self.unrepeated.count

    def _compare(self, one: Judged, before: Decision, after: Decision) -> None:
        if before.is_allowed and not after.is_allowed:
            reason = after.reasons[0]
            _counted(self.flips, ("refused", reason.rule)).add(one, reason.text)
        elif after.is_allowed and not before.is_allowed:
            reason = before.reasons[0]
            _counted(self.flips, ("allowed", reason.rule)).add(one, reason.text)
        elif _rules(before)[:1] != _rules(after)[:1]:
            reason = after.reasons[0]
            _counted(self.otherwise, (before.reasons[0].rule, reason.rule)).add(one, reason.text)
        else:
            self.same += 1


def _not_replayable(one: Judged) -> str | None:
    """Say why a decision cannot be put again, None when it can."""
    if one.kept in _NOT_KEPT:
        return _NOT_KEPT[one.kept]
    in_code = [rule for rule, _ in one.rules if rule.startswith(OWN_RULES)]
    if in_code:
        return f"decided outside the policies: {in_code[0]}"
    if one.entry.decision == "refused" and not one.rules:
        return f"decided outside the policies: {', '.join(one.entry.reasons)}"
    return None


def _asked(context: Mapping[str, Any]) -> str:
    """Return a context as text, without what no policy looks at: which accounts are in which state, pages, filters."""
    kept = {name: value for name, value in context.items() if name not in _NOT_ASKED}
    if isinstance(accounts := kept.get("accounts"), dict):
        kept["accounts"] = {str(state): state for state in accounts.values()}
    return json.dumps(kept, sort_keys=True)


def _counted(tallies: dict[Any, Tally], key: object) -> Tally:
    return tallies.setdefault(key, Tally())


def _rules(decision: Decision) -> list[str]:
    return [reason.rule for reason in decision.reasons]


def _last_begun(found: list[Period], at: datetime) -> Period:
    begun = [period for period in found if period.began_at is None or period.began_at <= at]
    return (begun or found)[-1]
