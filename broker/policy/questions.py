"""Puts a context as a question to Cedar: purpose and bank are entities, what changes with each call is context."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from broker.policy.catalogue import BankFacts, Catalogue, Figures
from broker.policy.contexts import Off, Reads, ReleaseContext, RequestContext
from broker.policy.terms import Terms
from broker.policy.vocabulary import DurationType

_NONE = "NONE"


@dataclass(frozen=True, slots=True)
class PurposeFacts:
    """A purpose as the rules see it."""

    code: str
    is_forbidden: bool
    categories: frozenset[str]
    maximum: Figures


@dataclass(frozen=True, slots=True)
class Question:
    """One question to Cedar."""

    action: str
    platform: str
    purpose: PurposeFacts
    bank: BankFacts | None
    category: str
    context: Mapping[str, Any]
    reads: Reads | None = None

    def names(self) -> dict[str, str]:
        """Return what the words of a rule may name."""
        facts = {entity["uid"]["type"].lower(): entity["attrs"] for entity in entities(self.purpose, self.bank)}
        facts["reads"] = self.reads.to_json() if self.reads else {}
        figures = {f"{kind}.{name}": str(value) for kind, own in facts.items() for name, value in own.items()}
        return figures | {"category": self.category, "purpose": self.purpose.code}


_NOTHING = Figures(0, 0, 0, 0)


def purpose_facts(catalogue: Catalogue, code: str) -> PurposeFacts | None:
    """Return a purpose of the closed lists, None when neither the allowed nor the forbidden ones name it."""
    purpose = catalogue.purposes.get(code)
    if purpose is not None:
        return PurposeFacts(code, is_forbidden=False, categories=frozenset(purpose.needs), maximum=purpose.maximum)
    if code in catalogue.forbidden:
        return PurposeFacts(code, is_forbidden=True, categories=frozenset(), maximum=_NOTHING)
    return None


def unknown_purpose(code: str) -> PurposeFacts:
    """Return what stands for a purpose that no list names: it is as good as forbidden."""
    return PurposeFacts(code, is_forbidden=True, categories=frozenset(), maximum=_NOTHING)


def reads_a_day(catalogue: Catalogue, purpose: str, bank: BankFacts | None, agreed: int) -> tuple[int, int]:
    """Return how often a category may be read a day, with the person there and without; `agreed` is the grant's.

    What no policy knows is never read.
    """
    known = catalogue.purposes.get(purpose)
    if known is None or bank is None:
        return 0, 0
    bounds = (known.maximum.frequency_per_day, bank.maximum_frequency_per_day)
    return known.maximum_attended_per_day, min(agreed, *bounds)


def _without_facts(bank_id: str) -> BankFacts:
    """Return what stands for a bank without facts: it offers nothing."""
    return BankFacts(
        bank=bank_id,
        categories=frozenset(),
        purposes=frozenset(),
        maximum_duration_days=0,
        maximum_lookback_days=0,
        maximum_frequency_per_day=0,
        joint_accounts=False,
        receipts_required=True,
    )


def requests(context: RequestContext, purpose: PurposeFacts) -> Iterator[Question]:
    """Ask for each category by itself, so that a refusal can name it."""
    terms = context.terms
    for category in terms.category_names:
        asked = {
            "registered": _registered(context),
            "purpose": _purpose(purpose.code),
            "category": category,
            **_figures(terms),
            "off": sorted(context.off | ({Off.CATEGORY} if category in context.off_categories else set())),
        }
        yield Question("request", context.platform.id, purpose, context.bank, category, asked)


def release(context: ReleaseContext, purpose: PurposeFacts) -> Question:
    """Ask whether one category may leave."""
    states = {state.value if state else _NONE for state in context.account_states.values()}
    asked = {
        "registered": _registered(context),
        "purpose": _purpose(purpose.code),
        "category": context.category,
        "grant": {
            "status": context.status.value,
            "isExpired": context.is_expired,
            "namesCategory": context.term is not None,
            "categoryState": context.category_state.value if context.category_state else _NONE,
            "accountStates": sorted(states),
        },
        "tokenNamesCategory": context.category in context.token_categories,
        "off": sorted(context.off),
        "reads": context.reads.to_json(),
        "harvest": context.harvest.to_json(),
    }
    bank = context.bank or _without_facts(context.bank_id)
    return Question("release", context.platform.id, purpose, bank, context.category, asked, context.reads)


def entities(purpose: PurposeFacts, bank: BankFacts | None) -> list[dict[str, Any]]:
    """Return the purpose and the bank as entities of Cedar."""
    maximum = purpose.maximum
    found = [
        _entity(
            _purpose(purpose.code),
            code=purpose.code,
            isForbidden=purpose.is_forbidden,
            categories=sorted(purpose.categories),
            maximumDurationDays=maximum.duration_days,
            maximumLookbackDays=maximum.lookback_days,
            maximumFrequencyPerDay=maximum.frequency_per_day,
            maximumDataLifeDays=maximum.data_life_days,
        )
    ]
    if bank is not None:
        found.append(
            _entity(
                bank_uid(bank),
                categories=sorted(bank.categories),
                purposes=sorted(bank.purposes),
                maximumDurationDays=bank.maximum_duration_days,
                maximumLookbackDays=bank.maximum_lookback_days,
                maximumFrequencyPerDay=bank.maximum_frequency_per_day,
            )
        )
    return found


def bank_uid(bank: BankFacts | None) -> dict[str, str]:
    """Name the bank for Cedar, or what stands for it while none is known."""
    return {"type": "AnyBank", "id": ""} if bank is None else {"type": "Bank", "id": bank.bank}


def _entity(uid: dict[str, str], **attributes: Any) -> dict[str, Any]:
    return {"uid": uid, "attrs": attributes, "parents": []}


def _purpose(code: str) -> dict[str, str]:
    return {"type": "Purpose", "id": code}


def _registered(context: RequestContext | ReleaseContext) -> dict[str, Any]:
    platform = context.platform
    return {
        "purposes": sorted(platform.purposes),
        "categories": sorted(platform.categories),
    }


def _figures(terms: Terms) -> dict[str, Any]:
    return {
        "isOneTime": terms.duration_type is DurationType.ONE_TIME,
        "namesDuration": terms.duration_days is not None,
        "durationDays": 1 if terms.duration_days is None else terms.duration_days,
        "lookbackDays": terms.lookback_days,
        "frequencyPerDay": terms.frequency_per_day,
        "dataLifeDays": terms.data_life_days,
    }
