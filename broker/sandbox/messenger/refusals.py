"""Refusals in plain words: what happened, whose decision it was, what can be done."""

from . import blocks
from .api import RefusedError
from .blocks import Block
from .standing import Standing
from .words import CATEGORIES

DECIDED = {
    "category-revoked": "You stopped sharing {what} with {platform}.",
    "category-paused": "You paused sharing {what} with {platform}.",
    "category-not-granted": "You did not share {what} with {platform}.",
    "account-not-granted": "This account at {bank} is not shared with {platform}.",
    "grant-paused": "You paused your sharing from {bank} with {platform}.",
    "grant-revoked": "You ended your sharing from {bank} with {platform}.",
    "grant-expired": "Your sharing from {bank} with {platform} has run out.",
    "grant-ended": "Your sharing from {bank} with {platform} has ended.",
    "token-expired": "Your sharing from {bank} with {platform} has ended.",
    "disconnected": "You have just disconnected {bank}.",
}
"""What the person decided, or what follows from it: told with the way to the dashboard."""

HAPPENED = {
    "category-off": "{bank} or the broker has switched off {what} for now. You need not do anything: "
    "I will say when it goes on.",
    "grant-suspended": "{bank} or the broker has suspended this sharing for now. Your permission stays as it is, "
    "and you need not do anything.",
    "frequency-exceeded": "I have asked {bank} too often for now.{wait}",
    "harvest-hold": "The broker is holding back requests from {platform} while it looks into them. "
    "Please try again later.",
    "bank-unavailable": "{bank} does not answer at the moment. Please try again later.",
    "bank-refused-receipt": "{bank} gave no data: it did not accept the broker's receipt for the request. "
    "Please try again later.",
    "log-unavailable": "The broker cannot write its log at the moment, so nothing may leave. Please try again later.",
    "broker-unreachable": "I cannot reach the broker at the moment. Please try again later.",
    "invalid-answer": "The answer about {bank} made no sense to me, so I do not show it.",
    "receipt-wrong": "The answer about {bank} is not what the broker's receipt says, so I do not show it.",
    "too-much-data": "There is more data than I can add up here.",
    "account-closed": "This account at {bank} is closed. To share another one, connect {bank} again.",
    "bank-sign-in-needed": "{bank} wants you to sign in again. Please connect {bank} once more.",
    "alert-gone": "{bank} has taken this alert back.",
    "storage-unavailable": "The broker cannot be used at the moment. Please try again later.",
}
"""What was not the person's doing."""

_NOT_OFFERED = frozenset({"bank.categories", "catalogue.bank"})
_DOES_NOT_SHARE = "{bank} does not share {what} with apps at the moment."


def check_rest(standing: Standing, category: str) -> None:
    """Stop at what rests: Messenger has been told, and each call for it would stand in the person's log.

    Raises:
        RefusedError: with the code that the broker would give.

    """
    code = standing.refusal_of(category)
    if code is not None:
        raise RefusedError(code)


def tell(error: RefusedError, category: str, bank: str, platform: str) -> Block:
    """Say a refusal in words, with its code."""
    words = {
        "what": CATEGORIES.get(category, "this"),
        "bank": bank,
        "platform": platform,
        "wait": f" Please try again in {_wait(error.retry_after)}." if error.retry_after else "",
    }
    if error.code in DECIDED:
        return blocks.refusal(DECIDED[error.code].format(**words), error.code)
    unknown = "I did not get {what} from {bank}."
    happened = _DOES_NOT_SHARE if error.rule in _NOT_OFFERED else HAPPENED.get(error.code, unknown)
    return blocks.trouble(happened.format(**words), error.code)


def _wait(seconds: int) -> str:
    minutes = -(-seconds // 60)
    if minutes <= 90:  # noqa: PLR2004 - beyond that, hours are easier to grasp
        return "a minute" if minutes <= 1 else f"{minutes} minutes"
    return f"{-(-minutes // 60)} hours"
