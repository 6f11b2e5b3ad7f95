"""Puts one call before the policies and turns their refusal into the right error."""

from dataclasses import replace
from datetime import datetime

from broker.clock import seconds_left_of_day
from broker.errors import BrokerError, FrequencyExceeded, ProofRefused, ReleaseRefused, TokenRefused
from broker.grants.views import Grant
from broker.policy import Decision, Reason, ReleaseContext, decide
from broker.policy.vocabulary import ClusterState, GrantStatus
from broker.release.asking import Call, Wanted
from broker.release.standing import Standing
from broker.storage.single_use import Loss
from broker.switches.views import off_for

_GRANT_HAS_ENDED = {"grant-revoked", "grant-expired", "grant-rejected", "grant-unknown"}
_USED_UP = "frequency-exceeded"
# The policies are told what the person agreed to, and beside it what is switched off.
_AS_AGREED = {GrantStatus.SUSPENDED: GrantStatus.ACTIVE}
_STATE_AS_AGREED = {ClusterState.SUSPENDED: ClusterState.ACTIVE}


def judge(found: Standing, call: Call, wanted: Wanted, now: datetime) -> Decision:
    """Decide whether what the call wants may leave as things stand."""
    grant, catalogue = found.grant, found.rules.catalogue
    category = grant.category(wanted.category)
    context = ReleaseContext(
        platform=found.platform,
        status=_AS_AGREED.get(grant.status, grant.status),
        is_expired=grant.expires_at <= now,
        purpose=grant.terms.purpose,
        bank_id=grant.bank_id,
        bank=found.bank,
        category=wanted.category,
        term=category.term if category else None,
        category_state=_STATE_AS_AGREED.get(category.state, category.state) if category else None,
        token_categories=call.token_categories,
        account_states=_account_states(grant, wanted),
        off=off_for(grant.switches, wanted.category),
        reads=found.reads,
        harvest=found.harvest,
    )
    decision = decide(catalogue, context)
    if wanted.page is not None:
        page = {"read": wanted.page.read_id, "number": wanted.page.number}
        decision = replace(decision, context={**decision.context, "page": page})
    if wanted.filtered_fields:
        decision = replace(decision, context={**decision.context, "filters": sorted(wanted.filtered_fields)})
    if wanted.question is not None:
        decision = replace(decision, context={**decision.context, "question": wanted.question.to_json()})
    if decision.is_allowed and category is not None:
        fields = {field.name for field in catalogue.categories[wanted.category].fields_in(category.term)}
        if wanted.filtered_fields - fields:
            text = "A filter looks at a field that the person has not granted."
            return replace(decision, reasons=(Reason("field-not-granted", "release.filters", text),))
    return decision


def judge_again(found: Standing, call: Call, wanted: Wanted, now: datetime, *, before: Grant) -> Decision:
    """Decide a second time, just before the bytes leave: the grant may have been narrowed while the bank answered."""
    grant, decision = found.grant, judge(found, call, wanted, now)
    if decision.is_allowed and grant.version != before.version:
        # What was minimised by the old version may be more than the new one lets out.
        text = "The person changed the permission while the bank was answering. Ask again."
        return replace(decision, reasons=(Reason("grant-changed", "release.recheck", text),))
    fetched = {account.account_id for account in wanted.accounts_of(before)}
    if decision.is_allowed and not fetched <= {account.account_id for account in wanted.accounts_of(grant)}:
        text = "The person stopped sharing an account while the bank was answering."
        return replace(decision, reasons=(Reason("account-not-granted", "release.recheck", text),))
    return decision


def raise_refusal(decision: Decision, now: datetime) -> None:
    """Raise what the caller is told; the refusal is in the log already.

    Raises:
        TokenRefused: the grant has ended.
        FrequencyExceeded: the day is used up.
        ReleaseRefused: anything else that is not allowed.
    """
    if decision.is_allowed:
        return
    reason = decision.reasons[0]
    if reason.code in _GRANT_HAS_ENDED:
        raise TokenRefused(reason.text, code=reason.code, rule=reason.rule)
    if reason.code == _USED_UP:
        raise FrequencyExceeded(reason.text, rule=reason.rule, retry_after_s=seconds_left_of_day(now))
    raise ReleaseRefused(reason.text, code=reason.code, rule=reason.rule)


def lost(loss: Loss, now: datetime) -> BrokerError:
    """Return what the caller is told of a claim that an entry has lost; the refusal is in the log already."""
    if not loss.rule:
        return ProofRefused("This DPoP proof was used before.", code="dpop-proof-replayed")
    if loss.code == _USED_UP:
        return FrequencyExceeded(loss.text, rule=loss.rule, retry_after_s=seconds_left_of_day(now))
    return ReleaseRefused(loss.text, code=loss.code, rule=loss.rule)


def _account_states(grant: Grant, wanted: Wanted) -> dict[str, ClusterState | None]:
    """Map what is asked for to its state; a grant without a live account shares none."""
    if wanted.account_id is not None:
        states = {account.account_id: account.state for account in grant.accounts}
        return {wanted.account_id: states.get(wanted.account_id)}
    live: dict[str, ClusterState | None] = {account.account_id: account.state for account in grant.live_accounts}
    return live or {"": None}
