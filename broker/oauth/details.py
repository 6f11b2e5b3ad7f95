"""Reads what a platform asks for: `authorization_details` of the type `bank_data` (RFC 9396), or plain scopes."""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from broker.crypto.strict_json import without_repetition
from broker.edge.services import services
from broker.oauth.errors import OAuthRefused
from broker.platforms.service import Platform
from broker.policy import Catalogue
from broker.policy.terms import CategoryTerm, Terms
from broker.policy.vocabulary import Detail, DurationType, MachineScope, Precision

TYPE = "bank_data"
NUMBERS = ("duration_days", "lookback_days", "frequency_per_day", "data_life_days")
MEMBERS = {"type", "purpose", "categories", "bank", "duration_type", *NUMBERS}
_CATEGORY_MEMBERS = {"name", "detail", "precision"}
_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}")
BANK_PATTERN = "[a-z][a-z0-9-]{1,39}"
_BANK = re.compile(BANK_PATTERN)
_LARGEST_NUMBER = 100_000
MOST_CATEGORIES = 40


def asked_by(form: Mapping[str, str], platform: Platform, catalogue: Catalogue) -> Terms:
    """Return the terms that a request asks for; whether they are allowed is for the policies to say.

    Raises:
        OAuthRefused: `invalid_request` for both or neither of the parameters or a scope without default purpose;
            `invalid_authorization_details` for details that are not well formed.
    """
    if ("authorization_details" in form) == ("scope" in form):
        raise OAuthRefused("invalid_request", "Exactly one of authorization_details and scope is needed.")
    if "scope" in form:
        return _of_scope(form["scope"], platform, catalogue)
    return _of_element(element(form["authorization_details"]), catalogue)


def announced(_base_url: str) -> dict[str, Any]:
    """Return what the metadata says can be asked for (RFC 9396 §10, RFC 8414 §2)."""
    scopes = [*services().catalogue.categories, *MachineScope]
    return {"authorization_details_types_supported": [TYPE], "scopes_supported": scopes}


def element(text: str) -> Mapping[str, Any]:
    """Return the one element of an `authorization_details` parameter.

    Raises:
        OAuthRefused: not JSON, not a list of exactly one object of the type `bank_data`.
    """
    try:
        value = json.loads(text, object_pairs_hook=without_repetition)
    except (ValueError, RecursionError):
        _refuse("authorization_details is not JSON, or repeats a member.")
    if not isinstance(value, list) or len(value) != 1 or not isinstance(value[0], dict):
        _refuse("authorization_details must be a list of exactly one object.")
    if value[0].get("type") != TYPE:
        _refuse(f"The only type of authorization_details is {TYPE}.")
    return value[0]


def _of_scope(scope: str, platform: Platform, catalogue: Catalogue) -> Terms:
    names = tuple(dict.fromkeys(name for name in scope.split(" ") if name))
    if not names or len(names) > MOST_CATEGORIES or not all(_WORD.fullmatch(name) for name in names):
        raise OAuthRefused("invalid_scope", "The scope is empty or not well formed.")
    purpose = catalogue.purposes.get(platform.default_purpose or "")
    if purpose is None:
        raise OAuthRefused("invalid_request", "The client has no default purpose: ask with authorization_details.")
    return catalogue.complete(purpose=purpose, categories=tuple(_of_name(name, catalogue) for name in names))


def _of_name(name: str, catalogue: Catalogue) -> CategoryTerm:
    category = catalogue.categories.get(name)
    return CategoryTerm(name) if category is None else category.least()  # unknown: refused by the policies, and logged


def _of_element(asked: Mapping[str, Any], catalogue: Catalogue) -> Terms:
    if unknown := sorted(asked.keys() - MEMBERS):
        _refuse(f"There is no member {unknown[0][:40]}.")
    word, bank = asked.get("purpose"), asked.get("bank")
    if not isinstance(word, str) or not _WORD.fullmatch(word):
        _refuse("purpose must be the code of a purpose.")
    if "bank" in asked and not (isinstance(bank, str) and _BANK.fullmatch(bank)):
        _refuse("bank must be the id of a bank.")
    numbers = {name: _number(name, asked[name]) for name in NUMBERS if name in asked}
    duration_type = _duration_type(asked)
    categories = _categories(asked.get("categories"), catalogue)
    purpose = catalogue.purposes.get(word)
    if purpose is not None:
        return catalogue.complete(
            purpose=purpose, categories=categories, duration_type=duration_type, bank=bank, **numbers
        )
    # No defaults without a purpose; the policies refuse these terms by name, and the refusal is logged.
    figures: dict[str, Any] = {name: numbers.get(name, 0) for name in NUMBERS}
    return Terms(purpose=word, categories=categories, duration_type=duration_type, bank=bank, **figures)


def _duration_type(asked: Mapping[str, Any]) -> DurationType:
    word = asked.get("duration_type", DurationType.TIME_BOUND.value)
    if word not in list(DurationType):
        _refuse("duration_type must be ONE_TIME or TIME_BOUND.")
    if word == DurationType.ONE_TIME and "duration_days" in asked:
        _refuse("ONE_TIME has no duration_days.")
    return DurationType(word)


def _categories(value: Any, catalogue: Catalogue) -> tuple[CategoryTerm, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_CATEGORIES:
        _refuse("categories must be a list of at least one category.")
    terms = tuple(_category(item, catalogue) for item in value)
    if len({term.name for term in terms}) < len(terms):
        _refuse("A category stands in the list more than once.")
    return terms


def _category(item: Any, catalogue: Catalogue) -> CategoryTerm:
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(name, str) or not _WORD.fullmatch(name) or item.keys() - _CATEGORY_MEMBERS:
        _refuse("A category is an object with name and, where it has steps, detail or precision.")
    category = catalogue.categories.get(name)
    if category is None:
        return CategoryTerm(name)  # refused by the policies, which log it
    least = category.least()
    detail = _step("detail", item, list(category.details), least.detail)
    precision = _step("precision", item, list(category.precisions), least.precision)
    return CategoryTerm(name, Detail(detail) if detail else None, Precision(precision) if precision else None)


def _step(member: str, item: Mapping[str, Any], steps: list[Any], default: str | None) -> str | None:
    if member not in item:
        return default
    if not isinstance(item[member], str) or item[member] not in steps:
        _refuse(f"{item['name']} has no such {member}.")
    return str(item[member])


def _number(name: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= _LARGEST_NUMBER:
        _refuse(f"{name} must be a whole number from 1.")
    return value


def _refuse(description: str) -> NoReturn:
    raise OAuthRefused("invalid_authorization_details", description)
