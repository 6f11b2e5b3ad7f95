"""Reads each entry of the policy files: a category, a purpose, what one bank offers. Unknown keys are refused."""

import re
from collections.abc import Iterable, Mapping

from broker.policy.answers import Questions
from broker.policy.catalogue import BankFacts, Category, Field, Figures, ForbiddenPurpose, Need, Purpose, Pushed
from broker.policy.files import Node
from broker.policy.vocabulary import DETAIL_ORDER, PRECISION_ORDER, Detail, Precision

_VERSION = 1
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_IRI = re.compile(r"https://[a-z0-9.-]+/[!-~]+")
_FIGURES = ("duration_days", "lookback_days", "frequency_per_day", "data_life_days")
_FIGURE_KEYS = tuple(f"{kind}_{name}" for kind in ("maximum", "default") for name in _FIGURES)
_HARD_MAXIMUM_DAYS = 365
_MOST_QUESTIONS = 100  # a day; each is a row that every further one looks at
_MOST_READS, _LONGEST_LIFE_DAYS = 20, 31  # of one announced thing; each read is a row, and the rows live as long


def categories(root: Node, notices: Mapping[str, str]) -> dict[str, Category]:
    """Read `categories.yaml`; every category needs its notice."""
    _check_root(root, "categories")
    return {name: _category(name, node, notices) for name, node in root.named("categories", "name").items()}


def purposes(root: Node, known: Iterable[str]) -> tuple[dict[str, Purpose], dict[str, ForbiddenPurpose]]:
    """Read `purposes.yaml`: the purposes that may be named, and those that nobody may name."""
    _check_root(root, "purposes", "forbidden")
    names = frozenset(known)
    allowed = {code: _purpose(code, node, names) for code, node in root.named("purposes", "code").items()}
    forbidden = {code: _forbidden(code, node) for code, node in root.named("forbidden", "code").items()}
    if both := forbidden.keys() & allowed.keys():
        raise root.fail("forbidden", f"{min(both)} is both allowed and forbidden")
    return allowed, forbidden


def bank_facts(node: Node, bank: str, categories: Iterable[str], purposes: Mapping[str, Purpose]) -> BankFacts:
    """Read `banks/<bank>.yaml`; a bank that offers more than any purpose may ask for is a mistake."""
    node.only(
        "bank",
        "categories",
        "purposes",
        "maximum_duration_days",
        "maximum_lookback_days",
        "maximum_frequency_per_day",
        "joint_accounts",
        "receipts",
    )
    if node.text("bank") != bank:
        raise node.fail("bank", "must be the name of the file")
    return BankFacts(
        bank=bank,
        categories=frozenset(node.names("categories", frozenset(categories))),
        purposes=frozenset(node.names("purposes", frozenset(purposes))),
        maximum_duration_days=_of_some_purpose(node, "duration_days", purposes.values()),
        maximum_lookback_days=_of_some_purpose(node, "lookback_days", purposes.values()),
        maximum_frequency_per_day=_of_some_purpose(node, "frequency_per_day", purposes.values()),
        joint_accounts=node.flag("joint_accounts"),
        receipts_required=_needs_receipts(node),
    )


def _of_some_purpose(node: Node, name: str, purposes: Iterable[Purpose]) -> int:
    """Read a bank's figure. One that is above every purpose's would be no limit at all, and looks like one."""
    return node.number(f"maximum_{name}", most=max(getattr(purpose.maximum, name) for purpose in purposes))


def _needs_receipts(node: Node) -> bool:
    """Read `receipts`: the word `required`, or no such key. An empty value is a mistake, not a no."""
    if "receipts" not in node.value:
        return False
    if node.text("receipts") != "required":
        raise node.fail("receipts", "must be required, or not stand there at all")
    return True


def _check_root(root: Node, *sections: str) -> None:
    root.only("version", *sections)
    if root.number("version") != _VERSION:
        raise root.fail("version", f"must be {_VERSION}")


def _category(name: str, node: Node, notices: Mapping[str, str]) -> Category:
    node.only(
        "name",
        "title",
        "summary",
        "fields",
        "details",
        "detail_titles",
        "precisions",
        "precision_titles",
        "precision_examples",
        "default_precision",
        "questions",
        "pushed",
    )
    if not _NAME.fullmatch(name) or name not in notices:
        raise node.fail("name", "must be a lower-case name with a notice in notices/")
    details, precisions = node.steps("details", DETAIL_ORDER), node.steps("precisions", PRECISION_ORDER)
    titles = node.texts("detail_titles", details)
    steps = node.texts("precision_titles", precisions)
    examples = node.texts("precision_examples", precisions)
    return Category(
        name=name,
        title=node.text("title"),
        summary=node.text("summary"),
        fields=tuple(_field(field, item) for field, item in node.named("fields", "name").items()),
        notice=notices[name],
        details={Detail(key): text for key, text in titles.items()},
        precisions={Precision(key): text for key, text in steps.items()},
        precision_examples={Precision(key): text for key, text in examples.items()},
        default_precision=_default_precision(node, precisions),
        questions=_questions(node.child("questions")) if "questions" in node.value else None,
        pushed=_pushed(node.child("pushed")) if "pushed" in node.value else None,
    )


def _questions(node: Node) -> Questions:
    """Read how a category of answers may be asked: in steps of amounts or of hours, and not in both."""
    most = node.number("most_per_day", most=_MOST_QUESTIONS)
    if "hours" in node.value:
        node.only("most_per_day", "hours")
        return Questions(most, hours=node.rising("hours"))
    node.only("most_per_day", "amounts", "stale_after_hours")
    return Questions(most, amounts=node.rising("amounts"), stale_after_hours=node.number("stale_after_hours"))


def _pushed(node: Node) -> Pushed:
    """Read how often and for how many days one announced thing may be read."""
    node.only("most_reads", "life_days")
    return Pushed(node.number("most_reads", most=_MOST_READS), node.number("life_days", most=_LONGEST_LIFE_DAYS))


def _default_precision(node: Node, precisions: list[str]) -> Precision | None:
    named = node.step("default_precision", frozenset(precisions) - {Precision.EXACT})
    chosen = named or next(iter(precisions), None)
    return None if chosen is None else Precision(chosen)


def _field(name: str, node: Node) -> Field:
    node.only("name", "label", "from_detail", "from_precision")
    detail = node.step("from_detail", frozenset(Detail))
    precision = node.step("from_precision", frozenset(Precision))
    return Field(
        name=name,
        label=node.text("label"),
        from_detail=Detail(detail) if detail else None,
        from_precision=Precision(precision) if precision else None,
    )


def _purpose(code: str, node: Node, categories: frozenset[str]) -> Purpose:
    node.only("code", "title", "summary", "dpv", "categories", *_FIGURE_KEYS, "maximum_attended_per_day")
    needs = node.mapping("categories")
    if unknown := needs.keys() - categories:
        raise node.fail("categories", f"{min(unknown)} is not a category")
    maximum, default = _figures(node, "maximum"), _figures(node, "default")
    if any(getattr(default, name) > getattr(maximum, name) for name in _FIGURES):
        raise node.fail("default_*", "a default is above its maximum")
    return Purpose(
        code=code,
        title=node.text("title"),
        summary=node.text("summary"),
        dpv=_iri(node),
        needs={name: _need(item) for name, item in needs.items()},
        maximum=maximum,
        default=default,
        maximum_attended_per_day=node.number("maximum_attended_per_day"),
    )


def _need(node: Node) -> Need:
    node.only("essential", "why")
    return Need(node.flag("essential"), node.text("why"))


def _forbidden(code: str, node: Node) -> ForbiddenPurpose:
    node.only("code", "title", "dpv")
    return ForbiddenPurpose(code, node.text("title"), _iri(node))


def _figures(node: Node, prefix: str) -> Figures:
    return Figures(
        duration_days=node.number(f"{prefix}_duration_days", most=_HARD_MAXIMUM_DAYS),
        lookback_days=node.number(f"{prefix}_lookback_days"),
        frequency_per_day=node.number(f"{prefix}_frequency_per_day"),
        data_life_days=node.number(f"{prefix}_data_life_days"),
    )


def _iri(node: Node) -> str:
    """Read the term of the Data Privacy Vocabulary (W3C DPV) that the purpose stands for."""
    iri = node.text("dpv")
    if not _IRI.fullmatch(iri):
        raise node.fail("dpv", "must be an https IRI")
    return iri
