"""Tells what is granted, and narrows it: the response's side of `authorization_details` (RFC 9396 §7)."""

from collections.abc import Collection, Mapping
from typing import Any

from broker.grants.views import Grant, GrantedAccount
from broker.oauth.details import TYPE, element
from broker.oauth.errors import OAuthRefused
from broker.policy.terms import Terms
from broker.policy.vocabulary import ClusterState


def standing_categories(grant: Grant) -> tuple[str, ...]:
    """Return the categories of the grant that have not been revoked; paused ones still are granted."""
    return tuple(c.term.name for c in grant.categories if c.state is not ClusterState.REVOKED)


def standing_accounts(grant: Grant) -> tuple[GrantedAccount, ...]:
    """Return the accounts of the grant that have not been removed."""
    return tuple(account for account in grant.accounts if account.state is not ClusterState.REVOKED)


def details_of(grant: Grant, categories: Collection[str], accounts: Collection[GrantedAccount]) -> list[dict[str, Any]]:
    """Return `authorization_details` with the grant's terms, these categories and these accounts."""
    terms = grant.terms
    told = {
        "type": TYPE,
        "purpose": terms.purpose,
        "categories": _categories(terms, categories),
        "accounts": [account.account_id for account in accounts],
        "bank": grant.bank_id,
        "duration_type": terms.duration_type.value,
        "duration_days": terms.duration_days,
        "lookback_days": terms.lookback_days,
        "frequency_per_day": terms.frequency_per_day,
        "data_life_days": terms.data_life_days,
    }
    return [{name: value for name, value in told.items() if value is not None}]


def narrowed(form: Mapping[str, str], grant: Grant, most: Collection[str]) -> tuple[str, ...]:
    """Return the categories that a token request wants out of `most` (RFC 6749 §6, RFC 9396 §6).

    A token is narrowed by categories alone: every other member must say what was granted, word for word.

    Raises:
        OAuthRefused: `invalid_scope` or `invalid_authorization_details` for anything wider or not granted.
    """
    if "scope" in form and "authorization_details" in form:
        raise OAuthRefused("invalid_request", "Narrow with scope or with authorization_details, not with both.")
    standing = tuple(name for name in standing_categories(grant) if name in most)
    if "scope" in form:
        return _by_scope(form["scope"], standing)
    if "authorization_details" in form:
        return _by_details(element(form["authorization_details"]), grant, standing)
    return standing


def _by_scope(scope: str, standing: tuple[str, ...]) -> tuple[str, ...]:
    wanted = {name for name in scope.split(" ") if name}
    if not wanted or not wanted <= set(standing):
        raise OAuthRefused("invalid_scope", "The scope is not within what was granted.", code="category-not-granted")
    return tuple(name for name in standing if name in wanted)


def _by_details(asked: Mapping[str, Any], grant: Grant, standing: tuple[str, ...]) -> tuple[str, ...]:
    (known,) = details_of(grant, standing, standing_accounts(grant))
    others = {name: value for name, value in asked.items() if name != "categories"}
    wanted = asked.get("categories")
    is_within = (
        all(name in known and _is_same(value, known[name]) for name, value in others.items())
        and isinstance(wanted, list)
        and wanted != []
        and all(any(_is_part(item, category) for category in known["categories"]) for item in wanted)
    )
    if not is_within or not isinstance(wanted, list):
        raise OAuthRefused(
            "invalid_authorization_details",
            "These details are not within what was granted, or narrow more than the categories.",
            code="category-not-granted",
        )
    names = {item["name"] for item in wanted}
    return tuple(name for name in standing if name in names)


def _is_same(value: Any, known: Any) -> bool:
    return type(value) is type(known) and value == known


def _is_part(item: Any, category: Mapping[str, Any]) -> bool:
    """Say whether an item names this category and, if it names a step, the granted one."""
    return (
        isinstance(item, dict)
        and item.get("name") == category["name"]
        and all(name in category and _is_same(value, category[name]) for name, value in item.items())
    )


def _categories(terms: Terms, names: Collection[str]) -> list[dict[str, str]]:
    steps = [{"name": t.name, "detail": t.detail, "precision": t.precision} for t in terms.categories]
    return [{key: str(value) for key, value in step.items() if value} for step in steps if step["name"] in names]
